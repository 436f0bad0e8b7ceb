// How connections find their access node (docs/decisions/0015), in whole clusters on virtual time:
// actors, lines, legs and HTTP as in production.
#include "tests/simulation/balanced_cluster.hpp"

namespace dunlin::testkit {
namespace {

using testing::StartsWith;

TEST_F(BalancedCluster, B1_AccessNodesAreAskedWithTheCountOfTriesForThatClient) {
  start(quick + "enabled = false\n[balance.choose]\nby_attempt = [\"round_robin\"]\n");
  load({0.9, 0.1, 0.1});
  pass(5s);
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(call(client(), ask("HEAD", "/box")).status, 200);
  std::map<std::uint32_t, std::uint64_t> accepted, refused;
  for (const auto* name : access) {
    const auto said = cluster->admission(name);
    EXPECT_EQ(said.absurd_attempts(), 0u);
    for (const auto& one : said.attempts()) {
      accepted[one.attempt()] += one.accepted();
      refused[one.attempt()] += one.refused();
    }
  }
  EXPECT_GE(accepted[1], 5u);
  EXPECT_GE(accepted[2], 5u);
  // Each refusal is followed by the next try, for the same client.
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt)
    EXPECT_EQ(refused[attempt], accepted[attempt + 1] + refused[attempt + 1]) << attempt;
  std::map<std::uint32_t, std::uint64_t> told;
  for (const auto* name : balancers) {
    const auto said = cluster->balancer(name);
    for (int i = 0; i < said.attempts_size(); ++i)
      told[static_cast<std::uint32_t>(i) + 1] += said.attempts(i);
  }
  for (std::uint32_t attempt = 1; attempt <= 4; ++attempt)
    EXPECT_EQ(told[attempt], accepted[attempt]) << attempt;
  expect_no_leak();
}

TEST_F(BalancedCluster, B7_TheAccessNodeSeesTheClientsOwnAddress) {
  start();
  std::vector<std::string> peers;
  cluster->on_asked([&](const node_id&, const http::request& what) { peers.push_back(what.peer); });
  EXPECT_EQ(call(client({}, "198.51.100.23"), ask("PUT", "/box/k", "body")).status, 200);
  ASSERT_EQ(peers.size(), 1u);
  EXPECT_THAT(peers[0], StartsWith("198.51.100.23:"));
  expect_no_leak();
}

TEST_F(BalancedCluster, B5_WhenAllAreFullTheClientIsToldToComeBackLater) {
  start();
  load({2, 2, 2});
  pass(5s);
  simulation::client_options once;
  once.tries = 1;
  const auto answer = call(client(once), ask("GET", "/box/k"));
  EXPECT_EQ(answer.status, 503);
  ASSERT_NE(answer.find("Retry-After"), nullptr);
  EXPECT_THAT(answer.body, testing::HasSubstr("SlowDown"));
  std::uint64_t failed = 0;
  int calls = 0;
  for (const auto* name : balancers) {
    failed += cluster->balancer(name).failed();
    calls += cluster->balancer(name).more_access_nodes_needed() ? 1 : 0;
  }
  EXPECT_EQ(failed, 1u);
  EXPECT_EQ(calls, 1);
  load({0.3, 0.3, 0.3});
  EXPECT_EQ(call(client(), ask("PUT", "/box/k", "body")).status, 200);
  expect_no_leak();
}

TEST_F(BalancedCluster, B8_APeerThatLiesAboutItsLevelIsClampedAndRefusalsOverruleIt) {
  start();
  load({1.5, 0.4, 0.4});
  for (const auto* name : access)
    cluster->load(name).set_leg(0);
  // Says that it is idle, or far less; its own thresholds still refuse.
  v1::PeerIndicators lie;
  lie.mutable_own()->set_node("n1");
  lie.mutable_own()->set_level(-1e9);
  lie.mutable_own()->set_capacity(1e9);
  lie.mutable_own()->set_willing(true);
  lie.mutable_own()->set_incarnation(~0ull);
  pass(2s);
  simulation::client_options once;
  once.tries = 1;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    lie.set_sequence(i);
    for (const auto* name : {"n2", "n3"})
      cluster->tell_admission(name, lie);
    pass(100ms);
    // Its level refuses, whatever is said of it, and the others take all.
    EXPECT_EQ(call(client(once), ask("HEAD", "/box")).status, 200) << i;
  }
  for (const auto* name : balancers)
    EXPECT_EQ(cluster->balancer(name).failed(), 0u) << name;
  for (const auto* name : {"n2", "n3"}) {
    const auto said = cluster->admission(name);
    EXPECT_GE(said.fleet_level(), 0);
    EXPECT_LE(said.fleet_level(), 2);
    for (const auto& peer : said.peers()) {
      EXPECT_GE(peer.level(), 0) << peer.node();
      EXPECT_LE(peer.level(), 2) << peer.node();
    }
  }
  EXPECT_EQ(cluster->legs("n1").open, 0u);
  EXPECT_EQ(legs(), lines());
  expect_no_leak();
}

TEST_F(BalancedCluster, APausedAccessNodeIsPassedOverWithinTheOfferTimeout) {
  start();
  cluster->pause("n2");
  for (int i = 0; i < 9; ++i) {
    const auto before = cluster->time().now();
    const auto answer = call(client(), ask("HEAD", "/box"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.tries, 1);
    EXPECT_LT(cluster->time().now() - before, 3s);
  }
  cluster->resume("n2");
  pass(5s);
  expect_no_leak();
}

TEST_F(BalancedCluster, B5_WhereAllAccessNodesAreAwayForAMomentAClientWaitsForThem) {
  start();
  for (const auto* name : access)
    cluster->drain(name, 100ms, [] {});
  pass(500ms);
  simulation::client_options once;
  once.tries = 1;
  const auto before = cluster->time().now();
  EXPECT_EQ(call(client(once), ask("HEAD", "/box")).status, 503);
  EXPECT_GE(cluster->time().now() - before, 2s);
  EXPECT_LT(cluster->time().now() - before, 5s);
  std::optional<simulation::client_answer> heard;
  for (const auto* name : access)
    cluster->crash(name);
  pass(100ms);
  const auto waiting = client(once);
  waiting->send(ask("HEAD", "/box"), [&](const auto& came) { heard = came; });
  pass(500ms);
  EXPECT_FALSE(heard);
  cluster->start_all();
  EXPECT_TRUE(await([&] { return heard.has_value(); }));
  EXPECT_NE(heard->status, 0);  // there, if not ready yet
  EXPECT_TRUE(cluster->wait_until_ready(20s));
  pass(3s);
  expect_no_leak();
}

TEST_F(BalancedCluster, WhenAnAccessNodeDiesAGetIsAskedAgainOnceAndAPutIsNot) {
  start();
  ASSERT_EQ(put("/box/k", "body").status, 200);
  simulation::client_options once;
  once.tries = 1;
  std::vector<std::string> asked;
  cluster->on_asked([&](const node_id& where, const http::request& what) {
    asked.push_back(what.method + " at " + where);
    if (asked.size() > 1) return;
    cluster->time().events().after({}, [this, where] { cluster->crash(where); });
  });
  const auto answer = call(client(once), ask("GET", "/box/k"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "body");
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_NE(asked[0], asked[1]);
  EXPECT_EQ(cluster->asked().repeated(), 1u);

  cluster->start_all();
  cluster->wait_until_ready(20s);
  pass(3s);
  asked.clear();
  EXPECT_EQ(call(client(once), ask("PUT", "/box/k", "other")).status, 0);
  pass(5s);
  EXPECT_EQ(asked.size(), 1u);
  cluster->start_all();
  cluster->wait_until_ready(20s);
  pass(3s);
  expect_no_leak();
}

TEST_F(BalancedCluster, R11_WhenAnAccessNodeDiesNoIdleClientIsClosed) {
  start();
  simulation::client_options once;
  once.tries = 1;  // whatever goes wrong is seen
  std::vector<session> all;
  for (int i = 0; i < 15; ++i) {
    all.push_back(client(once));
    EXPECT_EQ(call(all.back(), ask("PUT", "/box/k", "body")).status, 200);
  }
  const auto before = lines();
  const auto there = cluster->legs("n1").open;
  ASSERT_GE(there, 3u);
  cluster->crash("n1");
  pass(10s);
  EXPECT_EQ(lines(), before);
  EXPECT_EQ(legs(), before - there);
  std::uint64_t rested = 0;
  for (const auto* name : balancers)
    rested += cluster->balancer(name).rested();
  EXPECT_EQ(rested, there);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& each = all[i];
    const auto asked = cluster->time().now();
    const auto puts = i % 2 == 0;
    EXPECT_EQ(call(each, ask(puts ? "PUT" : "GET", "/box/k", puts ? "other" : "")).status, 200);
    EXPECT_LT(cluster->time().now() - asked, 3s);
    EXPECT_EQ(each->counts().dials, 1u);
    EXPECT_EQ(each->counts().resets, 0u);
  }
  EXPECT_GE(legs() + 1, lines());  // the one that made the bucket may still rest
  cluster->start_all();
  cluster->wait_until_ready(20s);
  pass(3s);
  expect_no_leak();
}

/// A machine that stands still, or whose power fails, resets nothing.
class StandsStill : public BalancedCluster {
protected:
  enum class does : std::uint8_t { nothing, get, put };

  /// Of its clients one in three is idle, one asks, one asks for what may be done once only; the
  /// others' clients are idle.
  void ask_of(const std::function<void()>& falls_silent) {
    start();
    ASSERT_EQ(put("/box/k", "body").status, 200);
    simulation::client_options once;
    once.tries = 1;
    for (int i = 0; i < 15; ++i) {
      all.push_back(client(once));
      EXPECT_EQ(call(all.back(), ask("GET", "/box/k")).status, 200);
      const auto here = cluster->legs("n1").open;
      what.push_back(here > there ? static_cast<does>(there % 3) : does::nothing);
      there = here;
    }
    ASSERT_GE(there, 3u);
    const auto before = cluster->time().now();
    falls_silent();
    pass(10ms);
    std::size_t asked = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (what[i] == does::nothing) continue;
      ++asked;
      const auto gets = what[i] == does::get;
      all[i]->send(ask(gets ? "GET" : "PUT", "/box/k", gets ? "" : "body"),
                   [this, i](const auto& came) { heard[i] = came; });
    }
    EXPECT_TRUE(await([&] { return heard.size() == asked; }));
    // The link's silence, and then the leg's (`lost_after`).
    EXPECT_LT(cluster->time().now() - before, 10s);
    pass(5s);
  }
  void expect_all_go_on() {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (what[i] != does::nothing) continue;
      EXPECT_EQ(call(all[i], ask("PUT", "/box/k", "body")).status, 200) << i;
      EXPECT_EQ(all[i]->counts().dials, 1u) << i;
    }
    std::uint64_t resets = 0, rested = 0, replays = 0, cut = 0;
    for (const auto* name : balancers) {
      const auto said = cluster->balancer(name);
      resets += said.resets();
      rested += said.rested();
      replays += said.replays();
    }
    for (const auto& [i, came] : heard) {
      if (what[i] == does::get) {
        EXPECT_EQ(came.status, 200) << i;
      }
      cut += came.status == 200 ? 0 : 1;
    }
    EXPECT_EQ(cut, resets);
    EXPECT_GE(replays, 1u);
    EXPECT_EQ(replays + rested + resets, there);
  }
  void come_back() {
    cluster->wait_until_ready(20s);
    pass(5s);
    expect_no_leak();
  }

  std::vector<session> all;
  std::vector<does> what;  // each of them
  std::map<std::size_t, simulation::client_answer> heard;
  std::size_t there = 0;  // legs of the one that falls silent
};

TEST_F(StandsStill, R11_ClientsOfAPausedAccessNodeGoOnElsewhere) {
  ask_of([&] { cluster->pause("n1"); });
  expect_all_go_on();
  cluster->resume("n1");
  come_back();
}

TEST_F(StandsStill, R11_ClientsOfAnAccessNodeWithoutPowerGoOnElsewhere) {
  ask_of([&] { cluster->crash("n1", true); });
  expect_all_go_on();
  cluster->start_all();
  come_back();
}

TEST_F(BalancedCluster, WhenABalancerDiesItsClientsComeBackThroughAnother) {
  start();
  std::vector<session> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(client());
    EXPECT_EQ(call(all.back(), ask("HEAD", "/box")).status, 200);
  }
  EXPECT_EQ(lines(), 7u);  // and the one that made the bucket
  EXPECT_EQ(legs(), 7u);
  cluster->crash("n4");
  pass(1s);
  EXPECT_EQ(legs(), lines());
  const auto before = cluster->time().now();
  for (const auto& each : all)
    EXPECT_EQ(call(each, ask("HEAD", "/box")).status, 200);
  EXPECT_LT(cluster->time().now() - before, 3s);
  EXPECT_EQ(cluster->lines("n5"), legs());
  cluster->start_all();
  pass(3s);
  expect_no_leak();
}

}  // namespace
}  // namespace dunlin::testkit
