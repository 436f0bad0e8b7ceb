// Users, and requests as a whole, out of near caches (decision 16, docs/decisions/0011).
#include "tests/unit/s3_gateway/cached_fixture.hpp"

namespace dunlin::s3::test {

TEST_F(Cached, Q24A9AWarmRequestAsksNobodyForUserOrBucket) {
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_EQ(root.get("/bucket/k").body, "x");
  EXPECT_EQ(root.head("/bucket").status, 200);
  EXPECT_EQ(world.questions, 0);
}

TEST_F(Cached, InModeValidatedEachIsAskedForEachTime) {
  world.set_mode(cache_mode::validated);
  EXPECT_EQ(root.head("/bucket").status, 200);
  EXPECT_EQ(root.head("/bucket").status, 200);
  EXPECT_EQ(world.questions, 4);
}

TEST_F(Cached, ARevokedKeyWorksNoLongerThanTheCacheMayBeStale) {
  change_key("rootsecret", true);
  EXPECT_EQ(root.get("/").status, 200);
  world.now_ms += 5001;
  EXPECT_EQ(root.get("/").code(), "InvalidAccessKeyId");
}

TEST_F(Cached, ABadSignatureIsNeverSaidOfASecretFromTheCache) {
  change_key("fresh", false);
  EXPECT_EQ(client(world, "ROOTKEY", "fresh").get("/").status, 200);
  EXPECT_EQ(world.questions, 1);
  EXPECT_EQ(client(world, "ROOTKEY", "rootsecret").get("/").code(), "SignatureDoesNotMatch");
  EXPECT_EQ(world.questions, 2);
}

TEST_F(Cached, AKeyThatIsMadeWhileTheCacheKnowsNoneWorksAtOnce) {
  EXPECT_EQ(client(world, "AKEY", "asecret").get("/").code(), "InvalidAccessKeyId");
  EXPECT_EQ(world.questions, 1);  // what the leader just said needs no second look
  world.add_user("alice", "AKEY", "asecret");
  world.put_policy("alice", "lists", makes_and_lists_buckets);
  EXPECT_EQ(client(world, "AKEY", "asecret").get("/").status, 200);
}

TEST_F(Cached, AnUnknownKeyCanBeConfirmedOnlySoOften) {
  client nobody{world, "NOBODY", "x"};
  int unknown = 0, slow = 0;
  for (int i = 0; i < 150; ++i) {
    const auto got = nobody.get("/");
    unknown += got.code() == "InvalidAccessKeyId";
    slow += got.code() == "SlowDown" && got.status == 503 && got.header("retry-after") == "1";
  }
  EXPECT_EQ(unknown, 101);  // the first was no confirmation
  EXPECT_EQ(slow, 49);
  EXPECT_EQ(world.questions, 101);
  EXPECT_EQ(root.head("/bucket").status, 200) << "who is let in is not held up";
  world.now_ms += 1000;
  EXPECT_EQ(nobody.get("/").code(), "InvalidAccessKeyId");
}

}  // namespace dunlin::s3::test
