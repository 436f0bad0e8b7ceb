/// How a leader's changes get to queues (Q7, decision 13, docs/decisions/0011), and a storm of
/// losses in which every row must become durable somewhere and none be called so before.
#include "actors/partition/announcer_core.hpp"

#include "tests/support/sources.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

using seeded = support::seeded_random;

announcer_core::row row(std::uint64_t tick, std::size_t bytes = 10) {
  return {tick, "object k" + std::to_string(tick), bytes};
}

struct AnnouncerCore : testing::Test {
  using core = announcer_core;
  std::unique_ptr<core> make(std::vector<node_id> queues, core::limits limits = {},
                             queue_choice how = queue_choice::round_robin) {
    return std::make_unique<core>(limits, std::move(queues), select_queues(how, "n1", random));
  }
  /// Keeps what is sent and what is announced.
  void take(core::effects effects) {
    for (auto& one : effects)
      if (auto* out = std::get_if<core::send>(&one))
        sent.push_back(*out);
      else
        announced.push_back(std::get<core::announced>(one).through);
  }
  void rows(core& to, std::uint64_t first, std::uint64_t last) {
    std::vector<core::row> all;
    for (auto tick = first; tick <= last; ++tick)
      all.push_back(row(tick));
    take(to.on_rows(now, std::move(all)));
  }
  std::vector<node_id> receivers() const {
    std::vector<node_id> names;
    for (const auto& one : sent)
      names.push_back(one.queue);
    return names;
  }
  using names = std::vector<node_id>;

  seeded random{1};
  core::time now{1000};
  std::vector<core::send> sent;
  std::vector<std::uint64_t> announced;
};

TEST_F(AnnouncerCore, RowsGoOutAtOnceAsOneMessage) {
  auto core = make({"q1"});
  rows(*core, 1, 3);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].rows, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_FALSE(core->next_wake());
}

TEST_F(AnnouncerCore, RowsOfOneIntervalGoToOneQueueAndThoseOfTheNextToAnother) {
  auto core = make({"q1", "q2"});
  rows(*core, 1, 1);
  now += 19ms;
  rows(*core, 2, 2);
  now += 1ms;
  rows(*core, 3, 3);
  EXPECT_EQ(receivers(), (names{"q1", "q1", "q2"}));
}

TEST_F(AnnouncerCore, ARowIsAnnouncedWhenItAndAllBeforeItAreDurable) {
  auto core = make({"q1"});
  rows(*core, 3, 4);
  rows(*core, 7, 7);
  rows(*core, 9, 9);
  take(core->on_durable(now, sent[1].message));
  EXPECT_TRUE(announced.empty());
  take(core->on_durable(now, sent[0].message));
  EXPECT_EQ(announced, (std::vector<std::uint64_t>{7}));
  EXPECT_EQ(core->room(), announcer_core::limits{}.rows_max - 1);
  take(core->on_durable(now, sent[2].message));
  EXPECT_EQ(announced, (std::vector<std::uint64_t>{7, 9}));
}

TEST_F(AnnouncerCore, WhatAQueueFailsForGoesToAnotherAndThatQueueRests) {
  auto core = make({"q1", "q2"});
  rows(*core, 1, 2);
  now += 1s;
  take(core->on_failed(now, sent[0].message));
  ASSERT_EQ(receivers(), (names{"q1", "q2"}));
  EXPECT_EQ(sent[1].rows, sent[0].rows);
  for (std::uint64_t tick = 3; tick < 6; ++tick) {
    now += 20ms;
    rows(*core, tick, tick);
  }
  EXPECT_EQ(receivers(), (names{"q1", "q2", "q2", "q2", "q2"}));
  now += 200ms;
  rows(*core, 6, 6);
  EXPECT_EQ(receivers().back(), "q1");
}

TEST_F(AnnouncerCore, RowsOfAQueueThatIsSilentGoToAnotherOneLongBeforeItIsGivenUp) {  // Q7
  auto core = make({"q1", "q2", "q3"});
  rows(*core, 1, 2);
  EXPECT_EQ(core->next_wake(), now + 100ms);
  now += 60ms;
  rows(*core, 3, 3);
  EXPECT_EQ(receivers(), (names{"q1", "q2"}));
  now += 40ms;
  take(core->on_timer(now));
  ASSERT_EQ(receivers(), (names{"q1", "q2", "q3"}));
  EXPECT_EQ(sent[2].rows, sent[0].rows);
  // Its turn would be now.
  now += 20ms;
  rows(*core, 4, 4);
  EXPECT_NE(receivers().back(), "q1");
  take(core->on_durable(now, sent[2].message));
  EXPECT_EQ(announced, (std::vector<std::uint64_t>{2}));
  // It was slow, not dead, and has its rows, too.
  take(core->on_durable(now, sent[0].message));
  take(core->on_durable(now, sent[1].message));
  take(core->on_durable(now, sent[3].message));
  EXPECT_EQ(announced.back(), 4u);
  EXPECT_EQ(core->room(), announcer_core::limits{}.rows_max);
}

TEST_F(AnnouncerCore, ARowGoesToEveryQueueOnceWhenAllAreSilent) {
  auto core = make({"q1", "q2"});
  rows(*core, 1, 1);
  for (int i = 0; i < 50; ++i) {
    now += 10ms;
    take(core->on_timer(now));
  }
  EXPECT_EQ(receivers(), (names{"q1", "q2"}));
  take(core->on_failed(now, sent[0].message));
  EXPECT_EQ(sent.size(), 2u);  // q2 has it still
  take(core->on_failed(now, sent[1].message));
  now += 200ms;
  take(core->on_timer(now));
  EXPECT_EQ(receivers(), (names{"q1", "q2", "q1"}));
}

TEST_F(AnnouncerCore, PatienceGrowsWithWhatAQueueTakesOfLate) {
  auto core = make({"q1", "q2"});
  for (std::uint64_t tick = 1; tick <= 40; ++tick) {  // both have slow disks
    rows(*core, tick, tick);
    const auto last = sent.back().message;
    now += 90ms;
    take(core->on_durable(now, last));
  }
  const auto before = sent.size();
  rows(*core, 41, 41);
  now += 300ms;
  take(core->on_timer(now));
  EXPECT_EQ(sent.size(), before + 1);
  now += 60ms;
  take(core->on_timer(now));
  EXPECT_EQ(sent.size(), before + 2);
}

TEST_F(AnnouncerCore, OneQueueAloneIsWaitedFor) {
  auto core = make({"q1"});
  rows(*core, 1, 1);
  now += 500ms;
  take(core->on_timer(now));
  EXPECT_EQ(sent.size(), 1u);
  rows(*core, 2, 2);
  EXPECT_EQ(sent.size(), 2u);
}

TEST_F(AnnouncerCore, WhenAllQueuesRestItWaitsForTheFirstAndRestsGrow) {
  auto core = make({"q1"});
  rows(*core, 1, 1);
  auto wait = 200ms;
  for (int i = 0; i < 4; ++i, wait *= 2) {
    take(core->on_failed(now, sent.back().message));
    ASSERT_EQ(sent.size(), static_cast<std::size_t>(i + 1));
    ASSERT_EQ(core->next_wake(), now + wait);
    now += wait;
    take(core->on_timer(now));
    ASSERT_EQ(sent.size(), static_cast<std::size_t>(i + 2));
  }
  take(core->on_durable(now, sent.back().message));
  EXPECT_EQ(announced, (std::vector<std::uint64_t>{1}));
  rows(*core, 2, 2);
  take(core->on_failed(now, sent.back().message));
  EXPECT_EQ(core->next_wake(), now + 200ms);  // an answer ends the row of failures
}

TEST_F(AnnouncerCore, MessagesAndThoseInFlightAreBounded) {
  announcer_core::limits limits;
  limits.bytes_max = 1000;
  limits.in_flight_max = 2;
  auto core = make({"q1"}, limits);
  std::vector<announcer_core::row> many;
  for (std::uint64_t tick = 1; tick <= 40; ++tick)
    many.push_back(row(tick, 100));
  many.push_back(row(41, 5000));  // goes alone
  take(core->on_rows(now, std::move(many)));
  ASSERT_EQ(sent.size(), 2u);
  for (std::size_t next = 0; next < sent.size(); ++next) {
    EXPECT_EQ(sent[next].rows.size(), sent[next].rows[0] == 41 ? 1u : 10u);
    take(core->on_durable(now, sent[next].message));
    EXPECT_LE(sent.size() - next - 1, 2u);
  }
  EXPECT_EQ(announced.back(), 41u);
}

TEST_F(AnnouncerCore, AQueueThatIsFullIsLeftWhenTheIntervalIsOver) {
  announcer_core::limits limits;
  limits.in_flight_max = 1;
  auto core = make({"q1", "q2"}, limits);
  rows(*core, 1, 1);
  rows(*core, 2, 2);
  rows(*core, 3, 3);
  EXPECT_EQ(receivers(), (names{"q1"}));
  ASSERT_EQ(core->next_wake(), now + 20ms);
  now += 20ms;
  take(core->on_timer(now));
  ASSERT_EQ(receivers(), (names{"q1", "q2"}));
  EXPECT_EQ(sent[1].rows.size(), 2u);  // gathered meanwhile
  rows(*core, 4, 4);
  now += 20ms;
  take(core->on_timer(now));
  EXPECT_EQ(sent.size(), 2u);
  // Only an answer helps, or that one of them has been silent for too long.
  EXPECT_EQ(core->next_wake(), now + 60ms);
}

TEST_F(AnnouncerCore, ByItemOneKeyKeepsItsQueue) {
  auto core = make({"q1", "q2", "q3"}, {}, queue_choice::rendezvous);
  rows(*core, 1, 60);
  EXPECT_EQ(sent.size(), 3u);
  std::set<std::uint64_t> covered;
  for (const auto& one : sent)
    covered.insert(one.rows.begin(), one.rows.end());
  EXPECT_EQ(covered.size(), 60u);
}

TEST_F(AnnouncerCore, AnswersToMessagesThatItGaveUpAreNothing) {
  auto core = make({"q1"});
  rows(*core, 1, 1);
  take(core->on_failed(now, sent[0].message));
  take(core->on_durable(now, sent[0].message));
  take(core->on_failed(now, 4711));
  EXPECT_TRUE(announced.empty());
  EXPECT_EQ(core->room(), announcer_core::limits{}.rows_max - 1);
}

TEST_F(AnnouncerCore, ARowThatNoQueueCanReadIsFoundAndGivenUpAndHoldsNobodyUp) {
  auto core = make({"q1"});
  rows(*core, 1, 5);
  for (std::size_t next = 0; next < sent.size(); ++next) {
    const auto& in = sent[next].rows;
    const auto poisoned = std::find(in.begin(), in.end(), 3u) != in.end();
    take(poisoned ? core->on_refused(now, sent[next].message)
                  : core->on_durable(now, sent[next].message));
    ASSERT_LT(sent.size(), 10u);
  }
  EXPECT_EQ(announced.back(), 5u);
  EXPECT_EQ(core->given_up(), 1u);
  EXPECT_FALSE(core->next_wake());
  rows(*core, 6, 7);  // the queue did not rest
  EXPECT_EQ(sent.back().rows, (std::vector<std::uint64_t>{6, 7}));
}

TEST_F(AnnouncerCore, ARowWithNothingToSayIsAnnouncedAtOnce) {
  auto core = make({"q1"});
  take(core->on_rows(now, {row(1, 0), row(2, 0), row(3, 9), row(4, 0)}));
  EXPECT_EQ(announced, (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(sent.at(0).rows, (std::vector<std::uint64_t>{3}));
  take(core->on_durable(now, sent[0].message));
  EXPECT_EQ(announced.back(), 4u);
}

TEST_F(AnnouncerCore, NoMessageHasMoreRowsThanAQueueTakesRunsOfOrdinals) {
  auto core = make({"q1", "q2"}, {}, queue_choice::rendezvous);
  rows(*core, 1, 1000);
  EXPECT_GE(sent.size(), 4u);
  for (const auto& one : sent)
    EXPECT_LE(one.rows.size(), announcer_core::limits{}.message_rows_max);
}

TEST_F(AnnouncerCore, WithoutQueuesNothingIsSentAndNobodyWakes) {
  auto core = make({});
  rows(*core, 1, 1);
  EXPECT_TRUE(sent.empty());
  EXPECT_FALSE(core->next_wake());
}

// ---- losses ----

/// Queues that lose requests, lose answers, answer late or are down for a while. What reached a
/// queue is durable there, whether the leader hears of it or not.
struct AnnouncerStorm : testing::TestWithParam<std::uint64_t> {
  using core = announcer_core;
  struct answer {
    core::time at;
    std::uint64_t message;
    bool durable;
    bool refused;
  };

  explicit AnnouncerStorm() : random{GetParam()} {
    limits.rows_max = 1 + below(200);
    limits.bytes_max = 100 + below(3000);
    limits.message_rows_max = 1 + below(50);
    limits.in_flight_max = 1 + below(4);
    for (std::uint64_t i = 0; i <= below(4); ++i)
      queues.push_back("q" + std::to_string(i));
    loss = below(60);
    poison = below(3) == 0 ? 50 + below(100) : 0;
    start_term();
  }
  std::uint64_t below(std::uint64_t bound) { return random.engine() % bound; }

  /// A new leader knows what was announced, and nothing else.
  void start_term() {
    in_flight.clear();
    offered = announced;
    leader = std::make_unique<core>(
        limits, queues, select_queues(static_cast<queue_choice>(below(4)), "q0", random));
  }

  void take(core::effects effects) {
    for (auto& one : effects)
      if (auto* out = std::get_if<core::send>(&one))
        deliver(*out);
      else
        announce(std::get<core::announced>(one));
  }
  void deliver(const core::send& out) {
    EXPECT_TRUE(std::find(queues.begin(), queues.end(), out.queue) != queues.end());
    EXPECT_LE(++at_queue[out.queue], limits.in_flight_max);
    sender[out.message] = out.queue;
    const auto refused = poison > 0 && std::any_of(out.rows.begin(), out.rows.end(),
                                                   [&](auto row) { return row % poison == 0; });
    const auto lost = refused || below(100) < loss || now < down_until[out.queue];
    EXPECT_TRUE(std::is_sorted(out.rows.begin(), out.rows.end()));
    if (!lost) durable.insert(out.rows.begin(), out.rows.end());
    const auto heard = !lost && below(100) >= loss;
    // Some disks are slow now and then: their rows come twice.
    const auto takes = below(10) == 0 ? 400 : 50;
    const auto after = heard ? core::time{1 + below(takes)} : core::time{1 + below(2) * 999};
    in_flight.push_back({now + after, out.message, heard, refused && below(100) >= loss});
  }
  void announce(const core::announced& news) {
    EXPECT_GT(news.through, announced);
    for (auto tick = announced + 1; tick <= news.through; ++tick)
      ASSERT_TRUE(durable.contains(tick) || (poison > 0 && tick % poison == 0))
          << tick << " was announced before any queue had it";
    announced = news.through;
  }
  void offer() {
    std::vector<core::row> rows;
    for (auto room = leader->room(); room > 0 && offered < written; --room)
      rows.push_back(row(++offered, 1 + below(200)));
    if (!rows.empty()) take(leader->on_rows(now, std::move(rows)));
  }
  /// The next thing that happens.
  void step() {
    auto next = now + core::time{1 + below(30)};
    for (const auto& one : in_flight)
      next = std::min(next, one.at);
    if (const auto wake = leader->next_wake()) next = std::min(next, *wake);
    now = std::max(next, now + 1ms);
    for (std::size_t i = 0; i < in_flight.size();) {
      if (in_flight[i].at > now) {
        ++i;
        continue;
      }
      const auto one = in_flight[i];
      in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(i));
      --at_queue[sender[one.message]];
      take(one.durable   ? leader->on_durable(now, one.message)
           : one.refused ? leader->on_refused(now, one.message)
                         : leader->on_failed(now, one.message));
      i = 0;
    }
    take(leader->on_timer(now));
    offer();
  }

  seeded random;
  core::limits limits;
  std::vector<node_id> queues;
  std::uint64_t loss = 0;    // per cent
  std::uint64_t poison = 0;  // multiples of it cannot be read; 0: all can
  core::time now{1};
  std::unique_ptr<core> leader;
  std::vector<answer> in_flight;
  std::map<node_id, std::size_t> at_queue;
  std::map<std::uint64_t, node_id> sender;
  std::map<node_id, core::time> down_until;
  std::set<std::uint64_t> durable;
  std::uint64_t written = 0, offered = 0, announced = 0;
};

TEST_P(AnnouncerStorm, EveryRowBecomesDurableSomewhereAndNoneIsAnnouncedBefore) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  for (int i = 0; i < 2000; ++i) {
    written += below(4);
    if (below(50) == 0) down_until[queues[below(queues.size())]] = now + core::time{below(3000)};
    if (below(300) == 0) {
      at_queue.clear();
      start_term();
    }
    step();
  }
  loss = 0;
  down_until.clear();
  // With room for one row each takes a round trip.
  const auto enough = now + 60s + 60ms * (written - announced);
  while ((announced < written || !in_flight.empty()) && now < enough)
    step();
  EXPECT_EQ(announced, written);
  EXPECT_EQ(leader->room(), limits.rows_max);
  EXPECT_FALSE(leader->next_wake());
}

std::vector<std::uint64_t> seeds() {
  if (const auto* wish = std::getenv("DUNLIN_SEED")) return {std::strtoull(wish, nullptr, 10)};
  std::vector<std::uint64_t> all(40);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = i + 1;
  return all;
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnnouncerStorm, testing::ValuesIn(seeds()));

}  // namespace
