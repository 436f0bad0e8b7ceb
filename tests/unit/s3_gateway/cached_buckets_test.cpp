// Buckets out of near caches: what is not there, what is gone or another one by now, and what this
// node changes itself (O4, decision 16, docs/decisions/0011).
#include "actors/s3_gateway/listing.hpp"
#include "tests/unit/s3_gateway/cached_fixture.hpp"

namespace dunlin::s3::test {

// ---- buckets: what is not there ----

TEST_F(Cached, ABucketThatIsMadeElsewhereIsThereAtOnce) {
  unmake();
  world.now_ms += 5001;
  EXPECT_EQ(root.head("/bucket").status, 404);
  make();
  EXPECT_EQ(root.head("/bucket").status, 200);
}

TEST_F(Cached, AccessIsNeverDeniedForAnOwnerFromTheCache) {
  world.add_user("alice", "AKEY", "asecret");
  remake("alice");
  EXPECT_EQ(client(world, "AKEY", "asecret").head("/bucket").status, 200);
}

TEST_F(Cached, TheExpectedOwnerIsThatOfTheLeader) {
  world.add_user("alice", "AKEY", "asecret");
  remake("alice");
  const auto got = root.send({"GET", "/bucket", "", {{"x-amz-expected-bucket-owner", "alice"}}});
  EXPECT_EQ(got.status, 200);
}

TEST_F(Cached, ALeaderThatCannotBeAskedMakesNoBucketGone) {
  EXPECT_EQ(root.head("/other").status, 404);
  world.ask_fails = ec::unavailable;
  EXPECT_EQ(root.head("/other").status, 503);
}

// ---- buckets: what is gone, or another one (O4) ----

TEST_F(Cached, O4APutIntoABucketThatIsGoneSaysSo) {
  unmake();
  const auto got = root.put("/bucket/k", "x");
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.code(), "NoSuchBucket");
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchBucket");
}

TEST_F(Cached, O4APutWithABodyIntoABucketMadeAnewIsTriedAgainByItsClient) {
  remake();
  const auto got = root.put("/bucket/k", "x");
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.code(), "ServiceUnavailable");
  EXPECT_FALSE(is_there("k"));
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_TRUE(is_there("k"));
}

TEST_F(Cached, O4APutWithoutABodyIsRunAgain) {
  remake();
  EXPECT_EQ(root.put("/bucket/k", "").status, 200);
  EXPECT_TRUE(is_there("k"));
}

TEST_F(Cached, O4ReadsAreRunAgainOnTheBucketMadeAnew) {
  remake();
  put_elsewhere("k");
  EXPECT_EQ(root.head("/bucket/k").status, 200);
  EXPECT_EQ(root.get("/bucket/l").code(), "NoSuchKey");
}

TEST_F(Cached, O4AListingIsOfTheBucketMadeAnew) {
  remake();
  put_elsewhere("k");
  EXPECT_EQ(elements(root.get("/bucket?list-type=2").body, "Key"), std::vector<std::string>{"k"});
}

TEST_F(Cached, O4ADeleteReachesTheObjectInTheBucketMadeAnew) {
  remake();
  put_elsewhere("k");
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_FALSE(is_there("k"));
}

TEST_F(Cached, O4ADeleteOfManyReachesTheObjectsInTheBucketMadeAnew) {
  remake();
  put_elsewhere("k");
  const auto got = root.post("/bucket?delete", "<Delete><Object><Key>k</Key></Object></Delete>");
  EXPECT_EQ(got.status, 200);
  EXPECT_FALSE(is_there("k"));
}

TEST_F(Cached, ADeleteInASealedBucketFindsNothingToDelete) {
  v1::PartitionQuery query;
  query.mutable_get_bucket()->set_name("bucket");
  id = world.ask(to_root(), query).buckets(0).id();
  seal();
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_EQ(root.post("/bucket?delete", "<Delete><Object><Key>k</Key></Object></Delete>").status,
            200);
  EXPECT_EQ(root.send({"DELETE", "/bucket/k", "", {{"If-Match", "\"e\""}}}).code(), "NoSuchKey");
}

TEST_F(Cached, O4AnUploadOfTheBucketMadeAnewIsFound) {
  remake();
  v1::Command command;
  auto& create = *command.mutable_create_upload();
  create.set_bucket_id(id);
  create.set_key("k");
  create.mutable_record()->set_upload_id(std::string(16, 'u'));
  ASSERT_EQ(world.execute(to_bucket(id), command).status(), v1::CommandReply::OK);
  EXPECT_EQ(root.get("/bucket/k?uploadId=" + show_upload_id(std::string(16, 'u'))).status, 200);
}

TEST_F(Cached, O4AnUploadBeginsInTheBucketMadeAnew) {
  remake();
  EXPECT_EQ(root.post("/bucket/k?uploads").status, 200);
}

TEST_F(Cached, ABucketIsNotDeletedForTheOwnerOfTheOneBeforeIt) {
  world.add_user("alice", "AKEY", "asecret");
  world.add_user("bob", "BKEY", "bsecret");
  client alice{world, "AKEY", "asecret"};
  remake("alice");
  EXPECT_EQ(alice.head("/bucket").status, 200);
  remake("bob");
  EXPECT_EQ(alice.remove("/bucket").code(), "AccessDenied");
  EXPECT_EQ(client(world, "BKEY", "bsecret").head("/bucket").status, 200);
}

// ---- own writes ----

TEST_F(Cached, WhatIsMadeHereIsKnownHereWithoutAsking) {
  EXPECT_EQ(root.put("/second").status, 200);
  EXPECT_EQ(root.head("/second").status, 200);
  EXPECT_EQ(world.questions, 0);
}

TEST_F(Cached, WhatIsDeletedHereIsNotServedFromTheCache) {
  EXPECT_EQ(root.remove("/bucket").status, 204);
  EXPECT_EQ(root.head("/bucket").status, 404);
  EXPECT_EQ(root.put("/bucket").status, 200);
  EXPECT_EQ(root.head("/bucket").status, 200);
}

TEST_F(Cached, AWriteWhoseAnswerIsLostLeavesNothingInTheCache) {
  EXPECT_EQ(buckets().core.figures().items, 1u);
  int command = 0;
  std::function<void()> fail_second = [&] {
    if (++command == 2)
      world.execute_fails = ec::timed_out;
    else
      world.before_execute = fail_second;
  };
  world.before_execute = fail_second;
  EXPECT_EQ(root.remove("/bucket").status, 503);
  EXPECT_EQ(buckets().core.figures().items, 0u);
}

TEST_F(Cached, ACommandThatSurelyDidNotRunTakesNothingFromTheCache) {
  EXPECT_EQ(root.head("/second").status, 404);
  const auto before = buckets().core.figures().items;
  world.execute_fails = ec::overloaded;
  EXPECT_EQ(root.put("/second").code(), "SlowDown");
  EXPECT_EQ(buckets().core.figures().items, before);
}

}  // namespace dunlin::s3::test
