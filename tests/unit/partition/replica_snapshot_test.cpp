// A replica that needs what the others' logs have forgotten (Q1, decision 9).
#include "tests/unit/partition/replica_world.hpp"

#include <gmock/gmock.h>

using namespace dunlin;
using namespace dunlin::testing_partition;
using namespace std::chrono_literals;

namespace {

struct ReplicaSnapshot : testing::Test {
  ReplicaSnapshot() : world{{.checkpoint_bytes = 4'000, .laggard_bytes_max = 10'000}} {}
  ~ReplicaSnapshot() override { EXPECT_THAT(world.watch.violations(), testing::IsEmpty()); }

  void put(const std::string& key) {
    const auto done = world.wait(world.command(world.leader(), put_object(key, key)));
    ASSERT_TRUE(done->reply) << key;
  }
  /// n-th of those that do not lead is away while much is written.
  node_id leave_one_behind() {
    const auto leader = world.leader();
    const auto away = leader == "n1" ? "n2" : "n1";
    put("k0");
    world.cut.insert(away);
    for (auto i = 1; i < 300; ++i)
      put("k" + std::to_string(i));
    world.advance(1s);
    return away;
  }
  bool catches_up(const node_id& away, std::chrono::milliseconds limit) {
    for (auto waited = 0ms; waited < limit; waited += 100ms) {
      world.advance(100ms);
      const auto leader = world.leader();
      if (leader.empty() || world.status(away).applied() == 0) continue;
      if (world.status(away).applied() == world.status(leader).applied()) return true;
    }
    return false;
  }
  bool is_away(const node_id& away) {
    return world.status(away).applied() < world.status(world.leader()).applied();
  }

  replica_world world;
};

TEST_F(ReplicaSnapshot, TheLogStaysSmallWhileAVoterIsAway) {
  leave_one_behind();
  EXPECT_LT(world.at(world.leader()).log->live_bytes(), 30'000u);
}

TEST_F(ReplicaSnapshot, BringsBackOneThatWasAwayForLong) {
  const auto away = leave_one_behind();
  world.cut.clear();
  ASSERT_TRUE(catches_up(away, 20s));
  put("late");
  ASSERT_TRUE(catches_up(away, 5s));
  // All of it is there when the one that was away is all there is to ask.
  world.crash(away);
  world.start(away);
  ASSERT_TRUE(catches_up(away, 10s));
  for (const auto& name : {"n1", "n2", "n3"})
    if (name != away) world.cut.insert(name);
  world.cut.erase("n3");
  const auto last = world.leader(20s);
  ASSERT_NE(last, "");
  const auto found = world.wait(world.get(last, "k150"));
  ASSERT_TRUE(found->answer);
  EXPECT_EQ(found->answer->object().etag(), "k150");
}

TEST_F(ReplicaSnapshot, SaysThatItCatchesUpWhileItDoes) {
  const auto away = leave_one_behind();
  world.pass_piece = [](const buffer&) { return buffer{}; };
  world.cut.clear();
  world.advance(1500ms);
  EXPECT_EQ(world.status(away).role(), "catching up");
  EXPECT_EQ(world.wait(world.command(away, put_object("k")))->error, ec::not_leader);
  world.pass_piece = [](buffer piece) { return piece; };
  EXPECT_TRUE(catches_up(away, 60s));
}

TEST_F(ReplicaSnapshot, IsRefusedWhenABitOfItIsNotWhatWasSent) {
  const auto away = leave_one_behind();
  auto flips = 3;
  world.pass_piece = [&flips](const buffer& piece) {
    auto changed = *piece;
    if (flips > 0) changed[changed.size() / 2] ^= 1;
    return std::make_shared<const std::string>(changed);
  };
  world.cut.clear();
  world.advance(4s);
  EXPECT_TRUE(is_away(away));
  flips = 0;
  EXPECT_TRUE(catches_up(away, 60s));
}

TEST_F(ReplicaSnapshot, APowerCutAtAnyDiskCallLeavesAReplicaThatStarts) {
  const auto away = leave_one_behind();
  for (std::uint64_t call = 1; call < 300; call += 3) {
    SCOPED_TRACE("disk call " + std::to_string(call));
    world.crash(away);
    world.cut.insert(away);
    for (auto i = 0; i < 60; ++i)
      put(std::string(300, 'x') + std::to_string(call));
    world.cut.clear();
    world.start(away);
    world.advance(300ms);
    world.at(away).disk->crash_after(call);
    world.advance(4s);
    world.crash(away);
    world.start(away);
    ASSERT_TRUE(catches_up(away, 30s));
    ASSERT_THAT(world.watch.violations(), testing::IsEmpty());
  }
}

}  // namespace
