// What the gateway makes of what its near cache of objects holds, and puts there itself (decision
// 16, docs/decisions/0011).
#include "tests/unit/s3_gateway/cached_fixture.hpp"

namespace dunlin::s3::test {

TEST_F(Cached, Q24AWarmObjectIsReadWithoutAskingAnybody) {
  write_elsewhere("k", "e", "bytes");
  EXPECT_EQ(root.get("/bucket/k").body, "bytes");
  EXPECT_EQ(world.questions, 1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(root.get("/bucket/k").body, "bytes");
    EXPECT_EQ(root.head("/bucket/k").status, 200);
  }
  EXPECT_EQ(world.questions, 1);
}

TEST_F(Cached, InModeValidatedAnObjectIsReadAsItsLeaderSaysAndItsRecordComesOnlyOnce) {
  world.set_mode(cache_mode::validated);
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  EXPECT_EQ(objects().core.figures().unchanged, 1u);
  write_elsewhere("k", "f", "new");
  EXPECT_EQ(root.get("/bucket/k").body, "new");
  EXPECT_EQ(objects().core.figures().unchanged, 1u);
}

TEST_F(Cached, InModeBoundedAnObjectIsAsOldAsTheBoundAtMost) {
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  write_elsewhere("k", "f", "new");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  world.now_ms += 5001;
  EXPECT_EQ(root.get("/bucket/k").body, "new");
}

TEST_F(Cached, AnObjectThatIsMadeElsewhereIsThereAtOnce) {
  EXPECT_EQ(root.head("/bucket/k").status, 404);
  write_elsewhere("k", "e");
  EXPECT_EQ(root.head("/bucket/k").status, 200);
}

TEST_F(Cached, HowManyObjectsAreNotThereIsNotLimited) {
  for (int i = 0; i < 150; ++i)
    EXPECT_EQ(root.head("/bucket/k").code().empty(), true);
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchKey");
}

TEST_F(Cached, WhatIsWrittenHereIsReadHereWithoutAsking) {
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  world.questions = 0;
  EXPECT_EQ(root.put("/bucket/k", "new").status, 200);
  EXPECT_EQ(root.get("/bucket/k").body, "new");
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_EQ(world.questions, 0);
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchKey");
  EXPECT_EQ(world.questions, 1) << "no cache alone says that it is gone";
}

TEST_F(Cached, OfManyKeysThatAreDeletedHereNoneIsServedFromTheCache) {
  std::string wish = "<Delete>";
  for (int i = 0; i < 40; ++i) {
    const auto key = "k" + std::to_string(i);
    EXPECT_EQ(root.put("/bucket/" + key, "x").status, 200);
    wish += "<Object><Key>" + key + "</Key></Object>";
  }
  EXPECT_EQ(root.post("/bucket?delete", wish + "</Delete>").status, 200);
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(root.get("/bucket/k" + std::to_string(i)).status, 404);
}

TEST_F(Cached, AnObjectWhoseWriteIsNotAnsweredIsAskedFor) {
  EXPECT_EQ(root.put("/bucket/k", "old").status, 200);
  world.execute_fails = ec::timed_out;
  EXPECT_EQ(root.put("/bucket/k", "new").status, 503);
  EXPECT_EQ(objects().core.figures().items, 0u);
  EXPECT_EQ(root.get("/bucket/k").body, "old");
}

TEST_F(Cached, AWriteThatIsRefusedTakesNothingFromTheCache) {
  EXPECT_EQ(root.put("/bucket/k", "old").status, 200);
  EXPECT_EQ(root.put("/bucket/k", "new", {{"If-None-Match", "*"}}).code(), "PreconditionFailed");
  EXPECT_EQ(objects().core.figures().items, 1u);
  EXPECT_EQ(root.get("/bucket/k").body, "old");
}

TEST_F(Cached, O4AnObjectWhosePagesAreFreedIsLookedUpAgain) {
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  world.pages.clear();
  write_elsewhere("k", "f", "new");
  EXPECT_EQ(root.get("/bucket/k").body, "new");
}

TEST_F(Cached, O4AnObjectThatIsGoneWithItsPagesIsSaidToBeGone) {
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  remove_elsewhere("k");
  world.pages.clear();
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchKey");
}

TEST_F(Cached, ACacheAloneSaysNoConditionFailed) {
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  write_elsewhere("k", "f", "newer");
  const auto matching = root.send({"GET", "/bucket/k", "", {{"If-Match", "\"f\""}}});
  EXPECT_EQ(matching.body, "newer");
  write_elsewhere("k", "g", "the newest of them");
  const auto range = root.send({"GET", "/bucket/k", "", {{"Range", "bytes=10-17"}}});
  EXPECT_EQ(range.body, " of them");
}

// The map may be another one by now than when the command ran: its tick belongs to who ran it.
TEST_F(Cached, Q24WhatIsWrittenHereIsKeptUnderThePartitionThatSaysSoWhateverTheMapSays) {
  v1::ClusterMap map;
  map.set_tick(1u << 20);
  map.set_epoch(2);
  auto& partition = *map.add_partitions();
  partition.set_id(7);
  partition.set_last_hash(UINT64_MAX);
  auto record = std::make_shared<v1::CachedRecord>();
  *record->mutable_cluster_map() = map;
  auto& maps = world.caches.find(cached::cluster_map)->second;
  cache_written moved;
  moved.key = cached::cluster_map_key;
  moved.ticket = maps.begin_write(moved.key);
  moved.outcome = cache_outcome::changed;
  moved.tick = map.tick();
  moved.record = std::move(record);
  maps.end_write(moved);
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_EQ(objects().core.figures().items, 1u);
  v1::PartitionQuery query;
  query.mutable_get_bucket()->set_name("bucket");
  const auto said = objects().look_up(world.ask(to_root(), query).buckets(0).id() + "k", false);
  ASSERT_TRUE(said && said->record);
  EXPECT_TRUE(said->from_cache);
  EXPECT_EQ(said->partition, 1u);
}

TEST_F(Cached, WhatIsWrittenHereNeedsNoMapToBeKept) {
  world.caches.erase(std::string(cached::cluster_map));
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_EQ(objects().core.figures().items, 1u);
  EXPECT_EQ(root.get("/bucket/k").body, "x");
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchKey");
}

TEST_F(Cached, NothingOfAWriteIsKeptIfALeaderOfAnOlderReleaseDoesNotSayWhoseTickItIs) {
  write_elsewhere("k", "e", "old");
  EXPECT_EQ(root.get("/bucket/k").body, "old");
  world.answers_name_partition = false;
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_EQ(objects().core.figures().items, 0u);
  EXPECT_EQ(root.get("/bucket/k").body, "x");
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_EQ(objects().core.figures().items, 0u);
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchKey");
}

// ---- multipart ----

TEST_F(Cached, Q24AWarmMultipartObjectIsReadWithoutAskingAnybodyForItsParts) {
  upload("/bucket/big", 2, "the end");
  drop_objects();
  world.questions = world.queries = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(root.get("/bucket/big").body,
              std::string(5u << 20, 'a') + std::string(5u << 20, 'b') + "the end");
    const auto range =
        root.send({"GET", "/bucket/big", "", {{"Range", "bytes=10485758-10485762"}}});
    EXPECT_EQ(range.body, "bbthe");
  }
  EXPECT_EQ(world.questions, 1);
  EXPECT_EQ(world.queries, 0);
}

TEST_F(Cached, Q24AMultipartObjectThatIsMadeHereIsReadHereWithoutAsking) {
  upload("/bucket/big", 1, "the end");
  world.questions = world.queries = 0;
  EXPECT_EQ(root.get("/bucket/big").body, std::string(5u << 20, 'a') + "the end");
  EXPECT_EQ(world.questions + world.queries, 0);
}

TEST_F(Cached, Q24InModeValidatedAMultipartObjectIsValidatedAndNoMore) {
  upload("/bucket/big", 1, "the end");
  objects().set_mode(cache_mode::validated);
  world.questions = world.queries = 0;
  EXPECT_EQ(root.get("/bucket/big").status, 200);
  EXPECT_EQ(world.questions, 1);
  EXPECT_EQ(objects().core.figures().unchanged, 1u);
  EXPECT_EQ(world.queries, 0);
}

TEST_F(Cached, AnObjectWhosePartsAreNotInItsRecordIsReadByThePartRows) {
  upload("/bucket/big", 1, "the end");
  world.records_name_parts = false;
  drop_objects();
  world.queries = 0;
  EXPECT_EQ(root.get("/bucket/big").body, std::string(5u << 20, 'a') + "the end");
  EXPECT_EQ(world.queries, 1);
}

TEST_F(Cached, O4AMultipartObjectWhosePagesAreFreedIsLookedUpAgain) {
  upload("/bucket/big", 1, "the end");
  world.pages.clear();
  write_elsewhere("big", "f", "new");
  EXPECT_EQ(root.get("/bucket/big").body, "new");
}

}  // namespace dunlin::s3::test
