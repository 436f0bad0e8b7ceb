// How connections are moved without their clients noticing (B11, docs/decisions/0015), in whole
// clusters on virtual time.
#include "tests/simulation/balanced_cluster.hpp"

namespace dunlin::testkit {
namespace {

/// A client that puts and gets for as long as it is let, and looks at what it gets.
struct busy_client {
  std::shared_ptr<simulation::sim_http_client> session;
  std::string path, body;
  std::uint64_t asked = 0, answered = 0, wrong = 0, tries = 0;
  std::chrono::nanoseconds stall{0}, began{0};
};

class Moves : public BalancedCluster {
protected:
  void begin(int clients) {
    simulation::client_options options;
    options.tries = 1;  // whatever goes wrong is seen
    for (int i = 0; i < clients; ++i) {
      auto one = std::make_shared<busy_client>();
      one->session = client(options, "192.0.2." + std::to_string(i + 1));
      one->path = "/box/of-" + std::to_string(i);
      busy.push_back(one);
      go_on(one);
    }
  }
  void go_on(const std::shared_ptr<busy_client>& one) {
    if (!goes_on) return;
    const auto puts = one->asked++ % 2 == 0;
    if (puts)
      one->body =
          std::string(1 + one->asked * 977 % 30'000, static_cast<char>('a' + one->asked % 26));
    one->began = cluster->time().now();
    auto request = ask(puts ? "PUT" : "GET", one->path, puts ? one->body : "");
    request.expect_continue = puts && one->asked % 3 == 0;
    one->session->send(std::move(request), [this, one,
                                            puts](const simulation::client_answer& came) {
      ++one->answered;
      if (came.status != 200 || (!puts && came.body != one->body)) {
        ++one->wrong;
        ADD_FAILURE() << one->path << ": " << came.status << " after " << came.tries << " tries";
      }
      one->stall = std::max(one->stall, cluster->time().now() - one->began);
      cluster->time().events().after(std::chrono::milliseconds(100 + one->answered * 37 % 300),
                                     [this, one] { go_on(one); });
    });
  }
  void end() {
    goes_on = false;
    EXPECT_TRUE(await([&] {
      return std::all_of(busy.begin(), busy.end(),
                         [](const auto& one) { return one->asked == one->answered; });
    }));
    for (const auto& one : busy)
      EXPECT_EQ(one->wrong, 0u);
  }
  std::chrono::nanoseconds worst_stall() const {
    std::chrono::nanoseconds worst{0};
    for (const auto& one : busy)
      worst = std::max(worst, one->stall);
    return worst;
  }
  std::uint64_t moved_away() {
    std::uint64_t sum = 0;
    for (const auto* name : access)
      sum += cluster->admission(name).moved_away();
    return sum;
  }

  std::vector<std::shared_ptr<busy_client>> busy;
  bool goes_on = true;
};

TEST_F(Moves, B11_ConnectionsUnderLoadMoveAndEveryAnswerIsRight) {
  start();
  begin(20);
  pass(3s);
  for (int round = 0; round < 4; ++round) {
    std::vector<double> levels(3, 0.4);
    levels[static_cast<std::size_t>(round % 3)] = 0.9;
    load(levels);
    pass(5s);
  }
  end();
  EXPECT_GE(moved_away(), 10u);
  EXPECT_LT(worst_stall(), 3s);
  pass(2s);
  EXPECT_EQ(legs(), lines());
  for (const auto* name : access) {
    const auto said = cluster->admission(name);
    EXPECT_EQ(said.strangers(), 0u) << name;
  }
  expect_no_leak();
}

TEST_F(Moves, B11_ADrainGivesEverythingAwayAndNoClientNotices) {
  start();
  begin(12);
  pass(3s);
  ASSERT_GT(cluster->legs("n1").open, 0u);
  bool drained = false;
  cluster->drain("n1", 20s, [&] { drained = true; });
  EXPECT_TRUE(await([&] { return drained; }, 30s));
  EXPECT_EQ(cluster->legs("n1").open, 0u);
  pass(2s);
  EXPECT_EQ(cluster->legs("n1").open, 0u);  // nobody comes back
  end();
  EXPECT_EQ(legs(), lines());
  expect_no_leak();
}

TEST_F(Moves, AClientThatGoesAwayInMidUploadDuringAMoveLeavesNothingBehind) {
  for (const auto gone : {15'000u, 40'000u, 90'000u}) {
    start(quick, gone);
    sessions.front()->close_when_idle();
    pass(1s);
    auto upload = ask("PUT", "/box/k", std::string(100'000, 'x'));
    upload.piece = 10'000;
    upload.pause = 100ms;
    upload.gone_after = gone;
    const auto one = client();
    bool over = false;
    one->send(upload, [&](const auto&) { over = true; });
    pass(50ms);
    bool drained = false;
    cluster->drain(holder(), 5s, [&] { drained = true; });
    EXPECT_TRUE(await([&] { return over && drained; }, 60s));
    EXPECT_EQ(call(client(), ask("GET", "/box/k")).status, 404);
    pass(15s);
    expect_no_leak();
    sessions.clear();
  }
}

}  // namespace
}  // namespace dunlin::testkit
