// Lines, real entries and real legs: whatever clients say, in whatever pieces, and whenever their
// connections change access nodes, each request is done once and each answer is its own (B11, R11).
#include "runtime/crypto/random.hpp"
#include "runtime/http/entry.hpp"
#include "runtime/proxy/line_listener.hpp"
#include "runtime/proxy/proxy_header.hpp"
#include "runtime/simulation/sim_http_client.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace dunlin::proxy {
namespace {

using namespace std::chrono_literals;
using simulation::client_answer;
using simulation::client_request;
using simulation::sim_http_client;

struct notes final : http::leg_book {
  std::optional<std::uint64_t> redeem(std::string_view token) override {
    const auto found = expected.find(std::string(token));
    if (found == expected.end()) return std::nullopt;
    const auto number = found->second;
    expected.erase(found);
    return number;
  }
  void turned_away() override {}
  void opened(std::uint64_t number, std::weak_ptr<http::leg> made, const std::string&) override {
    legs[number] = std::move(made);
  }
  void closed(std::uint64_t number, const http::leg_counts&) override { legs.erase(number); }
  bool honours_declared_load() const override { return false; }
  std::map<std::string, std::uint64_t> expected;
  std::map<std::uint64_t, std::weak_ptr<http::leg>> legs;
};

class world {
public:
  explicit world(std::uint64_t seed, bool crashes) : chance_(seed), network_(loop_, seed) {
    for (const auto* node : {"x", "y", "z"})
      open_access_node(node);
    open_balancer();
    for (int i = 0; i < 6; ++i)
      open_client(i, seed * 100 + static_cast<std::uint64_t>(i), crashes);
    for (int i = 0; i < 300; ++i)
      at(below(20'000), [this] { move_one(); });
    for (int i = 0; crashes && i < 6; ++i)
      at(below(20'000), [this] { crash_one(); });
  }
  ~world() {
    lines_.reset();
    for (auto& [node, one] : nodes_)
      one.entry->stop();
    loop_.run_until(loop_.now() + 100ms);
  }

  void run() { loop_.run_until(200s); }

  std::size_t sent = 0, answered = 0;
  std::set<std::string> wrong;
  std::map<std::string, int> done;  // puts, by target
  int moves = 0, declined = 0, replays = 0;
  std::vector<std::shared_ptr<sim_http_client>> clients;

private:
  struct access_node {
    notes book;
    std::unique_ptr<http::stream_entry> entry;
  };
  struct place {
    node_id node;
    std::uint64_t connection = 0;
    bool moving = false;
  };

  std::uint64_t below(std::uint64_t most) { return chance_() % most; }
  void at(std::uint64_t ms, std::function<void()> what) {
    loop_.at(std::chrono::milliseconds(ms), std::move(what));
  }

  void open_access_node(const node_id& node) {
    auto& one = nodes_[node];
    http::server_options options;
    options.direct = false;
    options.legs = http::leg_options{{node, 9}, false, nullptr, &one.book};
    one.entry = http::make_entry(options, {nullptr, streams_.port(node)}, random_, counts_);
    one.entry->serve([this](http::exchange_ptr asked) { take(asked, {}); }).value();
  }

  /// Answers with what it was told, after a while.
  void take(http::exchange_ptr asked, std::string body) {
    asked->read(20'000, [this, asked, body = std::move(body)](result<std::string> part) mutable {
      if (!part) return asked->cut();
      if (!part->empty()) return take(asked, std::move(body) + *part);
      const auto& request = asked->request();
      if (request.method == "PUT") ++done[request.target];
      auto text = std::make_shared<const std::string>(
          request.target + " " + std::to_string(std::hash<std::string>{}(body)) + " " +
          std::string(body.size() / 2, 'b'));
      const auto wait = std::chrono::milliseconds(below(below(3) == 0 ? 500 : 20));
      loop_.after(wait, [asked, text] {
        asked->respond({200, {}, text->size()}, text, [asked](result<void>) {});
      });
    });
  }

  void open_balancer() {
    port_ = streams_.port("p");
    lines_ = std::make_unique<line_listener>(*port_, *port_);
    line_events events;
    events.first_bytes = [this](line_number line, const line_client&) { place_at(line, pick({})); };
    events.leg_lost = [this](line_number line, const leg_loss& loss) {
      if (loss.stopped) {
        if (!loss.in_order)
          if (const auto one = lines_->find(line)) one->stay();
        return;
      }
      if (!loss.replayable) return;
      ++replays;
      place_at(line, pick(places_[line].node));
    };
    events.ended = [this](line_number line) { places_.erase(line); };
    lines_->serve(std::move(events));
    lines_->listen({"p", 80}, false).value();
  }

  node_id pick(const node_id& without) {
    std::vector<node_id> all;
    for (const auto& [node, one] : nodes_)
      if (node != without && dead_.count(node) == 0) all.push_back(node);
    return all[below(all.size())];
  }

  std::string header(const node_id& node, std::uint64_t number) {
    const auto token = "token-" + std::to_string(number);
    nodes_[node].book.expected[token] = number;
    return encode({false, "10.0.0.9:1", "", token, number, false});
  }

  void place_at(line_number line, const node_id& node) {
    const auto one = lines_->find(line);
    if (!one) return;
    const auto number = ++connections_;
    places_[line] = {node, number, false};
    one->attach({node, 9}, header(node, number), [this, line, node](result<void> came) {
      if (!came && came.error() == ec::unavailable) place_at(line, pick(node));
    });
  }

  void move_one() {
    if (places_.empty()) return;
    auto found = std::next(places_.begin(), static_cast<long>(below(places_.size())));
    const auto line = found->first;
    if (std::exchange(found->second.moving, true)) return;
    const auto one = lines_->find(line);
    if (!one) return;
    const auto to = pick(found->second.node);
    const auto number = ++connections_;
    one->prepare({to, 9}, header(to, number), [=, this](result<void> came) {
      if (!came) return stays(line);
      one->stop_reading([=, this](result<std::uint64_t> forwarded) {
        if (!forwarded) return stays(line);
        hand_over(line, *forwarded, {to, number, false});
      });
    });
  }

  void hand_over(line_number line, std::uint64_t forwarded, const place& to) {
    const auto from = places_[line];
    const auto leg = nodes_[from.node].book.legs[from.connection].lock();
    const auto one = lines_->find(line);
    if (!one) return;
    if (!leg) return one->stay(), stays(line);
    leg->hand_over(forwarded, 5s, [=, this](result<std::string> unread) {
      if (!unread) return one->stay(), stays(line);
      one->switch_over(*unread, [=, this](result<void> came) {
        if (!came) return stays(line);
        ++moves;
        if (places_.count(line) > 0) places_[line] = to;
      });
    });
  }

  void stays(line_number line) {
    ++declined;
    const auto found = places_.find(line);
    if (found != places_.end()) found->second.moving = false;
  }

  void crash_one() {
    if (!dead_.empty()) return;
    const auto node = pick({});
    dead_.insert(node);
    network_.crash(node);
    nodes_[node].entry->stop();
    loop_.after(500ms, [this, node] {
      nodes_[node].entry.reset();
      nodes_[node].book = {};
      open_access_node(node);
      dead_.erase(node);
    });
  }

  void open_client(int number, std::uint64_t seed, bool crashes) {
    simulation::client_options options;
    options.servers = {{"p", 80}};
    options.tries = crashes ? 8 : 1;
    const auto name = "c" + std::to_string(number);
    clients.push_back(sim_http_client::make(streams_, name, options, seed));
    for (int i = 0; i < 40; ++i)
      at(below(20'000), [this, number, i] { ask(number, i); });
  }

  void ask(int number, int i) {
    client_request wish;
    const auto puts = below(3) == 0;
    const auto target = "/" + std::to_string(number) + "/" + std::to_string(i);
    wish.head.method = puts ? "PUT" : "GET";
    wish.head.target = target;
    wish.head.headers = {{"Host", "s3"}};
    if (puts) {
      wish.body =
          std::string(below(below(4) == 0 ? 300'000 : 3'000), static_cast<char>('a' + i % 26));
      wish.head.headers.push_back({"Content-Length", std::to_string(wish.body.size())});
      wish.expect_continue = below(6) == 0;
    }
    wish.pipelined = !puts && below(3) == 0;
    if (below(3) == 0) {
      wish.piece = 1 + below(2'000) + wish.body.size() / 500;
      wish.pause = std::chrono::milliseconds(below(4));
    }
    ++sent;
    const auto hash = std::to_string(std::hash<std::string>{}(wish.body));
    clients[static_cast<std::size_t>(number)]->send(wish, [=, this](const client_answer& said) {
      ++answered;
      if (said.status != 200 || said.body.rfind(target + " " + hash + " ", 0) != 0)
        wrong.insert(target + ": " + std::to_string(said.status) + " " + said.body.substr(0, 40));
    });
  }

  std::mt19937_64 chance_;
  simulation::event_loop loop_;
  simulation::sim_network network_;
  simulation::sim_streams& streams_ = network_.streams();
  crypto::seeded_random random_{5};
  metrics counts_;
  std::map<node_id, access_node> nodes_;
  std::shared_ptr<sockets::stream_port> port_;
  std::unique_ptr<line_listener> lines_;
  std::map<line_number, place> places_;
  std::set<node_id> dead_;
  std::uint64_t connections_ = 0;
};

class Rehome : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Rehome, NoClientNotices_B11_R11) {
  SCOPED_TRACE(GetParam());
  world all{GetParam(), false};
  all.run();
  EXPECT_EQ(all.answered, all.sent);
  EXPECT_TRUE(all.wrong.empty()) << *all.wrong.begin();
  for (const auto& [target, times] : all.done)
    EXPECT_EQ(times, 1) << target;
  for (const auto& client : all.clients) {
    EXPECT_EQ(client->counts().resets, 0u);
    EXPECT_EQ(client->counts().garbled, 0u);
    EXPECT_EQ(client->counts().dials, 1u);
  }
  EXPECT_GT(all.moves, 30);
}

TEST_P(Rehome, WithAccessNodesThatDieNoAnswerIsAnothers_R11) {
  SCOPED_TRACE(GetParam());
  world all{GetParam(), true};
  all.run();
  EXPECT_EQ(all.answered, all.sent);
  EXPECT_TRUE(all.wrong.empty()) << *all.wrong.begin();
  for (const auto& client : all.clients)
    EXPECT_EQ(client->counts().garbled, 0u);
  EXPECT_GT(all.moves, 10);
}

TEST(RehomeOfAllSeeds, SomeRequestsAreAskedAgain_R11) {
  int replayed = 0;
  for (std::uint64_t seed = 1; seed < 9; ++seed) {
    world all{seed, true};
    all.run();
    replayed += all.replays;
  }
  EXPECT_GT(replayed, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Rehome, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace dunlin::proxy
