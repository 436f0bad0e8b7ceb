#include "tests/unit/partition/machine/machine_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

struct RootCommands : machine_test {
  RootCommands() : machine_test(0) {}

  static v1::Command create(std::string name, std::uint64_t number, std::string owner = "ann") {
    v1::Command command;
    auto& create = *command.mutable_create_bucket();
    create.set_name(std::move(name));
    create.set_id(id16(number));
    create.set_owner(std::move(owner));
    return command;
  }
  static v1::Command begin_delete(std::string name) {
    v1::Command command;
    command.mutable_begin_delete_bucket()->set_name(std::move(name));
    return command;
  }
  static v1::Command end_delete(std::string name, std::uint64_t number, bool removed) {
    v1::Command command;
    command.mutable_end_delete_bucket()->set_name(std::move(name));
    command.mutable_end_delete_bucket()->set_id(id16(number));
    command.mutable_end_delete_bucket()->set_removed(removed);
    return command;
  }
  static v1::Command seed() {
    v1::Command command;
    auto& map = *command.mutable_seed_cluster()->mutable_map();
    map.set_cluster("test");
    map.add_partitions()->set_id(1);
    map.mutable_partitions(0)->set_last_hash(UINT64_MAX);
    map.mutable_partitions(0)->add_nodes("n1");
    map.add_replica_sets()->add_nodes("n1");
    command.mutable_seed_cluster()->mutable_root_user()->set_name("root");
    command.mutable_seed_cluster()->mutable_root_key()->set_access_key("AK");
    command.mutable_seed_cluster()->mutable_root_key()->set_user("root");
    return command;
  }
  v1::QueryReply bucket_named(const std::string& name) {
    v1::PartitionQuery query;
    query.mutable_get_bucket()->set_name(name);
    return ask(query);
  }
  std::vector<std::string> buckets_of(const std::string& owner, const std::string& after = {},
                                      std::uint32_t items = 1000, bool* truncated = nullptr) {
    v1::PartitionQuery query;
    query.mutable_list_buckets()->set_owner(owner);
    query.mutable_list_buckets()->set_after(after);
    query.mutable_list_buckets()->set_items_max(items);
    const auto reply = ask(query);
    if (truncated) *truncated = reply.truncated();
    std::vector<std::string> names;
    for (const auto& bucket : reply.buckets())
      names.push_back(bucket.name());
    return names;
  }
  using names = std::vector<std::string>;
};

TEST_F(RootCommands, AClusterIsSeededOnce) {
  EXPECT_EQ(run(seed()).status(), status::OK);
  EXPECT_EQ(run(seed()).status(), status::ALREADY_EXISTS);
  v1::PartitionQuery query;
  query.mutable_get_cluster_map();
  EXPECT_EQ(ask(query).cluster_map().epoch(), 1u);
  query.mutable_get_access_key()->set_access_key("AK");
  EXPECT_EQ(ask(query).user().name(), "root");
  query.mutable_get_access_key()->set_access_key("\xff");
  EXPECT_EQ(ask(query).status(), status::NO_SUCH_KEY);
  EXPECT_EQ(machine->outbox(0, 10).size(), 2u);
}

TEST_F(RootCommands, AMapThatContradictsItselfSeedsNothing) {
  auto twice = seed();
  *twice.mutable_seed_cluster()->mutable_map()->add_partitions() =
      twice.seed_cluster().map().partitions(0);
  EXPECT_EQ(run(twice).status(), status::INVALID);
  auto unnamed = seed();
  unnamed.mutable_seed_cluster()->mutable_root_user()->clear_name();
  EXPECT_EQ(run(unnamed).status(), status::INVALID);
  EXPECT_EQ(run(seed()).status(), status::OK);
}

TEST_F(RootCommands, ABucketsNameIsUniqueInTheCluster) {
  const auto made = run(create("b", 1));
  EXPECT_EQ(made.status(), status::OK);
  EXPECT_EQ(made.bucket().id(), id16(1));
  EXPECT_EQ(run(create("b", 2)).status(), status::BUCKET_ALREADY_OWNED);
  const auto taken = run(create("b", 3, "bob"));
  EXPECT_EQ(taken.status(), status::BUCKET_ALREADY_EXISTS);
  EXPECT_EQ(taken.bucket().id(), id16(1));
  EXPECT_EQ(bucket_named("b").buckets(0).id(), id16(1));
  EXPECT_EQ(bucket_named("c").status(), status::NO_SUCH_BUCKET);
}

TEST_F(RootCommands, OwnersSeeTheirOwnBucketsInOrderAndInPages) {
  run_all({create("c", 1), create("a", 2), create("b", 3, "bob"), create("d", 4)});
  EXPECT_EQ(buckets_of("ann"), (names{"a", "c", "d"}));
  EXPECT_EQ(buckets_of("bob"), (names{"b"}));
  EXPECT_EQ(buckets_of(""), (names{"a", "b", "c", "d"}));
  bool truncated = false;
  EXPECT_EQ(buckets_of("ann", "", 2, &truncated), (names{"a", "c"}));
  EXPECT_TRUE(truncated);
  EXPECT_EQ(buckets_of("ann", "c", 2, &truncated), (names{"d"}));
  EXPECT_FALSE(truncated);
}

TEST_F(RootCommands, DeletingIsMarkedThenEnded) {
  run(create("b", 1));
  const auto begun = run(begin_delete("b"));
  EXPECT_EQ(begun.bucket().state(), v1::BucketRecord::DELETING);
  EXPECT_EQ(begun.bucket().deleting_ms(), now_ms);
  EXPECT_EQ(run(end_delete("b", 1, true)).status(), status::OK);
  EXPECT_EQ(bucket_named("b").status(), status::NO_SUCH_BUCKET);
  EXPECT_TRUE(buckets_of("ann").empty());
  EXPECT_EQ(run(create("b", 2)).status(), status::OK);
}

TEST_F(RootCommands, ADeletionThatWasRefusedPutsTheBucketBack) {
  run(create("b", 1));
  run(begin_delete("b"));
  EXPECT_EQ(run(end_delete("b", 1, false)).bucket().state(), v1::BucketRecord::ACTIVE);
}

TEST_F(RootCommands, ALateEndDoesNotTouchAYoungerBucketOfTheSameName) {
  run(create("b", 2));
  EXPECT_EQ(run(end_delete("b", 1, true)).status(), status::NO_SUCH_BUCKET);
  EXPECT_EQ(bucket_named("b").status(), status::OK);
}

TEST_F(RootCommands, ARepeatedCreationAnswersWithTheBucket) {
  run(open_client());
  run(stamped(create("b", 1), 1));
  const auto again = run(stamped(create("b", 1), 1));
  EXPECT_EQ(again.status(), status::OK);
  EXPECT_EQ(again.bucket().id(), id16(1));
}

TEST_F(RootCommands, NamesThatAreNoTextAreRefused) {
  EXPECT_EQ(run(create("", 1)).status(), status::INVALID);
  EXPECT_EQ(run(create("\xff", 1)).status(), status::INVALID);
  EXPECT_EQ(run(create(std::string(257, 'b'), 1)).status(), status::INVALID);
  EXPECT_EQ(run(begin_delete("no-such")).status(), status::NO_SUCH_BUCKET);
}

TEST_F(RootCommands, TheRootHoldsNoObjects) {
  EXPECT_EQ(run(put("a", 1)).status(), status::WRONG_PARTITION);
  EXPECT_EQ(list().status(), status::WRONG_PARTITION);
}

struct OtherPartition : machine_test {};

TEST_F(OtherPartition, HoldsNoBuckets) {
  EXPECT_EQ(run(RootCommands::create("b", 1)).status(), status::WRONG_PARTITION);
  EXPECT_EQ(run(RootCommands::seed()).status(), status::WRONG_PARTITION);
}
