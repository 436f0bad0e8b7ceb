// What the gateway makes of near caches in mode bounded: what it serves from them, what it has
// confirmed, and what it does when they turn out to be wrong (O4, decision 16,
// docs/decisions/0011).
#include "actors/s3_gateway/listing.hpp"
#include "messages/cache_types.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

class Cached : public testing::Test {
protected:
  Cached() {
    world.set_mode(cache_mode::bounded);
    EXPECT_EQ(root.put("/bucket").status, 200);
    EXPECT_EQ(root.get("/bucket").status, 200);
    auto& map = world.caches.find(cached::cluster_map)->second;
    EXPECT_TRUE(map.look_up(std::string(cached::cluster_map_key), false));
    world.questions = 0;
  }

  // ---- what other nodes do: this one's caches hear nothing of it ----

  v1::CommandReply at_root(const std::function<void(v1::Command&)>& fill) {
    v1::Command command;
    fill(command);
    return world.execute(to_root(), command);
  }
  void make(const std::string& owner = "root") {
    const auto made = at_root([&](v1::Command& command) {
      auto& create = *command.mutable_create_bucket();
      create.set_name("bucket");
      auto serial = std::to_string(++last_bucket);
      create.set_id(std::string(16 - serial.size(), 'b') + serial);
      create.set_owner(owner);
      create.set_region("us-east-1");
    });
    ASSERT_EQ(made.status(), v1::CommandReply::OK);
    id = made.bucket().id();
  }
  void unmake() {
    const auto begun = at_root(
        [](v1::Command& command) { command.mutable_begin_delete_bucket()->set_name("bucket"); });
    id = begun.bucket().id();
    seal();
    at_root([&](v1::Command& command) {
      auto& end = *command.mutable_end_delete_bucket();
      end.set_name("bucket");
      end.set_id(id);
      end.set_removed(true);
    });
  }
  void seal() {
    v1::Command command;
    command.mutable_seal_bucket()->set_bucket_id(id);
    ASSERT_EQ(world.execute(to_bucket(id), command).status(), v1::CommandReply::OK);
  }
  void remake(const std::string& owner = "root") {
    unmake();
    make(owner);
  }
  /// An object in the bucket as it is now.
  void put_elsewhere(const std::string& key) {
    v1::Command command;
    auto& put = *command.mutable_put_object();
    put.set_bucket_id(id);
    put.set_key(key);
    put.mutable_record()->set_etag("e");
    ASSERT_EQ(world.execute(to_bucket(id), command).status(), v1::CommandReply::OK);
  }
  bool is_there(const std::string& key) {
    v1::PartitionQuery query;
    query.mutable_get_object()->set_bucket_id(id);
    query.mutable_get_object()->set_key(key);
    return world.ask(to_bucket(id), query).status() == v1::CommandReply::OK;
  }
  void change_key(const std::string& secret, bool revoked) {
    v1::AccessKeyRecord key;
    key.set_access_key("ROOTKEY");
    key.set_secret(secret);
    key.set_user("root");
    key.set_revoked(revoked);
    world.root_store.put(table::access_keys, "ROOTKEY", key.SerializeAsString());
  }
  /// As another node leaves it: with an ETag, and with bytes if they are given.
  void write_elsewhere(const std::string& key, const std::string& etag,
                       const std::string& bytes = {}) {
    v1::PartitionQuery query;
    query.mutable_get_bucket()->set_name("bucket");
    v1::Command command;
    auto& put = *command.mutable_put_object();
    put.set_bucket_id(world.ask(to_root(), query).buckets(0).id());
    put.set_key(key);
    auto& record = *put.mutable_record();
    record.set_etag(etag);
    record.set_size(bytes.size());
    if (!bytes.empty()) {
      auto& run = *record.mutable_layout()->add_runs();
      run.set_replica_set(1);
      auto page = std::to_string(++last_page);
      run.set_first_page(std::string(8 - page.size(), 'p') + page + std::string(8, '\0'));
      run.set_page_bytes(1u << 20);
      run.set_length(bytes.size());
      world.pages[run.first_page()] = bytes;
    }
    const auto reply = world.execute(to_bucket(put.bucket_id()), command);
    ASSERT_EQ(reply.status(), v1::CommandReply::OK);
  }
  void remove_elsewhere(const std::string& key) {
    v1::PartitionQuery query;
    query.mutable_get_bucket()->set_name("bucket");
    v1::Command command;
    auto& body = *command.mutable_delete_objects();
    body.set_bucket_id(world.ask(to_root(), query).buckets(0).id());
    body.add_keys(key);
    ASSERT_EQ(world.execute(to_bucket(body.bucket_id()), command).status(), v1::CommandReply::OK);
  }
  fake_cache& objects() { return world.caches.find(cached::object)->second; }
  fake_cache& buckets() { return world.caches.find(cached::bucket)->second; }

  cluster world;
  client root{world};
  std::string id;
  int last_bucket = 0;
  int last_page = 0;
};

}  // namespace

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

// ---- objects ----

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

TEST_F(Cached, WithoutAMapNothingOfAWriteIsKeptAndItIsReadAllTheSame) {
  world.caches.erase(std::string(cached::cluster_map));
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  EXPECT_EQ(objects().core.figures().items, 0u);
  EXPECT_EQ(root.get("/bucket/k").body, "x");
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchKey");
}

// ---- users ----

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
