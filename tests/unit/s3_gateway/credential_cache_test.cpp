#include "actors/s3_gateway/credential_cache.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

void change_key(cluster& world, const std::string& secret, bool revoked) {
  v1::AccessKeyRecord key;
  key.set_access_key("ROOTKEY");
  key.set_secret(secret);
  key.set_user("root");
  key.set_revoked(revoked);
  world.root_store.put(table::access_keys, "ROOTKEY", key.SerializeAsString());
}

}  // namespace

TEST(CredentialCache, ForgetsAfterItsTime) {
  credential_cache cache(100);
  cache.put("k", {"secret", "user", true}, 1000);
  ASSERT_TRUE(cache.find("k", 1099));
  EXPECT_EQ(cache.find("k", 1099)->secret, "secret");
  EXPECT_FALSE(cache.find("k", 1100));
  EXPECT_FALSE(cache.find("other", 1000));
}

TEST(CredentialCache, AClockThatJumpsBackMakesNothingLiveLonger) {
  credential_cache cache(100);
  cache.put("k", {"secret", "user", true}, 1000);
  EXPECT_FALSE(cache.find("k", 999));
}

TEST(CredentialCache, IsBounded) {
  credential_cache cache(100, 2);
  cache.put("a", {}, 0);
  cache.put("b", {}, 50);
  cache.put("c", {}, 60);
  EXPECT_FALSE(cache.find("c", 60));
  cache.put("d", {}, 120);
  EXPECT_TRUE(cache.find("d", 120));
  EXPECT_TRUE(cache.find("b", 120));
}

TEST(CredentialCache, SavesTheSecondQuestion) {
  cluster world;
  world.credentials = std::make_unique<credential_cache>(5000);
  client root{world};
  EXPECT_EQ(root.get("/").status, 200);
  change_key(world, "rootsecret", true);
  EXPECT_EQ(root.get("/").status, 200);
  world.now_ms += 5000;
  EXPECT_EQ(root.get("/").code(), "InvalidAccessKeyId");
}

TEST(CredentialCache, ANoIsNeverGivenFromIt) {
  cluster world;
  world.credentials = std::make_unique<credential_cache>(5000);
  EXPECT_EQ(client(world).get("/").status, 200);
  change_key(world, "fresh", false);
  EXPECT_EQ(client(world, "ROOTKEY", "fresh").get("/").status, 200);
  EXPECT_EQ(client(world, "ROOTKEY", "rootsecret").get("/").code(), "SignatureDoesNotMatch");
}

}  // namespace dunlin::s3::test
