// Many clients, access nodes that refuse, die, come back and give connections away, and messages
// that are lost, late and doubled: no line is ever stuck, and the counts balance.
#include "balancer_fixture.hpp"

#include <functional>
#include <map>
#include <random>
#include <set>

namespace dunlin::tests {
namespace {

using namespace std::chrono_literals;
using time = balancer_core::time;

class world {
public:
  explicit world(std::uint64_t seed) : chance_(seed), random_(seed) {
    core_.set_settings({});
    for (const auto* name : {"a", "b", "c", "d", "e"})
      nodes_[name] = {name[0] < 'c' ? "east" : "west", name[0] < 'd' ? "left" : "right"};
    core_.set_nodes(nodes_);
  }

  void run() {
    for (int i = 0; i < 400; ++i)
      after(time(below(60'000)), [this] { client_comes(); });
    for (int i = 0; i < 400; ++i)
      after(time(below(70'000)), [this] { access_node_gives_away(); });
    for (int i = 0; i < 8; ++i)
      after(time(below(60'000)), [this] { access_node_dies(); });
    after(time(below(60'000)), [this] { all_access_nodes_die(); });
    pass(70s);
    pass(60s);
    at_the_end();
  }

private:
  struct line {
    bool placing = false;  // counted as placed, failed or abandoned one day
    bool attached = false;
    bool prepared = false;
    std::uint64_t stopping = 0;  // the serial of the stop it is about
    bool stopped = false;
    bool leg_ended = false;
    bool gone = false;
    bool resting = false;
    node_id node;
    std::uint64_t connection = 0;
    node_id next_node;
    std::uint64_t next_connection = 0;
    std::uint64_t request = 1;
  };

  std::uint64_t below(std::uint64_t most) { return chance_() % most; }
  bool likely(unsigned percent) { return below(100) < percent; }
  void after(time wait, std::function<void()> what) {
    events_.emplace(std::pair{now_ + wait, ++order_}, std::move(what));
  }

  void pass(time span) {
    const auto end = now_ + span;
    for (;;) {
      const auto wake = core_.next_wake();
      const auto event = events_.empty() ? end + 1ms : events_.begin()->first.first;
      const auto next = std::min(event, wake.value_or(end + 1ms));
      if (next > end) break;
      now_ = std::max(now_, next);
      if (event <= now_) {
        const auto what = events_.extract(events_.begin());
        what.mapped()();
      } else {
        perform(core_.on_timer(now_));
      }
      ASSERT_EQ(core_.broken(now_), "") << now_.count();
    }
    now_ = end;
  }

  void perform(const balancer_core::effects& all) {
    for (const auto& each : all)
      std::visit([&](const auto& effect) { heed(effect); }, each);
  }

  // ---- what the core wants ----

  void heed(const balancer_core::offer& wish) {
    EXPECT_LE(wish.attempt, 2 + nodes_.size());  // two steps; as a last resort each once
    const auto serial = wish.serial;
    if (dead_.count(wish.node) > 0 || likely(5))
      return after(time(below(1'000)), [=, this] { perform(core_.on_offer_failed(now_, serial)); });
    balancer_core::offer_reply reply;
    reply.accepted = likely(wish.last_resort ? 90 : 60);
    reply.why = reply.accepted ? balancer_core::refusal::none
                               : static_cast<balancer_core::refusal>(1 + below(5));
    reply.connection = ++connections_;
    reply.token = "t";
    for (const auto& [node, rack] : nodes_)
      reply.digest.push_back(
          {node, 1, static_cast<double>(below(300)) / 100, 1, time(below(20'000)), likely(80), 10});
    // Some come twice, and some when nobody waits any more.
    const auto late = time(below(likely(5) ? 4'000 : 50));
    const auto copies = likely(5) ? 2 : 1;
    for (int i = 0; i < copies; ++i)
      after(late, [=, this] { perform(core_.on_offer_reply(now_, serial, reply)); });
  }

  void heed(const balancer_core::attach& to) {
    auto& one = lines_.at(to.line);
    EXPECT_FALSE(one.attached);
    after(time(below(20)), [=, this] {
      auto& one = lines_.at(to.line);
      if (one.gone) return;
      const auto fine = dead_.count(to.node) == 0 && likely(95);
      if (fine) {
        one.attached = true;
        one.node = to.node;
        one.connection = to.connection;
        one.placing = false;
      }
      perform(core_.on_attached(now_, to.line, to.serial, fine));
    });
  }

  void heed(const balancer_core::refuse& what) {
    auto& one = lines_.at(what.line);
    EXPECT_FALSE(one.attached);
    one.placing = false;
    end_soon(what.line);
  }

  void heed(const balancer_core::prepare& to) {
    EXPECT_TRUE(lines_.at(to.line).attached || lines_.at(to.line).gone);
    after(time(below(20)), [=, this] {
      auto& one = lines_.at(to.line);
      if (one.gone || !one.attached) return;
      const auto fine = dead_.count(to.node) == 0 && likely(95);
      one.prepared = fine;
      one.next_node = to.node;
      one.next_connection = to.connection;
      perform(core_.on_prepared(now_, to.line, to.serial, fine));
    });
  }

  void heed(const balancer_core::stop_reading& what) {
    lines_.at(what.line).stopping = what.serial;
    // A slow leg may hold it up for longer than anybody waits.
    after(time(below(likely(5) ? 8'000 : 20)), [=, this] {
      auto& one = lines_.at(what.line);
      if (one.gone || !one.attached) return;
      // It was told to stay meanwhile; the next stop is another one.
      if (one.stopping != what.serial)
        return perform(core_.on_stopped(now_, what.line, what.serial, false, 0));
      const auto fine = one.prepared && likely(95);
      one.stopped = fine;
      perform(core_.on_stopped(now_, what.line, what.serial, fine, 10));
    });
  }

  void heed(const balancer_core::switch_over& what) {
    EXPECT_TRUE(lines_.at(what.line).stopped);
    after(time(below(20)), [=, this] {
      auto& one = lines_.at(what.line);
      if (one.gone || !one.attached) return;
      const auto fine = dead_.count(one.next_node) == 0;
      one.stopped = one.prepared = one.leg_ended = false;
      if (fine) {
        one.node = one.next_node;
        one.connection = one.next_connection;
      }
      perform(core_.on_switched(now_, what.line, what.serial, fine));
      if (!fine) lose(what.line, true);
    });
  }

  void heed(const balancer_core::stay& what) {
    auto& one = lines_.at(what.line);
    if (one.gone) return;
    one.prepared = one.stopped = false;
    one.stopping = 0;
    if (std::exchange(one.leg_ended, false)) after(1ms, [=, this] { lose(what.line, true); });
  }

  void heed(const balancer_core::doubt& what) {
    const auto& one = lines_.at(what.line);
    if (one.attached && doubted_[what.line] == what.outage) lose(what.line, false);
    doubted_[what.line] = what.outage;
  }

  void heed(const balancer_core::close& what) { end_soon(what.line); }

  void heed(const balancer_core::answer_move& what) {
    EXPECT_EQ(tickets_.erase(what.ticket), 1u) << "answered twice, or never asked";
    if (!what.ready || likely(10)) return;  // lost
    const auto asked = wishes_.at(what.ticket);
    const auto declined = likely(15);
    if (!declined) leg_ends(asked.node, asked.connection);
    if (likely(10)) return;  // lost
    const auto late = time(below(likely(5) ? 14'000 : 900));
    const auto copies = likely(5) ? 2 : 1;
    for (int i = 0; i < copies; ++i)
      after(late, [=, this] {
        perform(core_.on_hand_over(now_, asked.node, asked.connection, declined, "u").first);
      });
  }

  // ---- what happens ----

  void client_comes() {
    const auto number = ++numbers_;
    lines_[number].placing = true;
    ++placings_;
    perform(core_.on_first_bytes(now_, number));
    if (likely(60)) after(time(below(40'000)), [=, this] { end(number); });
    if (likely(30))
      after(time(below(40'000)), [=, this] {
        auto& one = lines_.at(number);
        if (!one.gone && one.attached) lose(number, likely(50));
      });
  }

  void access_node_gives_away() {
    std::vector<const line*> all;
    for (const auto& [number, one] : lines_)
      if (one.attached) all.push_back(&one);
    balancer_core::move_wish wish{++tickets_made_, "a", below(1'000), likely(30), 0.01};
    if (!all.empty() && likely(95)) {
      const auto* const one = all[below(all.size())];
      wish.node = one->node;
      wish.connection = one->connection;
    }
    tickets_.insert(wish.ticket);
    wishes_[wish.ticket] = wish;
    perform(core_.on_offer_move(now_, wish));
    if (likely(20)) {
      wish.ticket = ++tickets_made_;
      tickets_.insert(wish.ticket);
      wishes_[wish.ticket] = wish;
      after(time(below(3'000)), [=, this] { perform(core_.on_offer_move(now_, wish)); });
    }
  }

  void all_access_nodes_die() {
    for (const auto& [node, rack] : nodes_)
      access_node_dies(node);
  }

  void access_node_dies() {
    access_node_dies(std::next(nodes_.begin(), static_cast<long>(below(5)))->first);
  }

  void access_node_dies(const node_id& node) {
    dead_.insert(node);
    if (likely(30)) return stands_still(node);
    for (auto& [number, one] : lines_)
      if (one.attached && one.node == node)
        after(time(below(300)), [=, this, number = number] {
          if (lines_.at(number).attached && lines_.at(number).node == node) lose(number, false);
        });
    after(time(below(5'000)), [=, this] {
      dead_.erase(node);
      if (likely(50)) perform(core_.on_reachable(now_, node));
    });
  }

  /// Nothing says that its legs are lost but that its link goes down.
  void stands_still(const node_id& node) {
    after(3s, [=, this] { perform(core_.on_unreachable(now_, node)); });
    after(time(4'000 + below(9'000)), [=, this] {
      dead_.erase(node);
      perform(core_.on_reachable(now_, node));
    });
  }

  /// Its sending, at a boundary.
  void leg_ends(const node_id& node, std::uint64_t connection) {
    for (auto& [number, one] : lines_) {
      if (!one.attached || one.node != node || one.connection != connection || !one.stopped)
        continue;
      one.leg_ended = true;
      after(time(below(50)), [=, this, number = number] {
        auto& one = lines_.at(number);
        if (one.gone || !one.leg_ended || !one.stopped) return;
        perform(core_.on_lost(now_, number, {true, true, false, false, one.request}));
      });
    }
  }

  void lose(std::uint64_t number, bool in_order) {
    auto& one = lines_.at(number);
    if (one.gone || !one.attached) return;
    if (one.stopped) {
      one.leg_ended = true;
      perform(core_.on_lost(now_, number, {in_order, true, likely(50), true, one.request}));
      return;
    }
    one.attached = one.prepared = one.leg_ended = false;
    one.request += below(2);
    if (likely(30)) return rest(number, in_order);
    const auto replayable = likely(60);
    const auto before = core_.count().replays;
    const auto out =
        core_.on_lost(now_, number, {in_order, false, replayable, likely(80), one.request});
    if (core_.count().replays > before) {
      one.placing = true;
      ++placings_;
    }
    perform(out);
    if (!replayable) end_soon(number);
  }

  /// Its client says more, some day.
  void rest(std::uint64_t number, bool in_order) {
    balancer_core::loss how;
    how.in_order = in_order;
    how.resting = lines_.at(number).resting = true;
    perform(core_.on_lost(now_, number, how));
    after(time(below(20'000)), [=, this] {
      auto& one = lines_.at(number);
      if (one.gone) return;
      one.resting = false;
      one.placing = true;
      ++placings_;
      perform(core_.on_first_bytes(now_, number, true));
    });
  }

  void end_soon(std::uint64_t number) {
    after(time(below(30)), [=, this] { end(number); });
  }

  void end(std::uint64_t number) {
    auto& one = lines_.at(number);
    if (std::exchange(one.gone, true)) return;
    one.attached = false;
    if (std::exchange(one.placing, false)) ++abandoned_;
    perform(core_.on_ended(number));
  }

  void at_the_end() {
    EXPECT_TRUE(tickets_.empty()) << "a move was never answered";
    EXPECT_EQ(core_.moving(), 0u);
    EXPECT_FALSE(core_.next_wake());
    std::size_t attached = 0;
    for (const auto& [number, one] : lines_) {
      EXPECT_TRUE(one.gone || one.attached || one.resting) << "stuck: " << number;
      attached += one.attached ? 1 : 0;
    }
    EXPECT_EQ(core_.lines(), attached);
    std::size_t legs = 0;
    for (const auto& [node, count] : core_.lines_by_node())
      legs += count;
    EXPECT_EQ(legs, attached);
    const auto& count = core_.count();
    EXPECT_EQ(placings_, count.connects + count.failed + abandoned_);
    std::uint64_t by_attempt = 0;
    for (const auto each : count.attempts)
      by_attempt += each;
    EXPECT_EQ(by_attempt, count.connects);
    // Otherwise nothing was tried.
    EXPECT_GT(count.connects, 300u);
    EXPECT_GT(count.moves, 10u);
    EXPECT_GT(count.replays, 10u);
    EXPECT_GT(count.rested, 10u);
    EXPECT_GT(count.moves_stayed, 2u);
  }

  std::mt19937_64 chance_;
  crypto::seeded_random random_;
  balancer_core core_{{}, "west", random_};
  selection::nodes nodes_;
  std::set<node_id> dead_;
  std::map<std::uint64_t, std::uint64_t> doubted_;  // in which outage
  std::map<std::uint64_t, line> lines_;
  std::map<std::pair<time, std::uint64_t>, std::function<void()>> events_;
  std::set<std::uint64_t> tickets_;
  std::map<std::uint64_t, balancer_core::move_wish> wishes_;
  time now_{0};
  std::uint64_t order_ = 0;
  std::uint64_t numbers_ = 0;
  std::uint64_t connections_ = 10'000;
  std::uint64_t tickets_made_ = 0;
  std::uint64_t placings_ = 0;
  std::uint64_t abandoned_ = 0;
};

class BalancerModel : public testing::TestWithParam<std::uint64_t> {};

TEST_P(BalancerModel, NoLineIsEverStuckAndTheCountsBalance_B5_B11_R11) {
  SCOPED_TRACE(GetParam());
  world{GetParam()}.run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, BalancerModel, testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace dunlin::tests
