// Near caches of whole clusters: what one node changes the others hear, and where nobody tells
// anything they ask (docs/decisions/0011). A failure prints its seed; DUNLIN_SEED=N replays it
// alone.

#include "apps/testkit/bucket_workload.hpp"
#include "apps/testkit/cache_checks.hpp"
#include "messages/services.hpp"
#include "tests/cluster/coherence_fixture.hpp"

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::bucket;
using testkit::Coherence;
using testkit::joined;
using testkit::with_queues;

TEST(CoherenceOfACluster, WhatOneNodeRemovesTheOthersHearOf) {
  Coherence world{with_queues(2)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  for (const auto* name : {"n1", "n2", "n3"}) {
    EXPECT_EQ(world.call(name, "HEAD", "/work"), 200);
    EXPECT_TRUE(world.holds(name, "work"));
    EXPECT_FALSE(world.asks(name, "work")) << name;
  }
  EXPECT_EQ(world.call("n1", "DELETE", "/work"), 204);
  world.cluster.time().run_for(500ms);
  for (const auto* name : {"n1", "n2", "n3"}) {
    EXPECT_FALSE(world.holds(name, "work")) << name;
    EXPECT_EQ(world.call(name, "HEAD", "/work"), 404);
  }
}

TEST(CoherenceOfACluster, WithoutQueuesEveryReaderAsksTheLeader) {
  Coherence world{with_queues(0)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(world.asks("n2", "work"));
  EXPECT_EQ(world.call("n1", "DELETE", "/work"), 204);
  EXPECT_FALSE(world.holds("n2", "work"));
}

TEST(CoherenceOfACluster, AValidatedCacheAsksThoughNewsProveWhatItHolds) {
  Coherence world{with_queues(3, "validated")};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(world.asks("n2", "work"));
}

TEST(CoherenceOfACluster, ReadsGoOnAndStayRightWhenTheOnlyQueueIsAway) {
  Coherence world{with_queues(1)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  EXPECT_TRUE(world.holds("n2", "work"));
  EXPECT_FALSE(world.asks("n2", "work"));
  world.cluster.crash("n3");
  world.cluster.time().run_for(40s);
  EXPECT_TRUE(world.asks("n2", "work"));
  EXPECT_EQ(world.call("n1", "DELETE", "/work"), 204);
  world.cluster.time().run_for(31s);  // what n2 was told when it asked proves itself as long
  EXPECT_EQ(world.call("n2", "HEAD", "/work"), 404);
  ASSERT_TRUE(world.cluster.start("n3"));
  ASSERT_TRUE(world.cluster.wait_until_ready(20s));
  EXPECT_EQ(joined(testkit::check_hearing(world.cluster, 20s)), "");
  EXPECT_EQ(joined(testkit::check_caches(world.cluster, {{"work"}, {}, {}})), "");
}

TEST(CoherenceOfACluster, Q4Q16EachServiceHasCachesOfItsOwn) {
  Coherence world{with_queues(1)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  ASSERT_EQ(world.call("n2", "HEAD", "/work"), 200);
  EXPECT_FALSE(world.asks("n2", "work"));
  // What S3 has looked up is not in the management's cache; once it asks, it has its own.
  const auto by_management = [&] {
    return world.cluster.look_up("n2", bucket, "work", services::management);
  };
  const auto first = by_management(), second = by_management();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->from_cache);
  EXPECT_TRUE(second->from_cache);
  // One subscription a node brings changes to all of them.
  const auto status = world.cluster.status("n2");
  ASSERT_EQ(status.subscribers_size(), 1);
  EXPECT_EQ(world.call("n1", "DELETE", "/work"), 204);
  world.cluster.time().run_for(500ms);
  EXPECT_FALSE(by_management()->record);
}

TEST(CoherenceOfACluster, Q4ServicesOfANodeShareOneCacheOfEachTypeIfTheFileSaysSo) {
  Coherence world{with_queues(1) + "[cache]\nshared = true\n"};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  ASSERT_EQ(world.call("n2", "HEAD", "/work"), 200);
  const auto said = world.cluster.look_up("n2", bucket, "work", services::management);
  ASSERT_TRUE(said);
  EXPECT_TRUE(said->from_cache);
  std::map<std::string, int> instances;
  const auto status = world.cluster.status("n2");
  for (const auto& cache : status.caches()) {
    EXPECT_EQ(cache.service(), services::all);
    EXPECT_EQ(++instances[cache.type()], 1) << cache.type();
  }
  EXPECT_TRUE(instances.contains("user"));
}

TEST(CoherenceOfACluster, A2WhatANodeHoldsOfABucketExpiresThoughNothingIsHeardOfIt) {
  Coherence world{with_queues(1) + "time_to_live = \"5s\"\n"};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  EXPECT_TRUE(world.asks("n2", "work"));
  EXPECT_FALSE(world.asks("n2", "work"));
  world.cluster.time().run_for(5s);
  EXPECT_TRUE(world.asks("n2", "work"));
}

TEST(CoherenceOfACluster, Q22AMirrorHasEverythingBeforeAnybodyAsks) {
  Coherence world{with_queues(2) + "mirror = true\n"};
  for (const auto* name : {"/one", "/two", "/three"})
    ASSERT_EQ(world.call("n1", "PUT", name), 200);
  world.cluster.time().run_for(1s);
  EXPECT_FALSE(world.asks("n2", "one")) << "made while it was one";
  world.cluster.crash("n2");
  ASSERT_EQ(world.call("n1", "DELETE", "/two"), 204);
  ASSERT_TRUE(world.cluster.start("n2"));
  ASSERT_TRUE(world.cluster.wait_until_ready(20s));
  world.cluster.time().run_for(3s);
  const auto before = world.lookups();
  for (const auto* name : {"one", "three"})
    EXPECT_FALSE(world.asks("n2", name)) << name;
  EXPECT_EQ(world.lookups(), before);
  EXPECT_EQ(world.call("n2", "HEAD", "/one"), 200);
  EXPECT_EQ(world.call("n2", "HEAD", "/two"), 404);
}

TEST(CoherenceOfACluster, BucketsThatComeAndGoAreRightThroughEveryNode) {
  for (const auto* mode : {"bounded", "validated"}) {
    Coherence world{with_queues(2, mode)};
    testkit::bucket_workload buckets{world.cluster, {.owners = 3, .lives = 15, .readers = 3}};
    buckets.begin();
    world.cluster.time().run_until([&] { return buckets.finished(); }, 300s);
    buckets.read_all();
    EXPECT_EQ(joined(buckets.mistakes()), "");
    EXPECT_EQ(joined(buckets.judge_all(50'000)), "");
    EXPECT_EQ(joined(testkit::check_hearing(world.cluster, 20s)), "");
    EXPECT_EQ(joined(testkit::check_caches(world.cluster, {buckets.names(), {}, {}})), "");
  }
}

TEST(CoherenceOfACluster, WhatIsLostOnPurposeIsCountedAndStillHeardOf) {
  Coherence world{with_queues(2) + "[faults]\ncache_update_loss = 0.4\n"};
  const auto lost = [&](const char* what) {
    double all = 0;
    for (const auto& name : world.cluster.nodes())
      all += world.cluster.counted(name, "dunlin_faults_dropped_total", {{"what", what}});
    return all;
  };
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
    world.cluster.time().run_for(3s);
    for (const auto* name : {"n1", "n2", "n3"})
      EXPECT_TRUE(world.holds(name, "work")) << name << ", round " << i;
    EXPECT_EQ(world.call("n1", "DELETE", "/work"), 204);
    world.cluster.time().run_for(3s);
    for (const auto* name : {"n1", "n2", "n3"})
      EXPECT_FALSE(world.holds(name, "work")) << name << ", round " << i;
  }
  EXPECT_GT(lost("cache_batch"), 10);
  EXPECT_GT(lost("batch_ack"), 10);
  const auto warnings = world.cluster.status("n2").warnings();
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_NE(warnings[0].find("40 % of the cache-update messages are lost ON PURPOSE"),
            std::string::npos);
  for (const auto& name : world.cluster.nodes())
    world.cluster.lose_cache_updates(name, 0);
  const auto before = lost("cache_batch");
  EXPECT_EQ(world.call("n1", "PUT", "/work"), 200);
  world.cluster.time().run_for(5s);
  EXPECT_EQ(lost("cache_batch"), before);
  EXPECT_TRUE(world.cluster.status("n2").warnings().empty());
}

TEST(CoherenceOfACluster, Q6AChangeOfALiveCacheTakesEffectAtEveryServiceOfTheNode) {
  Coherence world{with_queues(2)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  EXPECT_TRUE(world.holds("n2", "work"));
  EXPECT_FALSE(world.asks("n2", "work"));
  change_caches validate{"bucket", std::nullopt, set_cache{}};
  validate.set->validated = true;
  const auto done = world.cluster.instruct("n2", validate);
  ASSERT_EQ(done.all.size(), 2u);  // S3 and management
  EXPECT_EQ(done.all[0].error + done.all[1].error, "");
  EXPECT_TRUE(world.asks("n2", "work"));
  EXPECT_FALSE(world.holds("n3", "work") && world.asks("n3", "work"));
  validate.set->validated = false;
  world.cluster.instruct("n2", validate);
  EXPECT_FALSE(world.asks("n2", "work"));
}

TEST(CoherenceOfACluster, Q23WhatIsDroppedOnCommandOrPeriodicallyIsAskedForAgain) {
  Coherence world{with_queues(2)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  EXPECT_TRUE(world.holds("n2", "work"));
  EXPECT_FALSE(world.asks("n2", "work"));
  EXPECT_EQ(world.cluster.instruct("n2", {"bucket", 1, std::nullopt}).all.size(), 1u);
  EXPECT_TRUE(world.asks("n2", "work"));
  EXPECT_FALSE(world.asks("n2", "work"));
  change_caches periodic{"bucket", std::nullopt, set_cache{}};
  periodic.set->invalidation_interval = 5s;
  world.cluster.instruct("n2", periodic);
  for (int round = 0; round < 4; ++round) {
    world.cluster.time().run_for(5s);
    EXPECT_TRUE(world.asks("n2", "work")) << round;
    EXPECT_FALSE(world.asks("n2", "work")) << round;
    EXPECT_FALSE(world.holds("n3", "work") && world.asks("n3", "work")) << round;
  }
  periodic.set->invalidation_interval = 0s;
  world.cluster.instruct("n2", periodic);
  world.cluster.time().run_for(6s);
  EXPECT_FALSE(world.asks("n2", "work"));
}

TEST(CoherenceOfACluster, X2TheSamplerMeasuresHowStaleWhatWasServedWas) {
  // Windows of 300 ms hold changes back for so long that many looks get what is overtaken.
  auto slow = with_queues(2);
  slow += "[queue]\nwindow = \"300ms\"\n";
  Coherence world{slow};
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(world.call("n1", i % 2 ? "DELETE" : "PUT", "/work"), i % 2 ? 204 : 200);
    for (int look = 0; look < 10; ++look) {
      world.cluster.look_up("n2", bucket, "work");
      world.cluster.time().run_for(40ms);
    }
  }
  world.cluster.time().run_for(1s);
  staleness found;
  for (const auto& one : world.cluster.sampled("n2"))
    if (one.type == bucket && one.service == 1) found = one;
  EXPECT_GT(found.samples, 50u);
  EXPECT_GT(found.stale, 3u);
  EXPECT_GT(found.surely_max_us, 50'000u);
  EXPECT_LT(found.max_us, 700'000u);
  EXPECT_EQ(found.violations, 0u);
  EXPECT_EQ(found.unanswered, 0u);
  EXPECT_EQ(joined(testkit::check_staleness(world.cluster)), "");
}

// The checker itself: a change that nobody has made is told to one cache.
TEST(CoherenceOfACluster, AnObjectThatACacheHoldsThoughItsLeaderSaysOtherwiseIsSeenByTheChecker) {
  Coherence world{with_queues(2) + "[cache.object]\nmode = \"bounded\"\n"};
  auto& cluster = world.cluster;
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  ASSERT_EQ(world.call("n1", "PUT", "/work/object"), 200);
  EXPECT_EQ(joined(testkit::check_caches(cluster, {{"work"}, {}, {}})), "");
  const auto bucket_said = cluster.look_up("n2", bucket, "work");
  ASSERT_TRUE(bucket_said && bucket_said->record);
  const auto key = bucket_said->record->bucket().id() + "object";
  const auto said = cluster.look_up("n2", "object", key);
  ASSERT_TRUE(said && said->record);
  cache_changes lie{said->partition, {}};
  lie.all.push_back({said->tick + 1, key, said->record, false});
  caf::anon_send(cluster.parts("n2").caches.at("object"), lie);
  const auto wrong = testkit::check_caches(cluster, {{"work"}, {}, {}});
  ASSERT_EQ(wrong.size(), 1u) << joined(wrong);
  EXPECT_NE(wrong.front().find("the object cache of n2"), std::string::npos) << wrong.front();
}
