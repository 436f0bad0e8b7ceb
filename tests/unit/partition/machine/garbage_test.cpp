#include "tests/unit/partition/machine/machine_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

struct Fences : machine_test {
  v1::CommandReply fence(const std::string& key, const std::vector<v1::Layout>& layouts,
                         std::uint64_t upload = 0) {
    v1::Command command;
    auto& item = *command.mutable_fence_pages()->mutable_item();
    item.set_bucket_id(bucket);
    item.set_key(key);
    if (upload != 0) item.set_upload_id(id16(upload));
    for (const auto& layout : layouts)
      *command.mutable_fence_pages()->add_runs() = layout.runs(0);
    return run(command);
  }
  v1::CommandReply forget(const std::vector<std::uint64_t>& ticks) {
    v1::Command command;
    for (const auto tick : ticks)
      command.mutable_forget_garbage()->add_ticks(tick);
    return run(command);
  }
};

TEST_F(Fences, AFencedPageCanNoLongerBeCommitted) {
  EXPECT_EQ(fence("a", {layout(1, 10)}).status(), status::OK);
  EXPECT_EQ(run(put("a", 1)).status(), status::FENCED);
  EXPECT_EQ(run(put("a", 2)).status(), status::OK);
}

TEST_F(Fences, FencingPartOfARunRefusesAllOfIt) {
  auto middle = layout(0, 1 << 20);
  middle.mutable_runs(0)->set_first_page(id16((1ull << 32) + 2));
  EXPECT_EQ(fence("a", {middle}).status(), status::OK);
  EXPECT_EQ(run(put("a", 1, 5 << 20)).status(), status::FENCED);
  EXPECT_EQ(run(put("a", 1, 2 << 20)).status(), status::OK);  // ends before the fenced page
}

TEST_F(Fences, OverlappingFencesBecomeOne) {
  fence("a", {layout(1, 3 << 20)});
  auto later = layout(1, 3 << 20);
  later.mutable_runs(0)->set_first_page(id16((1ull << 32) + 2));
  fence("a", {later});
  EXPECT_EQ(store.of(table::fences).size(), 1u);
  auto tail = put("a", 0, 1 << 20);
  auto& run_ = *tail.mutable_put_object()->mutable_record()->mutable_layout()->add_runs();
  run_ = layout(1, 1 << 20).runs(0);
  run_.set_first_page(id16((1ull << 32) + 4));
  tail.mutable_put_object()->mutable_record()->mutable_layout()->mutable_runs()->DeleteSubrange(0,
                                                                                                1);
  EXPECT_EQ(run(tail).status(), status::FENCED);
}

TEST_F(Fences, PagesOfALivingObjectAreKept) {
  run(put("a", 1));
  const auto answer = fence("a", {layout(1, 10), layout(2, 10)});
  EXPECT_EQ(answer.status(), status::REFERENCED);
  ASSERT_EQ(answer.kept_size(), 2);
  EXPECT_TRUE(answer.kept(0));
  EXPECT_FALSE(answer.kept(1));
  EXPECT_EQ(run(put("a", 2)).status(), status::FENCED);
}

TEST_F(Fences, PagesOfPartsAreKeptBeforeAndAfterComplete) {
  run_all({create_upload("k", 7), put_part("k", 7, 1, 1)});
  EXPECT_EQ(fence("k", {layout(1, 5 << 20)}, 7).status(), status::REFERENCED);
  run(complete("k", 7, {1}));
  EXPECT_EQ(fence("k", {layout(1, 5 << 20)}, 7).status(), status::REFERENCED);
  EXPECT_EQ(fence("k", {layout(2, 5 << 20)}, 7).status(), status::OK);
}

TEST_F(Fences, AFencedPartIsRefused) {
  run(create_upload("k", 7));
  fence("k", {layout(1, 10)}, 7);
  EXPECT_EQ(run(put_part("k", 7, 1, 1)).status(), status::FENCED);
}

TEST_F(Fences, GarbageKeepsItsPagesUntilItIsForgotten) {
  run(put("a", 1));
  run(delete_keys({"a"}));
  EXPECT_EQ(fence("a", {layout(1, 10)}).status(), status::REFERENCED);
  ASSERT_EQ(garbage().garbage_size(), 1);
  EXPECT_EQ(garbage().garbage(0).since_ms(), now_ms);
  EXPECT_EQ(forget({garbage().garbage(0).tick()}).status(), status::OK);
  EXPECT_EQ(garbage().garbage_size(), 0);
  EXPECT_TRUE(store.of(table::garbage_items).empty());
  EXPECT_EQ(fence("a", {layout(1, 10)}).status(), status::OK);
}

TEST_F(Fences, ForgettingWhatIsForgottenIsNoError) {
  EXPECT_EQ(forget({1, 2, 3}).status(), status::OK);
  EXPECT_EQ(machine->tick(), 0u);
}

TEST_F(Fences, FencesAreForgottenAfterAMonth) {
  fence("a", {layout(1, 10)});
  now_ms += 31ll * 24 * 3600 * 1000;
  fence("b", {layout(2, 10)});
  EXPECT_EQ(store.of(table::fences).size(), 1u);
  EXPECT_EQ(store.of(table::fence_times).size(), 1u);
}

TEST_F(Fences, AnOldTimeDoesNotTakeAYoungerFenceWithIt) {
  fence("a", {layout(1, 10)});
  now_ms += 20ll * 24 * 3600 * 1000;
  fence("a", {layout(1, 10)});
  now_ms += 15ll * 24 * 3600 * 1000;
  fence("b", {layout(2, 10)});
  EXPECT_EQ(run(put("a", 1)).status(), status::FENCED);
}

TEST_F(Fences, MalformedRunsAreRefused) {
  auto broken = layout(1, 10);
  broken.mutable_runs(0)->set_first_page("short");
  EXPECT_EQ(fence("a", {broken}).status(), status::INVALID);
  EXPECT_EQ(fence("a", {}).status(), status::INVALID);
}

TEST_F(Fences, GarbageIsListedInPagesOldestFirst) {
  for (std::uint64_t i = 1; i <= 4; ++i)
    run(put("a", i));
  v1::PartitionQuery query;
  query.mutable_list_garbage()->set_items_max(2);
  const auto page = ask(query);
  ASSERT_EQ(page.garbage_size(), 2);
  EXPECT_TRUE(page.truncated());
  query.mutable_list_garbage()->set_after(page.garbage(1).tick());
  EXPECT_EQ(ask(query).garbage_size(), 1);
  EXPECT_FALSE(ask(query).truncated());
}

struct Seals : machine_test {};

TEST_F(Seals, ABucketWithAnObjectIsNotSealed) {
  run(put("a", 1));
  EXPECT_EQ(run(seal()).status(), status::BUCKET_NOT_EMPTY);
  run(delete_keys({"a"}));
  EXPECT_EQ(run(seal()).status(), status::OK);
}

TEST_F(Seals, ASealedBucketRefusesEveryLaterWrite) {
  run(create_upload("k", 7));
  run(put_part("k", 7, 1, 1));
  EXPECT_EQ(run(seal()).status(), status::OK);
  EXPECT_EQ(run(put("a", 1)).status(), status::SEALED);
  EXPECT_EQ(run(create_upload("a", 8)).status(), status::SEALED);
  EXPECT_EQ(run(delete_keys({"a"})).status(), status::SEALED);
  EXPECT_EQ(run(complete("k", 7, {1})).status(), status::SEALED);
  EXPECT_EQ(run(put_part("k", 7, 2, 2)).status(), status::NO_SUCH_UPLOAD);
  EXPECT_EQ(get("a").status(), status::SEALED);
  EXPECT_EQ(list().status(), status::SEALED);
}

TEST_F(Seals, OpenUploadsGoWithTheBucketAndTheirPagesToGarbage) {
  run_all({create_upload("k", 7), put_part("k", 7, 1, 1), create_upload("l", 8)});
  EXPECT_EQ(run(seal()).status(), status::OK);
  EXPECT_TRUE(store.of(table::uploads).empty());
  EXPECT_TRUE(store.of(table::parts).empty());
  EXPECT_EQ(garbage().garbage_size(), 1);
}

TEST_F(Seals, SealingManyUploadsTakesSeveralCommandsEachOfBoundedWork) {
  for (std::uint64_t i = 1; i <= 1500; ++i)
    run(create_upload("k", i));
  EXPECT_EQ(run(seal()).status(), status::TOO_MUCH_AT_ONCE);
  EXPECT_EQ(run(put("a", 1)).status(), status::SEALED);
  EXPECT_EQ(run(seal()).status(), status::OK);
  EXPECT_TRUE(store.of(table::uploads).empty());
}

TEST_F(Seals, UnsealingOpensTheBucketAgain) {
  run(seal());
  EXPECT_EQ(run(seal(true)).status(), status::OK);
  EXPECT_EQ(run(seal(true)).status(), status::OK);
  EXPECT_EQ(run(put("a", 1)).status(), status::OK);
}
