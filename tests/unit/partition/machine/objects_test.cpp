#include "tests/unit/partition/machine/machine_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

struct ObjectCommands : machine_test {};

TEST_F(ObjectCommands, APutIsReadBackWithTickAndTheLeadersTime) {
  const auto done = run(put("a", 1));
  EXPECT_EQ(done.status(), status::OK);
  EXPECT_EQ(done.tick(), 1u);
  const auto read = get("a");
  EXPECT_EQ(read.status(), status::OK);
  EXPECT_EQ(read.object().tick(), 1u);
  EXPECT_EQ(read.object().modified_ms(), now_ms);
  EXPECT_EQ(read.object().layout().SerializeAsString(), layout(1, 10).SerializeAsString());
}

TEST_F(ObjectCommands, TimeNeverGoesBackWhenANewLeadersClockIsBehind) {
  run(put("a", 1));
  now_ms -= 5000;
  run(put("b", 2));
  EXPECT_EQ(get("b").object().modified_ms(), now_ms + 5000);
}

TEST_F(ObjectCommands, AReplacedObjectsPagesBecomeGarbageInTheSameEntry) {
  run(put("a", 1));
  const auto second = run(put("a", 2));
  EXPECT_EQ(get("a").object().tick(), second.tick());
  ASSERT_EQ(garbage().garbage_size(), 1);
  EXPECT_EQ(garbage().garbage(0).layout().runs(0).first_page(), id16(1ull << 32));
  EXPECT_EQ(garbage().garbage(0).item().key(), "a");
  EXPECT_EQ(store.of(table::objects).size(), 1u);
}

TEST_F(ObjectCommands, TheSamePagesAgainAreTheSameWriteAndLeaveNoGarbage) {
  run(put("a", 1));
  EXPECT_EQ(run(put("a", 1)).status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 0);
}

TEST_F(ObjectCommands, AnEmptyObjectNeedsNoPages) {
  EXPECT_EQ(run(put("a", 0, 0)).status(), status::OK);
  EXPECT_EQ(run(put("a", 0, 0)).status(), status::OK);
  EXPECT_EQ(get("a").object().tick(), 2u);
}

TEST_F(ObjectCommands, DeletingWhatIsAbsentSucceedsAndChangesNothing) {
  EXPECT_EQ(run(delete_keys({"nothing"})).status(), status::OK);
  EXPECT_EQ(machine->tick(), 0u);
}

TEST_F(ObjectCommands, ABatchOfDeletesTicksOncePerObjectAndBuriesEach) {
  run_all({put("a", 1), put("b", 2), put("c", 3)});
  EXPECT_EQ(run(delete_keys({"a", "c", "absent"})).status(), status::OK);
  EXPECT_EQ(get("a").status(), status::NO_SUCH_KEY);
  EXPECT_EQ(get("b").status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 2);
  EXPECT_EQ(machine->tick(), 3u + 2 * 2);  // two rows of garbage, two deletes
}

TEST_F(ObjectCommands, EveryChangeIsAnnouncedUntilTheQueueHasIt) {
  run_all({put("a", 1), put("b", 2), delete_keys({"a"})});
  const auto rows = machine->outbox(0, 10);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].type(), "object");
  EXPECT_EQ(rows[0].key(), bucket + "a");
  EXPECT_EQ(rows[2].key(), bucket + "a");
  run_all({}, rows[1].tick());
  ASSERT_EQ(machine->outbox(0, 10).size(), 1u);
  EXPECT_EQ(machine->outbox(0, 10)[0].tick(), rows[2].tick());
}

TEST_F(ObjectCommands,
       TheOldestRowsOfAnOverfullOutboxCollapseToOneThatReachesBackToTheLastAnnouncement) {
  run(put("first", 1));
  run_all({}, 1);
  for (int i = 0; i < 5000; ++i)
    run(put("k", 0, 0));
  const auto rows = machine->outbox(0, 10'000);
  ASSERT_LE(rows.size(), 4096u);
  EXPECT_EQ(rows[0].type(), "partition");
  EXPECT_EQ(rows[0].key(), std::string(7, '\0') + '\1');
  EXPECT_EQ(rows[1].tick(), rows[0].tick() + 1);
  EXPECT_EQ(rows[1].type(), "object");
  EXPECT_EQ(rows.back().tick(), machine->tick());
  run_all({}, machine->tick());
  EXPECT_TRUE(machine->outbox(0, 10).empty());
}

struct condition_case {
  const char* name;
  std::vector<std::string> if_match, if_none_match;
  status::Status when_absent, when_etag_is_e;
};

struct ObjectConditions : machine_test, testing::WithParamInterface<condition_case> {
  v1::Command conditional(v1::Command command) {
    auto& wish = command.has_put_object()
                     ? *command.mutable_put_object()->mutable_precondition()
                     : *command.mutable_delete_objects()->mutable_precondition();
    for (const auto& etag : GetParam().if_match)
      wish.add_if_match(etag);
    for (const auto& etag : GetParam().if_none_match)
      wish.add_if_none_match(etag);
    return command;
  }
};

TEST_P(ObjectConditions, DecideInTheCommandItself) {
  EXPECT_EQ(run(conditional(put("absent", 1))).status(), GetParam().when_absent);
  run(put("there", 2));
  EXPECT_EQ(run(conditional(put("there", 3))).status(), GetParam().when_etag_is_e);
  EXPECT_EQ(run(conditional(delete_keys({"there"}))).status(), GetParam().when_etag_is_e);
  EXPECT_EQ(get("there").status() == status::OK, GetParam().when_etag_is_e != status::OK);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ObjectConditions,
    testing::Values(
        condition_case{"None", {}, {}, status::OK, status::OK},
        condition_case{"Match", {"e"}, {}, status::NO_SUCH_KEY, status::OK},
        condition_case{"MatchAny", {"*"}, {}, status::NO_SUCH_KEY, status::OK},
        condition_case{"MatchOfTwo", {"x", "e"}, {}, status::NO_SUCH_KEY, status::OK},
        condition_case{"MatchOther", {"x"}, {}, status::NO_SUCH_KEY, status::PRECONDITION_FAILED},
        condition_case{"NoneMatchAny", {}, {"*"}, status::OK, status::PRECONDITION_FAILED},
        condition_case{"NoneMatch", {}, {"e"}, status::OK, status::PRECONDITION_FAILED},
        condition_case{"NoneMatchOther", {}, {"x"}, status::OK, status::OK}),
    [](const auto& info) { return info.param.name; });

TEST_F(ObjectCommands, ANewMachineGoesOnFromTheStoreAndSkipsWhatItApplied) {
  run_all({put("a", 1), put("b", 2)});
  run(put("c", 3));
  store.commit();
  run(put("lost", 4));
  store.crash();
  restart();
  EXPECT_EQ(machine->applied(), 2u);
  EXPECT_EQ(machine->tick(), 3u);
  EXPECT_EQ(get("lost").status(), status::NO_SUCH_KEY);
  v1::CommandBatch again;
  *again.add_commands() = put("twice", 4);
  std::vector<v1::CommandReply> replies(3);
  machine->apply(2, 1, again, replies);
  EXPECT_TRUE(replies.empty());
  EXPECT_EQ(get("twice").status(), status::NO_SUCH_KEY);
}

TEST_F(ObjectCommands, AStoreOfAnotherPartitionIsRefused) {
  run(put("a", 1));
  EXPECT_THROW(partition_machine(store, 2, 0, UINT64_MAX), store_error);
}

TEST_F(ObjectCommands, ABucketOutsideTheRangeIsNotServed) {
  counted_store other;
  partition_machine narrow(other, 1, 0, 0);
  v1::CommandBatch batch;
  *batch.add_commands() = put("a", 1);
  std::vector<v1::CommandReply> replies;
  narrow.apply(1, 1, batch, replies);
  EXPECT_EQ(replies.at(0).status(), status::WRONG_PARTITION);
}

struct malformed_case {
  const char* name;
  std::function<void(v1::PutObject&)> spoil;
};

struct MalformedPuts : machine_test, testing::WithParamInterface<malformed_case> {};

TEST_P(MalformedPuts, AreRefusedAndLeaveNothing) {
  auto command = put("a", 1);
  GetParam().spoil(*command.mutable_put_object());
  EXPECT_EQ(run(command).status(), status::INVALID);
  EXPECT_TRUE(store.of(table::objects).empty());
  EXPECT_EQ(machine->tick(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Table, MalformedPuts,
    testing::Values(
        malformed_case{"ShortBucketId", [](auto& put) { put.set_bucket_id("short"); }},
        malformed_case{"NoKey", [](auto& put) { put.clear_key(); }},
        malformed_case{"LongKey", [](auto& put) { put.set_key(std::string(1025, 'k')); }},
        malformed_case{"SizeBeyondLayout", [](auto& put) { put.mutable_record()->set_size(11); }},
        malformed_case{"NoEtag", [](auto& put) { put.mutable_record()->clear_etag(); }},
        malformed_case{"PartsInAPut", [](auto& put) { put.mutable_record()->add_parts(1); }},
        malformed_case{"NoPageSize",
                       [](auto& put) {
                         put.mutable_record()->mutable_layout()->mutable_runs(0)->set_page_bytes(0);
                       }},
        malformed_case{"RunsOverlap",
                       [](auto& put) {
                         auto& runs = *put.mutable_record()->mutable_layout()->mutable_runs();
                         *runs.Add() = runs.Get(0);
                         put.mutable_record()->set_size(20);
                       }},
        malformed_case{"PagesWrap",
                       [](auto& put) {
                         auto& run = *put.mutable_record()->mutable_layout()->mutable_runs(0);
                         run.set_first_page(std::string(16, '\xff'));
                         run.set_page_bytes(1);
                       }},
        malformed_case{"Over64KiB",
                       [](auto& put) {
                         put.mutable_record()->add_user_metadata()->set_value(
                             std::string(65 << 10, 'v'));
                       }}),
    [](const auto& info) { return info.param.name; });

TEST_F(ObjectCommands, AWriteAnswersWithWhatIsStoredAlsoWhenItIsRepeatedWhileItIsThere) {
  run(open_client());
  const auto first = run(stamped(put("a", 1), 1));
  EXPECT_EQ(first.object().tick(), first.tick());
  EXPECT_EQ(first.object().modified_ms(), now_ms);
  EXPECT_EQ(first.object().SerializeAsString(), get("a").object().SerializeAsString());
  EXPECT_EQ(run(stamped(put("a", 1), 1)).SerializeAsString(), first.SerializeAsString());
  run(stamped(put("a", 2), 2));
  const auto overtaken = run(stamped(put("a", 1), 1));
  EXPECT_EQ(overtaken.tick(), first.tick());
  EXPECT_FALSE(overtaken.has_object());
  run_all({create_upload("m", 7), put_part("m", 7, 1, 100)});
  const auto completed = run(stamped(complete("m", 7, {1}), 3));
  EXPECT_EQ(completed.object().SerializeAsString(), get("m").object().SerializeAsString());
  EXPECT_EQ(run(stamped(complete("m", 7, {1}), 3)).object().tick(), completed.tick());
}

TEST_F(ObjectCommands, ACommandOfALaterReleaseIsRefusedNotGuessed) {
  EXPECT_EQ(run(v1::Command{}).status(), status::INVALID);
  EXPECT_EQ(ask({}).status(), status::INVALID);
}
