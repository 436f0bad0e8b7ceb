#include "messages/error.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

using namespace dunlin;

TEST(Error, KeepsCodeAndDetailInsideACafError) {
  const auto error = make_error(ec::not_leader, "n2");
  EXPECT_EQ(code_of(error), ec::not_leader);
  EXPECT_EQ(detail_of(error), "n2");
  EXPECT_EQ(render(error), "not leader: n2");
}

TEST(Error, TellsCafTimeoutsFromDeadReceivers) {
  EXPECT_EQ(code_of(caf::make_error(caf::sec::request_timeout)), ec::timed_out);
  EXPECT_EQ(code_of(caf::make_error(caf::sec::request_receiver_down)), ec::peer_lost);
}

static partition_actor::behavior_type refusing_partition(partition_actor::pointer) {
  return {
      [](const v1::PartitionCommand&) -> caf::result<v1::CommandReply> {
        return make_error(ec::not_leader, "n3");
      },
      [](const v1::PartitionQuery& q) -> caf::result<v1::QueryReply> {
        v1::QueryReply reply;
        reply.set_tick(q.partition());
        return reply;
      },
      [](const v1::RaftMessage&) {},
      [](const v1::GetReplicaStatus&) { return v1::ReplicaStatus{}; },
  };
}

TEST(Error, TravelsFromOneActorToAnother) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("testing"));
  caf::actor_system system{config};
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  auto partition = system.spawn(refusing_partition);
  std::string heard;
  std::uint64_t tick = 0;
  system.spawn([&](caf::event_based_actor* self) {
    self->request(partition, std::chrono::seconds(1), v1::PartitionCommand{})
        .then([](const v1::CommandReply&) {},
              [&](const caf::error& error) { heard = render(error); });
    v1::PartitionQuery query;
    query.set_partition(7);
    self->request(partition, std::chrono::seconds(1), query)
        .then([&](const v1::QueryReply& reply) { tick = reply.tick(); }, [](const caf::error&) {});
  });
  scheduler.run();
  EXPECT_EQ(heard, "not leader: n3");
  EXPECT_EQ(tick, 7u);
}
