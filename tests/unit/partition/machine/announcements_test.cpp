/// What caches hear of a partition: ordinals, news, and what an item is now (Q7, Q11, decision 13,
/// docs/decisions/0011).
#include "tests/unit/partition/machine/root_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

using ordinals = std::map<std::string, std::uint64_t>;

ordinals to_map(const google::protobuf::RepeatedPtrField<v1::AnnouncedType>& all) {
  ordinals found;
  for (const auto& one : all)
    found[one.type()] = one.ordinal();
  return found;
}

v1::Command end_delete(const std::string& name, std::uint64_t id) {
  v1::Command command;
  command.mutable_end_delete_bucket()->set_name(name);
  command.mutable_end_delete_bucket()->set_id(id16(id));
  command.mutable_end_delete_bucket()->set_removed(true);
  return command;
}

struct Announcements : machine_test {
  explicit Announcements(partition_id of = 1) : machine_test(of) {}
  ordinals news() {
    v1::PartitionQuery query;
    query.mutable_get_news();
    const auto reply = ask(query);
    EXPECT_EQ(reply.status(), status::OK);
    EXPECT_EQ(reply.tick(), machine->tick());
    EXPECT_EQ(reply.partition(), id);
    return to_map(reply.announced());
  }
  v1::QueryReply get_known(const std::string& key, std::uint64_t tick) {
    v1::PartitionQuery query;
    query.mutable_get_object()->set_bucket_id(bucket);
    query.mutable_get_object()->set_key(key);
    query.mutable_get_object()->set_known_tick(tick);
    return ask(query);
  }
};

struct RootAnnouncements : Announcements {
  RootAnnouncements() : Announcements(0) {}
};

TEST_F(Announcements, EveryChangeHasTheNextOrdinalOfItsTypeInTheOrderOfTicks) {
  run_all({put("a", 1), put("b", 2), delete_keys({"a", "b"}), put("c", 3)});
  const auto rows = machine->outbox(0, 100);
  ASSERT_EQ(rows.size(), 5u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].ordinal(), i + 1);
    if (i > 0) {
      EXPECT_GT(rows[i].tick(), rows[i - 1].tick());
    }
  }
  EXPECT_EQ(news(), (ordinals{{"object", 5}}));
}

TEST_F(Announcements, OrdinalsGoOnAfterARestartAndAfterTheQueueHasTheRows) {
  run(put("a", 1));
  run_all({put("b", 2)}, 1);
  restart();
  run_all({put("c", 3)}, machine->tick());
  EXPECT_EQ(machine->announced_through(), 2u);
  const auto rows = machine->outbox(0, 100);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].ordinal(), 3u);
  EXPECT_EQ(news(), (ordinals{{"object", 3}}));
}

TEST_F(Announcements, ARefusedOrRepeatedCommandAnnouncesNothing) {
  run(open_client());
  run(stamped(put("a", 1), 1));
  run(stamped(put("a", 1), 1));
  run(delete_keys({"absent"}));
  EXPECT_EQ(news(), (ordinals{{"object", 1}}));
}

TEST_F(Announcements, RowsThatAreDroppedLeaveTheOrdinalsUpToWhichTheyWent) {
  for (int i = 0; i < 5000; ++i)
    run(put("k", 0, 0));
  const auto rows = machine->outbox(0, 10'000);
  ASSERT_EQ(rows[0].type(), cached::dropped_rows);
  const auto dropped = to_map(rows[0].dropped_through());
  EXPECT_EQ(dropped, (ordinals{{"object", rows[1].ordinal() - 1}}));
  EXPECT_EQ(rows.back().ordinal(), 5000u);
}

TEST_F(Announcements, AReaderThatHoldsTheNewestRecordIsToldJustThat) {
  const auto tick = run(put("a", 1)).tick();
  const auto same = get_known("a", tick);
  EXPECT_EQ(same.status(), status::OK);
  EXPECT_TRUE(same.unchanged());
  EXPECT_FALSE(same.has_object());
  const auto other = get_known("a", tick - 1);
  EXPECT_FALSE(other.unchanged());
  EXPECT_EQ(other.object().tick(), tick);
  run(delete_keys({"a"}));
  EXPECT_EQ(get_known("a", tick).status(), status::NO_SUCH_KEY);
  run(seal());
  EXPECT_EQ(get_known("a", tick).status(), status::SEALED);
  EXPECT_FALSE(get_known("a", tick).unchanged());
}

TEST_F(Announcements, EveryAnswerSaysWhoseItIs) {
  EXPECT_EQ(list().partition(), 1u);
  EXPECT_EQ(ask({}).partition(), 1u);
}

TEST_F(Announcements, AnObjectNowIsItsRecordWithItsOwnTickAndAnAbsentOneHasThePartitions) {
  const auto tick = run(put("a", 1)).tick();
  run(put("b", 2));
  const auto now = machine->current(cached::object, bucket + "a");
  ASSERT_TRUE(now && now->record);
  EXPECT_EQ(now->tick, tick);
  EXPECT_EQ(now->record->object().SerializeAsString(), get("a").object().SerializeAsString());
  const auto none = machine->current(cached::object, bucket + "c");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->record);
  EXPECT_EQ(none->tick, machine->tick());
}

TEST_F(Announcements, WhatIsTooLargeOrOfAnUnknownTypeIsNotSentAlong) {
  auto large = put("a", 1);
  auto& header = *large.mutable_put_object()->mutable_record()->add_user_metadata();
  header.set_name("n");
  header.set_value(std::string(4096, 'v'));
  EXPECT_EQ(run(large).status(), status::OK);
  EXPECT_FALSE(machine->current(cached::object, bucket + "a"));
  EXPECT_FALSE(machine->current("a later type", "p"));
  EXPECT_FALSE(machine->current(cached::dropped_rows, "12345678"));
}

TEST_F(RootAnnouncements, ASeededClusterAnnouncesItsMapAndItsUserUnderTheAccessKey) {
  run(seed_cluster());
  const auto rows = machine->outbox(0, 10);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].type(), cached::user);
  EXPECT_EQ(rows[0].key(), "AKROOT");
  EXPECT_EQ(rows[1].type(), cached::cluster_map);
  EXPECT_EQ(rows[1].key(), cached::cluster_map_key);
  for (const auto& row : rows) {
    const auto now = machine->current(row.type(), row.key());
    ASSERT_TRUE(now && now->record) << row.type();
    EXPECT_EQ(now->tick, row.tick());
  }
  EXPECT_EQ(machine->current(cached::user, "AKROOT")->record->user().user().name(), "root");
  EXPECT_EQ(news(), (ordinals{{"cluster_map", 1}, {"user", 1}}));
}

TEST_F(RootAnnouncements, TypesAreCountedApartAndListedInOrder) {
  run_all({create_bucket("b", 1), seed_cluster(), create_bucket("c", 2)});
  EXPECT_EQ(news(), (ordinals{{"bucket", 2}, {"cluster_map", 1}, {"user", 1}}));
  v1::PartitionQuery query;
  query.mutable_get_news();
  const auto reply = ask(query);
  EXPECT_EQ(reply.announced(0).type(), "bucket");
  EXPECT_EQ(reply.announced(1).type(), "cluster_map");
  EXPECT_EQ(reply.announced(2).type(), "user");
}

TEST_F(RootAnnouncements, ABucketThatIsGoneIsNothingNow) {
  run(create_bucket("b", 1));
  EXPECT_EQ(machine->current(cached::bucket, "b")->record->bucket().id(), id16(1));
  const auto removed = run(end_delete("b", 1)).bucket().tick();
  const auto now = machine->current(cached::bucket, "b");
  ASSERT_TRUE(now);
  EXPECT_FALSE(now->record);
  EXPECT_GE(now->tick, removed);
}

}  // namespace
