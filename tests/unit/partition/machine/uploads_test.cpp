#include "messages/cache_types.hpp"
#include "tests/unit/partition/machine/machine_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

static constexpr std::uint64_t big = 5 << 20;

struct UploadCommands : machine_test {
  /// Upload 7 of "k" with parts 1 to 3, the last one small.
  void upload_three() {
    run_all({create_upload("k", 7), put_part("k", 7, 1, 1), put_part("k", 7, 2, 2),
             put_part("k", 7, 3, 3, 11)});
  }
};

TEST_F(UploadCommands, ACompleteUploadIsOneObjectWhosePartRowsStay) {
  upload_three();
  const auto done = run(complete("k", 7, {1, 2, 3}));
  ASSERT_EQ(done.status(), status::OK);
  const auto object = get("k").object();
  EXPECT_EQ(object.size(), 2 * big + 11);
  EXPECT_EQ(object.etag(), "whole-3");
  EXPECT_EQ(object.tick(), done.tick());
  EXPECT_EQ(object.parts_size(), 3);
  EXPECT_EQ(parts("k", 7).parts_size(), 3);
  EXPECT_TRUE(store.of(table::uploads).empty());
  EXPECT_EQ(garbage().garbage_size(), 0);
}

TEST_F(UploadCommands, CompletingTwiceIsOneChange) {
  upload_three();
  const auto first = run(complete("k", 7, {1, 2, 3}));
  const auto second = run(complete("k", 7, {1, 2, 3}));
  EXPECT_EQ(second.status(), status::OK);
  EXPECT_EQ(second.tick(), first.tick());
}

TEST_F(UploadCommands, PartsThatTheListLeavesOutBecomeGarbage) {
  upload_three();
  EXPECT_EQ(run(complete("k", 7, {1, 3})).status(), status::OK);
  ASSERT_EQ(garbage().garbage_size(), 1);
  EXPECT_EQ(garbage().garbage(0).layout().SerializeAsString(), layout(2, big).SerializeAsString());
  EXPECT_EQ(garbage().garbage(0).item().upload_id(), id16(7));
}

TEST_F(UploadCommands, ReplacingAPartBuriesTheOldOne) {
  upload_three();
  EXPECT_EQ(run(put_part("k", 7, 2, 20)).status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 1);
  EXPECT_EQ(parts("k", 7).parts_size(), 3);
}

TEST_F(UploadCommands, DeletingAMultipartObjectLeavesOneRowOfGarbagePerPart) {
  upload_three();
  run(complete("k", 7, {1, 2, 3}));
  EXPECT_EQ(run(delete_keys({"k"})).status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 3);
  EXPECT_TRUE(store.of(table::parts).empty());
  EXPECT_EQ(parts("k", 7).status(), status::NO_SUCH_UPLOAD);
}

TEST_F(UploadCommands, ANewObjectReplacesAMultipartOneAndTheOtherWayRound) {
  upload_three();
  run(put("k", 100));
  EXPECT_EQ(run(complete("k", 7, {1})).status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 3);  // two parts and the plain object
  run(put("k", 101));
  EXPECT_EQ(garbage().garbage_size(), 4);
}

TEST_F(UploadCommands, AbortingBuriesEveryPart) {
  upload_three();
  EXPECT_EQ(run(abort_upload("k", 7)).status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 3);
  EXPECT_EQ(run(abort_upload("k", 7)).status(), status::NO_SUCH_UPLOAD);
  EXPECT_EQ(run(put_part("k", 7, 1, 9)).status(), status::NO_SUCH_UPLOAD);
  EXPECT_EQ(run(complete("k", 7, {1})).status(), status::NO_SUCH_UPLOAD);
}

TEST_F(UploadCommands, AnUploadIdIsUsedOnceEvenAfterItsUploadIsDone) {
  upload_three();
  EXPECT_EQ(run(create_upload("k", 7)).status(), status::ALREADY_EXISTS);
  run(complete("k", 7, {1, 2, 3}));
  EXPECT_EQ(run(create_upload("k", 7)).status(), status::ALREADY_EXISTS);
}

TEST_F(UploadCommands, CompleteSaysWhatIsWrongWithItsParts) {
  upload_three();
  EXPECT_EQ(run(complete("k", 7, {})).status(), status::INVALID);
  EXPECT_EQ(run(complete("k", 7, {2, 1})).status(), status::INVALID);
  EXPECT_EQ(run(complete("k", 7, {1, 1})).status(), status::INVALID);
  EXPECT_EQ(run(complete("k", 7, {1, 4})).status(), status::INVALID_PART);
  auto other_etag = complete("k", 7, {1, 2});
  other_etag.mutable_complete_upload()->mutable_parts(1)->set_etag("q");
  EXPECT_EQ(run(other_etag).status(), status::INVALID_PART);
  run(put_part("k", 7, 2, 30, 11));
  EXPECT_EQ(run(complete("k", 7, {1, 2, 3})).status(), status::ENTITY_TOO_SMALL);
  EXPECT_EQ(get("k").status(), status::NO_SUCH_KEY);
}

TEST_F(UploadCommands, ARefusedConditionLeavesTheUploadOpen) {
  upload_three();
  run(put("k", 100));
  auto only_new = complete("k", 7, {1, 2, 3});
  only_new.mutable_complete_upload()->mutable_precondition()->add_if_none_match("*");
  EXPECT_EQ(run(only_new).status(), status::PRECONDITION_FAILED);
  EXPECT_EQ(parts("k", 7).parts_size(), 3);
  EXPECT_EQ(run(complete("k", 7, {1, 2, 3})).status(), status::OK);
}

TEST_F(UploadCommands, PartsAreListedByNumberInPages) {
  run(create_upload("k", 7));
  for (const std::uint32_t number : {300u, 2u, 10'000u, 1u})
    run(put_part("k", 7, number, number));
  auto page = parts("k", 7, 0, 3);
  ASSERT_EQ(page.parts_size(), 3);
  EXPECT_TRUE(page.truncated());
  EXPECT_EQ(page.parts(2).number(), 300u);
  page = parts("k", 7, 300, 3);
  ASSERT_EQ(page.parts_size(), 1);
  EXPECT_FALSE(page.truncated());
  EXPECT_EQ(page.parts(0).number(), 10'000u);
}

TEST_F(UploadCommands, APartNumberOutsideS3sRangeIsRefused) {
  run(create_upload("k", 7));
  EXPECT_EQ(run(put_part("k", 7, 0, 1)).status(), status::INVALID);
  EXPECT_EQ(run(put_part("k", 7, 10'001, 1)).status(), status::INVALID);
}

TEST_F(UploadCommands, TenThousandPartsMakeAnObjectWithinTheRecordBound) {
  run(create_upload("k", 7));
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 1; number <= 10'000; ++number) {
    run(put_part("k", 7, number, number));
    numbers.push_back(number);
  }
  ASSERT_EQ(run(complete("k", 7, numbers)).status(), status::OK);
  EXPECT_LT(store.of(table::objects).begin()->second.size(), 64u << 10);
  EXPECT_EQ(run(delete_keys({"k"})).status(), status::OK);
  EXPECT_EQ(store.of(table::garbage).size(), 10'000u);
}

TEST_F(UploadCommands, DeletingMoreRowsThanOneCommandMayMoveIsRefusedAsAWhole) {
  for (std::uint64_t upload = 1; upload <= 3; ++upload) {
    const auto key = "k" + std::to_string(upload);
    run(create_upload(key, upload));
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 1; number <= 7000; ++number) {
      run(put_part(key, upload, number, upload * 10'000 + number));
      numbers.push_back(number);
    }
    ASSERT_EQ(run(complete(key, upload, numbers)).status(), status::OK);
  }
  EXPECT_EQ(run(delete_keys({"k1", "k2", "k3"})).status(), status::TOO_MUCH_AT_ONCE);
  EXPECT_EQ(garbage().garbage_size(), 0);
  EXPECT_EQ(run(delete_keys({"k1", "k2"})).status(), status::OK);
  EXPECT_EQ(run(delete_keys({"k3"})).status(), status::OK);
  EXPECT_EQ(store.of(table::garbage).size(), 21'000u);
}

TEST_F(UploadCommands, Q24WhoIsToldOfAMultipartObjectIsToldItsPagesAndNothingOfThemIsStored) {
  upload_three();
  const auto done = run(complete("k", 7, {1, 3}));
  v1::Layout whole = layout(1, big);
  whole.MergeFrom(layout(3, 11));
  const auto is_whole = [&](const v1::ObjectRecord& record) {
    return record.layout().SerializeAsString() == whole.SerializeAsString();
  };
  EXPECT_TRUE(is_whole(done.object())) << "the writer's own node";
  EXPECT_TRUE(is_whole(run(complete("k", 7, {1, 3})).object())) << "said again";
  EXPECT_TRUE(is_whole(get("k").object())) << "who asks";
  const auto now = machine->current(cached::object, bucket + "k");
  ASSERT_TRUE(now && now->record);
  EXPECT_TRUE(is_whole(now->record->object())) << "who listens";
  v1::ObjectRecord stored;
  ASSERT_TRUE(stored.ParseFromString(store.of(table::objects).begin()->second));
  EXPECT_TRUE(stored.layout().runs().empty());
}

TEST_F(UploadCommands, Q24WhetherAMultipartObjectIsStillTheSameReadsNoPartRows) {
  upload_three();
  const auto done = run(complete("k", 7, {1, 2, 3}));
  v1::PartitionQuery query;
  query.mutable_get_object()->set_bucket_id(bucket);
  query.mutable_get_object()->set_key("k");
  query.mutable_get_object()->set_known_tick(done.tick());
  const auto before = store.reads;
  const auto said = ask(query);
  EXPECT_TRUE(said.unchanged());
  EXPECT_FALSE(said.has_object());
  EXPECT_LE(store.reads - before, 2u);
}

TEST_F(UploadCommands, Q24OfVeryManyPartsOnlyTheNumbersAreSaid) {
  run(create_upload("k", 7));
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t number = 1; number <= 257; ++number) {
    run(put_part("k", 7, number, number));
    numbers.push_back(number);
  }
  ASSERT_EQ(run(complete("k", 7, numbers)).status(), status::OK);
  const auto before = store.reads;
  const auto object = get("k").object();
  EXPECT_EQ(object.parts_size(), 257);
  EXPECT_TRUE(object.layout().runs().empty());
  EXPECT_LE(store.reads - before, 2u);
}

TEST_F(UploadCommands, Q24OfPartsInVeryManyRunsOnlyTheNumbersAreSaid) {
  run(create_upload("k", 7));
  for (std::uint32_t number = 1; number <= 2; ++number) {
    auto part = put_part("k", 7, number, number);
    auto& record = *part.mutable_put_part()->mutable_record();
    record.clear_layout();
    for (std::uint64_t i = 0; i < 320; ++i)
      record.mutable_layout()->MergeFrom(layout(number * 1000 + i, big / 320));
    ASSERT_EQ(run(part).status(), status::OK);
  }
  ASSERT_EQ(run(complete("k", 7, {1, 2})).status(), status::OK);
  EXPECT_TRUE(get("k").object().layout().runs().empty());
  EXPECT_EQ(get("k").object().parts_size(), 2);
}
