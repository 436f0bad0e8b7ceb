#include "tests/unit/partition/replica_world.hpp"

#include "runtime/storage/memory_store.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

using namespace dunlin;
using namespace dunlin::testing_partition;
using namespace std::chrono_literals;

namespace {

struct PartitionReplica : testing::Test {
  explicit PartitionReplica(replica_world::settings with = {}) : world{with} {}
  ~PartitionReplica() override { EXPECT_THAT(world.watch.violations(), testing::IsEmpty()); }

  void put(const node_id& to, const std::string& key) {
    const auto done = world.wait(world.command(to, put_object(key, key)));
    ASSERT_TRUE(done->reply) << key << " error " << static_cast<int>(done->error.value_or(ec{}));
    ASSERT_EQ(done->reply->status(), v1::CommandReply::OK);
  }
  void expect_all(const node_id& at, int count) {
    for (auto i = 0; i < count; ++i) {
      const auto found = world.wait(world.get(at, "k" + std::to_string(i)));
      ASSERT_TRUE(found->answer);
      EXPECT_EQ(found->answer->object().etag(), "k" + std::to_string(i));
    }
  }
  node_id other_than(const node_id& name) const { return name == "n1" ? "n2" : "n1"; }

  replica_world world;
};

TEST_F(PartitionReplica, CommitsACommandAndReadsItBack) {
  const auto leader = world.leader();
  ASSERT_NE(leader, "");
  put(leader, "k0");
  expect_all(leader, 1);
}

TEST_F(PartitionReplica, ThatDoesNotLeadNamesTheOneThatDoes) {
  const auto leader = world.leader();
  world.advance(200ms);
  const auto refused = world.wait(world.command(other_than(leader), put_object("k")));
  EXPECT_EQ(refused->error, ec::not_leader);
  EXPECT_EQ(refused->detail, leader);
  const auto unread = world.wait(world.get(other_than(leader), "k"));
  EXPECT_EQ(unread->error, ec::not_leader);
  EXPECT_EQ(unread->detail, leader);
}

TEST_F(PartitionReplica, GathersWhatArrivesTogetherIntoFewEntries) {
  const auto leader = world.leader();
  const auto before = world.status(leader).last_index();
  std::vector<outcome_ptr> all;
  for (auto i = 0; i < 300; ++i)
    all.push_back(world.command(leader, put_object("k" + std::to_string(i))));
  world.advance(50ms);
  for (const auto& one : all)
    EXPECT_TRUE(one->reply);
  EXPECT_LE(world.status(leader).last_index() - before, 10u);
}

TEST_F(PartitionReplica, AnotherLeadsAfterTheLeaderLostPowerAndNothingAcknowledgedIsLost) {
  const auto first = world.leader();
  for (auto i = 0; i < 20; ++i)
    put(first, "k" + std::to_string(i));
  world.crash(first);
  const auto second = world.leader();
  ASSERT_NE(second, "");
  EXPECT_NE(second, first);
  expect_all(second, 20);
  put(second, "k20");
  world.start(first);
  world.advance(1s);
  EXPECT_EQ(world.status(first).applied(), world.status(second).applied());
}

TEST_F(PartitionReplica, AllLosePowerAndWhatWasAcknowledgedIsThere) {
  const auto leader = world.leader();
  for (auto i = 0; i < 20; ++i)
    put(leader, "k" + std::to_string(i));
  for (const auto& name : {"n1", "n2", "n3"})
    world.crash(name);
  for (const auto& name : {"n1", "n2", "n3"})
    world.start(name);
  const auto again = world.leader();
  ASSERT_NE(again, "");
  expect_all(again, 20);
}

TEST_F(PartitionReplica, ADeposedLeaderSaysThatTheOutcomeIsUnknownAndReadsFail) {
  const auto first = world.leader();
  world.cut.insert(first);
  const auto write = world.command(first, put_object("k0"));
  const auto read = world.get(first, "k0");
  world.advance(5s);
  EXPECT_EQ(write->error, ec::timed_out);
  EXPECT_EQ(read->error, ec::not_leader);
  const auto second = world.leader();
  ASSERT_NE(second, "");
  world.cut.clear();
  put(second, "k1");
  world.advance(1s);
  EXPECT_EQ(world.status(first).leader(), second);
}

TEST_F(PartitionReplica, LeavesTheLeadershipWhenItsNodeStops) {
  const auto first = world.leader();
  put(first, "k0");
  caf::anon_send(world.at(first).replica, step_aside{});
  world.advance(100ms);
  const auto second = world.leader(0ms + 200ms);
  ASSERT_NE(second, "");
  EXPECT_NE(second, first);
  expect_all(second, 1);
}

TEST_F(PartitionReplica, EndsWhenTheLogFailsAndTheOthersGoOn) {
  const auto first = world.leader();
  world.at(first).disk->set_fault([](simulation::disk_call what, const std::string&) {
    return what == simulation::disk_call::sync ? std::optional{ec::io_error} : std::nullopt;
  });
  const auto write = world.command(first, put_object("k0"));
  world.advance(3s);
  EXPECT_TRUE(write->done);
  EXPECT_FALSE(write->reply);
  EXPECT_EQ(world.status(first).role(), "");  // dead
  const auto second = world.leader();
  ASSERT_NE(second, "");
  put(second, "k1");
}

TEST_F(PartitionReplica, RefusesToStartWhenTheStoreIsAheadOfTheLog) {
  const auto leader = world.leader();
  put(leader, "k0");
  world.advance(200ms);
  partition_replica_options options;
  options.id = 1;
  options.last_hash = ~std::uint64_t{0};
  options.self = "n1";
  options.voters = {"n1", "n2", "n3"};
  auto store = std::make_shared<memory_store>();
  partition_machine{*store, 1, 0, options.last_hash}.skip(1, 1);
  options.store = store;
  options.writer = world.at("n1").writer;
  options.peer = [](const node_id&) { return partition_actor{}; };
  auto lost = world.world.system.spawn(partition_replica, std::move(options));
  auto ended = false;
  const auto watcher = world.world.system.spawn([&](caf::event_based_actor* self) {
    self->monitor(lost);
    self->set_down_handler([&](const caf::down_msg&) { ended = true; });
    self->set_default_handler(caf::drop);
    return caf::behavior{[](caf::tick_atom) {}};
  });
  world.world.run();
  EXPECT_TRUE(ended);
  caf::anon_send_exit(watcher, caf::exit_reason::kill);
}

struct CuttingReplica : PartitionReplica {
  CuttingReplica() : PartitionReplica{{.checkpoint_bytes = 20'000}} {}
};

TEST_F(CuttingReplica, CutsTheLogAfterACheckpointButNotBelowWhatAVoterLacks) {
  const auto leader = world.leader();
  const auto away = other_than(leader);
  world.cut.insert(away);
  for (auto i = 0; i < 400; ++i)
    put(leader, "k" + std::to_string(i));
  const auto live = world.at(leader).log->live_bytes();
  EXPECT_GT(live, 30'000u);
  world.cut.clear();
  world.advance(3s);
  EXPECT_EQ(world.status(away).applied(), world.status(leader).applied());
  EXPECT_LT(world.at(leader).log->live_bytes(), live / 2);
  world.crash(leader);
  world.start(leader);
  world.advance(2s);
  expect_all(world.leader(), 400);
}

struct FullReplica : PartitionReplica {
  // The log takes some 100 KiB, and the store is never far behind it.
  FullReplica()
      : PartitionReplica{
            {.log = {.segment_bytes = 64 << 10, .bytes_max = 192 << 10, .reserve_bytes = 0}}} {}
};

// The reserve that a full log keeps for votes and no-ops fills up too when much is under way.
TEST_F(FullReplica, TakesUpWhatTheLogRefusedOnceThereIsRoom) {
  const auto leader = world.leader();
  world.cut.insert(other_than(leader));
  std::vector<std::pair<std::string, outcome_ptr>> all;
  for (auto i = 0; i < 200; ++i) {
    all.emplace_back(std::string(1000, 'x') + std::to_string(i), nullptr);
    all.back().second = world.command(leader, put_object(all.back().first, "e"));
  }
  world.advance(30s);
  world.cut.clear();
  world.advance(90s);
  const auto last = world.leader();
  put(last, "k0");
  for (const auto& [key, done] : all) {
    ASSERT_TRUE(done->done);
    if (!done->reply) continue;
    const auto found = world.wait(world.get(last, key));
    ASSERT_TRUE(found->answer);
    EXPECT_EQ(found->answer->object().etag(), "e");
  }
  for (const auto& name : {"n1", "n2", "n3"})
    EXPECT_EQ(world.status(name).applied(), world.status(last).applied());
}

TEST_F(FullReplica, RefusesWritesClearlyAndGoesOnReading) {
  const auto leader = world.leader();
  const auto away = other_than(leader);
  put(leader, "k0");
  world.cut.insert(away);  // it keeps the others' logs from being cut
  outcome_ptr last;
  for (auto i = 1; i < 3000; ++i) {
    last = world.wait(
        world.command(world.leader(), put_object("x" + std::string(200, 'x') + std::to_string(i))));
    if (!last->reply) break;
  }
  EXPECT_FALSE(last->reply);
  world.advance(25s);
  const auto refused = world.wait(world.command(world.leader(), put_object("late")));
  EXPECT_EQ(refused->error, ec::disk_full);
  expect_all(world.leader(), 1);
  world.cut.clear();
  world.advance(20s);
  put(world.leader(), "late");
}

TEST_F(PartitionReplica, RefusesACommandThatNoLogEntryCouldHold) {
  const auto leader = world.leader();
  const auto large = world.wait(world.command(leader, put_object(std::string(9 << 10, 'x'))));
  EXPECT_EQ(large->error, ec::invalid_argument);
  put(leader, "k0");
}

TEST_F(PartitionReplica, WithoutRoomOnItsDiskLeavesTheWritesToOneThatHas) {
  const auto first = world.leader();
  put(first, "k0");
  world.at(first).has_room = false;
  world.advance(3s);
  const auto second = world.leader();
  EXPECT_NE(second, first);
  put(second, "k1");
}

TEST_F(PartitionReplica, WithoutRoomAnywhereRefusesWritesReadsOnAndRecovers) {
  put(world.leader(), "k0");
  for (const auto& name : {"n1", "n2", "n3"})
    world.at(name).has_room = false;
  auto refused = 0;
  for (auto second = 0; second < 120; ++second) {
    world.advance(1s);
    const auto leader = world.leader();
    const auto write = world.wait(world.command(leader, put_object("late")));
    refused += write->error == ec::disk_full ? 1 : 0;
    EXPECT_FALSE(write->reply);
    expect_all(leader, 1);
  }
  EXPECT_GT(refused, 80);
  EXPECT_LT(world.status(world.leader()).term(), 30u);  // no endless round of elections
  for (const auto& name : {"n1", "n2", "n3"})
    world.at(name).has_room = true;
  world.advance(2s);
  put(world.leader(), "k1");
}

/// One seed: writes at all nodes while messages are lost and nodes lose power; then all is there.
void run_seed(std::uint64_t seed) {
  replica_world world{{.seed = seed, .checkpoint_bytes = 3000}};
  std::mt19937_64 dice{seed};
  world.drop = [&](const v1::RaftMessage&) { return dice() % 100 < 5; };
  const std::vector<node_id> names{"n1", "n2", "n3"};
  std::map<std::string, outcome_ptr> written;
  for (auto step = 0; step < 400; ++step) {
    const auto& name = names[dice() % 3];
    if (!world.at(name).up) {
      if (dice() % 4 == 0) world.start(name);
    } else if (dice() % 40 == 0) {
      world.crash(name);
    } else {
      const auto key = "k" + std::to_string(step);
      written[key] = world.command(name, put_object(key, key));
    }
    world.advance(std::chrono::milliseconds{dice() % 100});
    ASSERT_THAT(world.watch.violations(), testing::IsEmpty());
  }
  world.drop = [](const v1::RaftMessage&) { return false; };
  for (const auto& name : names)
    if (!world.at(name).up) world.start(name);
  const auto leader = world.leader();
  ASSERT_NE(leader, "");
  auto acknowledged = 0;
  for (const auto& [key, done] : written) {
    if (!done->reply) continue;
    ++acknowledged;
    const auto found = world.wait(world.get(leader, key));
    ASSERT_TRUE(found->answer) << key;
    EXPECT_EQ(found->answer->object().etag(), key);
  }
  EXPECT_GT(acknowledged, 10);
  EXPECT_THAT(world.watch.violations(), testing::IsEmpty());
}

TEST(PartitionReplicaSeeds, KeepWhatTheyAcknowledgedUnderLossAndPowerCuts) {
  const auto* one = std::getenv("DUNLIN_SEED");
  const auto* more = std::getenv("DUNLIN_SEEDS");
  const auto first = one ? std::strtoull(one, nullptr, 10) : 1;
  const auto count = one ? 1 : more ? std::strtoull(more, nullptr, 10) : 20;
  for (auto seed = first; seed < first + count && !HasFailure(); ++seed) {
    SCOPED_TRACE("DUNLIN_SEED=" + std::to_string(seed));
    run_seed(seed);
  }
}

}  // namespace
