#include "actors/collector/collector_plan.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace dunlin::collector;

static std::string page(std::uint8_t number) {
  std::string id(16, '\0');
  id.back() = static_cast<char>(number);
  return id;
}

static v1::ClusterMap map_of(int nodes, std::uint32_t partitions) {
  v1::ClusterMap map;
  for (int i = 0; i < nodes; ++i) {
    auto& set = *map.add_replica_sets();
    set.set_id(static_cast<std::uint32_t>(i));
    set.add_nodes("n" + std::to_string(i));
    set.add_nodes("n" + std::to_string((i + 1) % nodes));
  }
  for (std::uint32_t id = 1; id <= partitions; ++id)
    map.add_partitions()->set_id(id);
  return map;
}

static v1::GarbageRecord garbage(std::uint64_t tick, std::uint32_t set, std::int64_t since_ms,
                                 std::uint64_t pages = 2) {
  v1::GarbageRecord record;
  record.set_tick(tick);
  record.set_since_ms(since_ms);
  auto& run = *record.mutable_layout()->add_runs();
  run.set_replica_set(set);
  run.set_first_page(page(static_cast<std::uint8_t>(tick)));
  run.set_page_bytes(10);
  run.set_length(pages * 10 - 5);
  return record;
}

TEST(Turn, EveryPartitionIsLookedAfterByExactlyOneNodeARound) {
  const auto map = map_of(3, 7);
  for (std::uint64_t round = 0; round < 5; ++round) {
    std::multiset<partition_id> seen;
    for (const auto* node : {"n0", "n1", "n2"})
      for (const auto id : turn(map, node, round))
        seen.insert(id);
    EXPECT_EQ(seen, (std::multiset<partition_id>{0, 1, 2, 3, 4, 5, 6, 7}));
  }
}

TEST(Turn, ADeadNodesShareIsDoneByTheOthersWithinThreeRounds) {
  const auto map = map_of(3, 7);
  std::set<partition_id> seen;
  for (std::uint64_t round = 0; round < 3; ++round)
    for (const auto id : turn(map, "n1", round))
      seen.insert(id);
  EXPECT_EQ(seen.size(), 8u);
}

TEST(Turn, ANodeWithoutPagesLooksAfterNothing) {
  EXPECT_TRUE(turn(map_of(3, 7), "other", 0).empty());
  EXPECT_TRUE(sets_of(map_of(3, 7), "other").empty());
  EXPECT_EQ(sets_of(map_of(3, 7), "n1"), (std::vector<std::uint32_t>{0, 1}));
}

TEST(GarbagePlan, FreesDueRowsAtEveryReplica) {
  v1::QueryReply listed;
  *listed.add_garbage() = garbage(5, 0, 100);
  *listed.add_garbage() = garbage(6, 1, 200);
  *listed.add_garbage() = garbage(7, 1, 201);
  const auto plan = plan_garbage(listed, map_of(3, 1), 200, 100);
  ASSERT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.last_tick, 6u);
  EXPECT_FALSE(plan.more);
  EXPECT_EQ(plan.by_node.at("n1").ranges_size(), 2);
  EXPECT_EQ(plan.by_node.at("n0").ranges(0).first_page(), page(5));
  EXPECT_EQ(plan.by_node.at("n0").ranges(0).pages(), 2u);
}

TEST(GarbagePlan, ForgetsOnlyWhatEveryReplicaFreed) {
  v1::QueryReply listed;
  *listed.add_garbage() = garbage(5, 0, 1);
  *listed.add_garbage() = garbage(6, 1, 1);
  const auto plan = plan_garbage(listed, map_of(3, 1), 200, 100);
  EXPECT_EQ(plan.forget({"n0"}).ticks_size(), 0);
  ASSERT_EQ(plan.forget({"n0", "n1"}).ticks_size(), 1);
  EXPECT_EQ(plan.forget({"n0", "n1"}).ticks(0), 5u);
  EXPECT_EQ(plan.forget({"n0", "n1", "n2"}).ticks_size(), 2);
}

TEST(GarbagePlan, IsBoundedAndSaysThatMoreIsDue) {
  v1::QueryReply listed;
  for (std::uint64_t tick = 1; tick <= 5; ++tick)
    *listed.add_garbage() = garbage(tick, 0, 1);
  const auto plan = plan_garbage(listed, map_of(3, 1), 200, 2);
  EXPECT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.last_tick, 2u);
  EXPECT_TRUE(plan.more);
}

TEST(GarbagePlan, LeavesRowsOfUnknownSetsButGoesPastThem) {
  v1::QueryReply listed;
  *listed.add_garbage() = garbage(1, 99, 1);
  *listed.add_garbage() = garbage(2, 0, 1);
  const auto plan = plan_garbage(listed, map_of(3, 1), 200, 100);
  EXPECT_EQ(plan.unplaced, 1u);
  ASSERT_EQ(plan.rows.size(), 1u);
  EXPECT_EQ(plan.rows[0].tick, 2u);
}

static v1::Item item(const std::string& key) {
  v1::Item made;
  made.set_bucket_id(std::string(16, 'b'));
  made.set_key(key);
  return made;
}

static void add_page(v1::ListPagesReply& listed, std::uint8_t number, const std::string& key) {
  auto& held = *listed.add_pages();
  held.set_page(page(number));
  if (!key.empty()) *held.mutable_item() = item(key);
}

TEST(Orphans, PagesAreGroupedByItemAndUnreadableOnesLeftOut) {
  v1::ListPagesReply listed;
  add_page(listed, 1, "b");
  add_page(listed, 2, "a");
  add_page(listed, 3, "");
  add_page(listed, 4, "b");
  const auto groups = group(listed, 3);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].item.key(), "a");
  EXPECT_EQ(groups[1].pages, (std::vector<std::string>{page(1), page(4)}));
}

TEST(Orphans, AFenceHasOneRunForNeighbouringPages) {
  const held_item held{item("k"), 3, {page(1), page(2), page(3), page(7)}};
  const auto command = fence(held);
  ASSERT_EQ(command.runs_size(), 2);
  EXPECT_EQ(command.runs(0).length(), 3u);
  EXPECT_EQ(command.runs(0).replica_set(), 3u);
  EXPECT_EQ(command.runs(1).first_page(), page(7));
}

TEST(Orphans, PagesThatALayoutNamesAreKept) {
  held_item held{item("k"), 3, {page(1), page(2), page(3)}};
  v1::Layout layout;
  auto& run = *layout.add_runs();
  run.set_replica_set(3);
  run.set_first_page(page(1));
  run.set_page_bytes(10);
  run.set_length(15);
  keep_named(held, layout);
  EXPECT_EQ(held.pages, (std::vector<std::string>{page(3)}));
  run.set_replica_set(4);
  run.set_first_page(page(3));
  keep_named(held, layout);
  EXPECT_EQ(held.pages.size(), 1u);
}

TEST(Orphans, OnlyWhatTheAnswerClearlyLetsGoIsFreed) {
  const held_item held{item("k"), 3, {page(1), page(7)}};
  const auto asked = fence(held);
  v1::CommandReply answer;
  EXPECT_EQ(unkept(asked, answer).ranges_size(), 2);
  answer.set_status(v1::CommandReply::REFERENCED);
  EXPECT_EQ(unkept(asked, answer).ranges_size(),
            0);  // a repeated command: nothing said of the runs
  answer.add_kept(true);
  answer.add_kept(false);
  ASSERT_EQ(unkept(asked, answer).ranges_size(), 1);
  EXPECT_EQ(unkept(asked, answer).ranges(0).first_page(), page(7));
  for (const auto status : {v1::CommandReply::WRONG_PARTITION, v1::CommandReply::INVALID,
                            v1::CommandReply::UNKNOWN_CLIENT}) {
    answer.set_status(status);
    EXPECT_EQ(unkept(asked, answer).ranges_size(), 0);
  }
}

TEST(Deletions, OnlyOldOnesAreResumed) {
  v1::QueryReply listed;
  for (const std::int64_t since : {0, 100, 101}) {
    auto& bucket = *listed.add_buckets();
    bucket.set_name("b" + std::to_string(since));
    if (since > 0) bucket.set_state(v1::BucketRecord::DELETING);
    bucket.set_deleting_ms(since);
  }
  const auto old = half_deleted(listed, 100);
  ASSERT_EQ(old.size(), 1u);
  EXPECT_EQ(old[0].name(), "b100");
}
