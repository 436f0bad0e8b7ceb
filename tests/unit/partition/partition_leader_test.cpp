#include "actors/partition/partition_leader.hpp"

#include "messages/error.hpp"
#include "tests/support/sources.hpp"
#include "tests/support/virtual_system.hpp"

#include <gmock/gmock.h>
#include <caf/all.hpp>

using namespace dunlin;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

partition_replica_actor::behavior_type fake_replica(partition_replica_actor::pointer,
                                                    std::vector<propose_round>* rounds) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::unavailable);
      },
      [](const v1::PartitionQuery&) -> caf::result<v1::QueryReply> {
        return make_error(ec::unavailable);
      },
      [](const v1::RaftMessage&) {},
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
      [](const log_stored&) {},
      [](const log_refused&) {},
      [rounds](const propose_round& round) { rounds->push_back(round); },
      [](const rows_announced&) {},
      [](const step_aside&) {},
      [](const state_checkpointed&) {},
      [](const state_copied&) {},
      [](const state_fetched&) {},
      [](const state_installed&) {},
      [](caf::tick_atom) {},
  };
}

struct PartitionLeader : testing::Test {
  support::virtual_system world;
  support::set_clock clock{42};
  std::vector<propose_round> rounds;
  partition_replica_actor replica = world.system.spawn(fake_replica, &rounds);
  partition_leader_actor leader = world.system.spawn(partition_leader, make_options());
  std::vector<std::string> heard;  // "0: tick 7", "1: not leader: n2"

  PartitionLeader() { world.run(); }
  ~PartitionLeader() override {
    caf::anon_send_exit(leader, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(replica, caf::exit_reason::user_shutdown);
    world.run();
  }
  leader_options make_options() {
    leader_options options;
    options.term = 5;
    options.replica = replica;
    options.clock = &clock;
    options.limits.rounds_max = 1;
    options.limits.waiting_max = 4;
    return options;
  }
  void ask(int number, std::string trace = "t") {
    v1::PartitionCommand wish;
    wish.mutable_command()->set_trace_id(std::move(trace));
    world.system.spawn([=, this](caf::event_based_actor* self) {
      self->request(leader, 600s, wish)
          .then(
              [=, this](const v1::CommandReply& reply) {
                heard.push_back(std::to_string(number) + ": tick " + std::to_string(reply.tick()));
              },
              [=, this](const caf::error& error) {
                heard.push_back(std::to_string(number) + ": " + render(error));
              });
    });
  }
  v1::CommandBatch batch(std::size_t of) const {
    v1::CommandBatch parsed;
    EXPECT_TRUE(parsed.ParseFromString(*rounds.at(of).batch));
    return parsed;
  }
  void apply(std::uint64_t round, std::vector<std::uint64_t> ticks) {
    std::vector<v1::CommandReply> replies(ticks.size());
    for (std::size_t i = 0; i < ticks.size(); ++i)
      replies[i].set_tick(ticks[i]);
    caf::anon_send(leader, round_applied{round, replies});
    world.run();
  }
};

TEST_F(PartitionLeader, ProposesWhatWaitsAsOneBatchWithItsClockAndTermAndAnswersInOrder) {
  ask(0, "a");
  ask(1, "b");
  world.run();
  ASSERT_THAT(rounds, SizeIs(1));
  EXPECT_EQ(rounds[0].term, 5u);
  EXPECT_EQ(batch(0).leader_time_ms(), 42);
  ASSERT_EQ(batch(0).commands_size(), 2);
  EXPECT_EQ(batch(0).commands(1).trace_id(), "b");
  EXPECT_THAT(heard, IsEmpty());
  apply(rounds[0].round, {7, 8});
  EXPECT_THAT(heard, ElementsAre("0: tick 7", "1: tick 8"));
}

TEST_F(PartitionLeader, GathersTheNextRoundWhileOneIsInFlight) {
  ask(0);
  world.run();
  ask(1);
  ask(2);
  world.run();
  ASSERT_THAT(rounds, SizeIs(1));
  apply(rounds[0].round, {1});
  ASSERT_THAT(rounds, SizeIs(2));
  EXPECT_EQ(batch(1).commands_size(), 2);
}

TEST_F(PartitionLeader, RefusesMoreThanItMayHold) {
  for (auto i = 0; i < 5; ++i)
    ask(i);
  world.run();
  EXPECT_THAT(heard, ElementsAre("4: overloaded"));
}

TEST_F(PartitionLeader, PassesARefusalOn) {
  ask(0);
  world.run();
  caf::anon_send(leader, round_refused{rounds[0].round, ec::overloaded});
  world.run();
  EXPECT_THAT(heard, ElementsAre("0: overloaded"));
}

TEST_F(PartitionLeader, AtTheEndOfItsTermTellsUnknownOutcomesFromCommandsThatNeverRan) {
  ask(0);
  world.run();
  ask(1);
  world.run();
  caf::anon_send(leader, leadership_lost{"n2"});
  world.run();
  EXPECT_THAT(heard, ElementsAre("1: not leader: n2", "0: timed out: n2"));
}

TEST_F(PartitionLeader, RefusesTextThatNoReplicaCouldReadAndServesTheRest) {
  ask(0, "\xff\xfe");
  ask(1, "good");
  world.run();
  EXPECT_THAT(heard, ElementsAre("0: invalid argument"));
  ASSERT_THAT(rounds, SizeIs(1));
  EXPECT_EQ(batch(0).commands_size(), 1);
  apply(rounds[0].round, {3});
  EXPECT_EQ(heard.back(), "1: tick 3");
}

TEST_F(PartitionLeader, WaitsOnlySoLongForARoundThatIsNeverApplied) {
  ask(0);
  world.advance(12s, 500ms);
  EXPECT_THAT(heard, ElementsAre("0: timed out"));
}

TEST_F(PartitionLeader, ExpiresClientsButNotBeforeAFullLifetimeOfItsOwn) {
  world.advance(14min, 1s);
  EXPECT_THAT(rounds, IsEmpty());
  world.advance(2min, 1s);
  ASSERT_THAT(rounds, SizeIs(1));
  EXPECT_EQ(batch(0).commands(0).expire_clients().unheard_for_ms(), 15 * 60'000);
}

TEST_F(PartitionLeader, WhatIsAnnouncedGoesWithTheNextBatch) {
  caf::anon_send(leader, rows_announced{5, 77, 3});
  ask(0);
  world.run();
  EXPECT_EQ(batch(0).announced_through(), 77u);
  apply(rounds[0].round, {80});
  world.advance(20s, 500ms);
  EXPECT_THAT(rounds, SizeIs(1));  // it is told
}

TEST_F(PartitionLeader, WhatIsAnnouncedDoesNotWaitForeverForABatch) {
  caf::anon_send(leader, rows_announced{5, 77, 3});
  world.advance(5s, 500ms);
  ASSERT_THAT(rounds, SizeIs(1));
  EXPECT_EQ(batch(0).announced_through(), 77u);
  EXPECT_EQ(batch(0).commands_size(), 0);
  caf::anon_send(leader, round_refused{rounds[0].round, ec::overloaded});
  world.advance(5s, 500ms);
  ASSERT_THAT(rounds, SizeIs(2));
  EXPECT_EQ(batch(1).announced_through(), 77u);
  apply(rounds[1].round, {});
  ask(0);
  world.run();
  ASSERT_THAT(rounds, SizeIs(3));
  apply(rounds[2].round, {8});
  EXPECT_THAT(heard, ElementsAre("0: tick 8"));
}

TEST_F(PartitionLeader, AnswersWhoWaitsWhenItsNodeStops) {
  ask(0);
  world.run();
  caf::anon_send_exit(leader, caf::exit_reason::user_shutdown);
  world.run();
  EXPECT_THAT(heard, ElementsAre("0: timed out"));
}

}  // namespace
