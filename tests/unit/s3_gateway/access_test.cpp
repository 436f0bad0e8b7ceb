// Who may do what at the gateway, from near caches and confirmed (docs/decisions/0012, Q4, Q16).
#include "messages/cache_types.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

std::string statement(const std::string& effect, const std::string& action,
                      const std::string& resource) {
  return R"({"Effect":")" + effect + R"(","Action":")" + action + R"(","Resource":")" + resource +
         "\"}";
}
std::string document(const std::string& statements) {
  return R"({"Statement":[)" + statements + "]}";
}
std::string allow(const std::string& action, const std::string& resource = "*") {
  return document(statement("Allow", action, resource));
}
std::string about(const std::string& effect, const std::string& who, const std::string& action) {
  return R"({"Statement":{"Effect":")" + effect + R"(","Principal":{"AWS":")" + who +
         R"("},"Action":")" + action +
         R"(","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}})";
}

class Access : public testing::Test {
protected:
  Access() {
    world.set_mode(cache_mode::bounded);
    EXPECT_EQ(root.put("/bucket").status, 200);
    EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
    world.add_user("alice", "AKEY", "asecret");
    world.add_user("bob", "BKEY", "bsecret");
  }
  /// At another node: this one's caches hear nothing of it.
  void remake() {
    EXPECT_EQ(root.remove("/bucket/k").status, 204);
    const auto begun = world.at_root(
        [](v1::Command& command) { command.mutable_begin_delete_bucket()->set_name("bucket"); });
    v1::Command seal;
    seal.mutable_seal_bucket()->set_bucket_id(begun.bucket().id());
    EXPECT_EQ(world.execute(to_bucket(begun.bucket().id()), seal).status(), v1::CommandReply::OK);
    world.at_root([&](v1::Command& command) {
      auto& end = *command.mutable_end_delete_bucket();
      end.set_name("bucket");
      end.set_id(begun.bucket().id());
      end.set_removed(true);
    });
    world.at_root([&](v1::Command& command) {
      auto& create = *command.mutable_create_bucket();
      create.set_name("bucket");
      create.set_id(std::string(16, static_cast<char>('a' + ++remade)));
      create.set_owner("root");
    });
  }
  void later() { world.now_ms += 5001; }  // than the caches may be stale

  int remade = 0;
  cluster world;
  client root{world};
  client alice{world, "AKEY", "asecret"};
};

struct wanted {
  call request;
  std::string action, resource;
};

const std::string part = "/bucket/k?uploadId=00000000000000000000000000000000";
const std::string in_bucket = "arn:aws:s3:::bucket/k";
const std::string the_bucket = "arn:aws:s3:::bucket";

const std::vector<wanted> each_operation = {
    {{"GET", "/"}, "s3:ListAllMyBuckets", "*"},
    {{"PUT", "/new"}, "s3:CreateBucket", "arn:aws:s3:::new"},
    {{"HEAD", "/bucket"}, "s3:ListBucket", the_bucket},
    {{"GET", "/bucket?list-type=2"}, "s3:ListBucket", the_bucket},
    {{"GET", "/bucket?location"}, "s3:GetBucketLocation", the_bucket},
    {{"GET", "/bucket?uploads"}, "s3:ListBucketMultipartUploads", the_bucket},
    {{"PUT", "/bucket?policy", about("Allow", "bob", "s3:*")}, "s3:PutBucketPolicy", the_bucket},
    {{"GET", "/bucket?policy"}, "s3:GetBucketPolicy", the_bucket},
    {{"DELETE", "/bucket?policy"}, "s3:DeleteBucketPolicy", the_bucket},
    {{"GET", "/bucket/k"}, "s3:GetObject", in_bucket},
    {{"HEAD", "/bucket/k"}, "s3:GetObject", in_bucket},
    {{"PUT", "/bucket/k", "y"}, "s3:PutObject", in_bucket},
    {{"POST", "/bucket/k?uploads"}, "s3:PutObject", in_bucket},
    {{"PUT", part + "&partNumber=1", "y"}, "s3:PutObject", in_bucket},
    {{"POST", part,
      "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
      "0123456789abcdef0123456789abcdef</ETag></Part></CompleteMultipartUpload>"},
     "s3:PutObject",
     in_bucket},
    {{"GET", part}, "s3:ListMultipartUploadParts", in_bucket},
    {{"DELETE", part}, "s3:AbortMultipartUpload", in_bucket},
    {{"DELETE", "/bucket/k"}, "s3:DeleteObject", in_bucket},
    {{"DELETE", "/bucket"}, "s3:DeleteBucket", the_bucket},
};

}  // namespace

TEST_F(Access, EachOperationNeedsItsActionOnItsResource) {
  world.set_mode(cache_mode::validated);
  for (const auto& [request, action, resource] : each_operation) {
    const auto what = request.method + " " + request.target;
    world.put_policy("alice", "p", allow("s3:Something"));
    const auto refused = alice.send(request);
    EXPECT_EQ(refused.status, 403) << what;
    if (request.method != "HEAD") {
      EXPECT_EQ(refused.code(), "AccessDenied") << what;
      EXPECT_NE(refused.body.find(action), std::string::npos) << refused.body;
    }
    world.put_policy("alice", "p", allow(action, "arn:aws:s3:::other"));
    const auto elsewhere = alice.send(request).status;
    EXPECT_EQ(elsewhere, 403) << what;
    world.put_policy("alice", "p", allow(action, resource));
    EXPECT_NE(alice.send(request).status, 403) << what << " with " << action;
  }
}

TEST_F(Access, Q24AWarmRequestWithPoliciesAsksNobody) {
  world.put_policy("alice", "mine", allow("s3:Get*"));
  world.put_policy("", "managed", allow("s3:ListBucket"));
  world.attach("alice", "managed");
  EXPECT_EQ(alice.get("/bucket/k").body, "x");
  world.questions = 0;
  EXPECT_EQ(alice.get("/bucket/k").body, "x");
  EXPECT_EQ(alice.head("/bucket").status, 200);
  EXPECT_EQ(world.questions, 0);
}

TEST_F(Access, WhatIsGrantedElsewhereIsGrantedAtOnce) {
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
  world.put_policy("alice", "p", allow("s3:GetObject"));
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  EXPECT_EQ(alice.put("/bucket/l", "y").code(), "AccessDenied");
  world.put_policy("", "managed", allow("s3:PutObject"));
  world.attach("alice", "managed");
  EXPECT_EQ(alice.put("/bucket/l", "y").status, 200);
  EXPECT_EQ(alice.remove("/bucket/l").code(), "AccessDenied");
  world.put_policy("", "managed", allow("s3:DeleteObject"));
  EXPECT_EQ(alice.remove("/bucket/l").status, 204);
  EXPECT_EQ(alice.head("/bucket").status, 403);
  world.set_bucket_policy("bucket", about("Allow", "alice", "s3:ListBucket"));
  EXPECT_EQ(alice.head("/bucket").status, 200);
}

TEST_F(Access, WhatIsTakenAwayIsServedNoLongerThanTheCachesMayBeStale) {
  world.put_policy("alice", "p", allow("s3:GetObject"));
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  world.put_policy("alice", "p", allow("s3:ListBucket"));
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  later();
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
}

TEST_F(Access, ADenialWinsAlsoOverTheOwnerAndTheRootUser) {
  world.put_policy("alice", "p", allow("s3:*"));
  EXPECT_EQ(alice.put("/hers").status, 200);
  EXPECT_EQ(alice.put("/hers/k", "x").status, 200);
  world.put_policy(
      "alice", "p",
      document(statement("Allow", "s3:*", "*") + "," + statement("Deny", "s3:PutObject", "*")));
  later();
  EXPECT_EQ(alice.put("/hers/k", "x").code(), "AccessDenied");
  EXPECT_EQ(alice.get("/hers/k").status, 200);
  world.set_bucket_policy("bucket", about("Deny", "*", "s3:GetObject"));
  EXPECT_EQ(root.get("/bucket/k").code(), "AccessDenied");
  EXPECT_EQ(root.put("/bucket/k", "y").status, 200);
}

TEST_F(Access, AnOwnerNeedsNoPolicyForItsBucket) {
  world.put_policy("alice", "p", allow("s3:CreateBucket"));
  EXPECT_EQ(alice.put("/hers").status, 200);
  EXPECT_EQ(alice.put("/hers/k", "x").status, 200);
  EXPECT_EQ(alice.get("/hers/k").body, "x");
  EXPECT_EQ(alice.get("/").code(), "AccessDenied");
}

TEST_F(Access, APolicyThatIsNamedButGoneGrantsNothing) {
  world.put_policy("", "managed", allow("s3:*"));
  world.attach("alice", "managed");
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  world.root_store.erase(table::policies, "managed");
  later();
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
}

TEST_F(Access, APolicyThatCannotBeReadDeniesEverything) {
  world.put_policy("alice", "p", allow("s3:*"));
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  world.put_policy("alice", "q", R"({"Statement":[{"Effect":"Deny","Condition":{}}]})");
  later();
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
}

TEST_F(Access, ARevokedKeyIsSaidToBeOneWhenItsUserIsConfirmed) {
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
  world.at_root([](v1::Command& command) {
    auto& set = *command.mutable_set_access_key();
    set.set_user("alice");
    set.set_access_key("AKEY");
    set.set_revoked(true);
  });
  EXPECT_EQ(alice.get("/bucket/k").code(), "InvalidAccessKeyId");
}

TEST_F(Access, WhoIsRefusedCanMakeTheLeadersConfirmOnlySoOften) {
  world.put_policy("alice", "p", allow("s3:PutObject"));
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
  world.questions = 0;
  int denied = 0, slow = 0;
  for (int i = 0; i < 100; ++i) {
    const auto got = alice.get("/bucket/k");
    denied += got.code() == "AccessDenied";
    slow += got.code() == "SlowDown";
  }
  EXPECT_EQ(denied + slow, 100);
  EXPECT_GT(slow, 60);  // user, bucket and policy each time
  EXPECT_LE(world.questions, 100);
  EXPECT_EQ(alice.put("/bucket/l", "y").status, 200) << "who is let in is not held up";
}

TEST_F(Access, NoLeaderNoRefusal) {
  EXPECT_EQ(alice.get("/bucket/k").code(), "AccessDenied");
  world.ask_fails = ec::unavailable;
  EXPECT_EQ(alice.get("/bucket/k").status, 503);
}

// ---- many keys ----

TEST_F(Access, DeleteObjectsDecidesOfEachKey) {
  world.put_policy("alice", "p",
                   document(statement("Allow", "s3:*", "*") + "," +
                            statement("Deny", "s3:DeleteObject", "arn:aws:s3:::bucket/kept/*")));
  for (const auto* key : {"a", "kept/b", "c"})
    EXPECT_EQ(root.put("/bucket/" + std::string(key), "x").status, 200);
  const std::string keys =
      "<Object><Key>a</Key></Object><Object><Key>kept/b</Key></Object><Object><Key>c</Key></"
      "Object>";
  auto got = alice.post("/bucket?delete", "<Delete>" + keys + "</Delete>");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(elements(got.body, "Deleted"),
            (std::vector<std::string>{"<Key>a</Key>", "<Key>c</Key>"}));
  EXPECT_EQ(element(element(got.body, "Error"), "Key"), "kept/b");
  EXPECT_EQ(element(element(got.body, "Error"), "Code"), "AccessDenied");
  EXPECT_EQ(root.head("/bucket/kept/b").status, 200);
  EXPECT_EQ(root.head("/bucket/a").status, 404);
  got = alice.post("/bucket?delete", "<Delete><Quiet>true</Quiet>" + keys + "</Delete>");
  EXPECT_EQ(elements(got.body, "Deleted").size(), 0u);
  EXPECT_EQ(elements(got.body, "Error").size(), 1u);
}

TEST_F(Access, DeleteObjectsConfirmsBeforeAnyKeyIsRefused) {
  world.put_policy("alice", "p", allow("s3:DeleteObject", in_bucket));
  const std::string both =
      "<Delete><Object><Key>k</Key></Object><Object><Key>l</Key></Object></Delete>";
  EXPECT_EQ(elements(alice.post("/bucket?delete", both).body, "Deleted").size(), 1u);
  world.put_policy("alice", "p", allow("s3:DeleteObject", "arn:aws:s3:::bucket/*"));
  EXPECT_EQ(elements(alice.post("/bucket?delete", both).body, "Deleted").size(), 2u);
}

// ---- another bucket of the same name (O4) ----

TEST_F(Access, O4WhatABucketsPolicyAllowedIsNotAllowedInItsSuccessor) {
  EXPECT_EQ(root.put("/bucket?policy", about("Allow", "alice", "s3:*")).status, 204);
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  remake();
  EXPECT_EQ(alice.put("/bucket/k").code(), "AccessDenied");
  later();
  EXPECT_EQ(root.put("/bucket?policy", about("Allow", "alice", "s3:*")).status, 204);
  EXPECT_EQ(alice.put("/bucket/k").status, 200);
  remake();
  const auto got = alice.post("/bucket?delete", "<Delete><Object><Key>k</Key></Object></Delete>");
  EXPECT_EQ(element(got.body, "Code"), "AccessDenied") << got.body;
}

// ---- the policy of a bucket ----

TEST_F(Access, ABucketsPolicyIsStoredReadAndRemoved) {
  auto missing = root.get("/bucket?policy");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.code(), "NoSuchBucketPolicy");
  const auto text = about("Allow", "arn:aws:iam::dunlin:user/alice", "s3:GetObject");
  EXPECT_EQ(root.put("/bucket?policy", text).status, 204);
  const auto got = root.get("/bucket?policy");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, text);
  EXPECT_EQ(got.header("Content-Type"), "application/json");
  EXPECT_EQ(alice.get("/bucket/k").status, 200);
  EXPECT_EQ(root.remove("/bucket?policy").status, 204);
  EXPECT_EQ(root.get("/bucket?policy").code(), "NoSuchBucketPolicy");
  EXPECT_EQ(root.remove("/bucket?policy").status, 204) << "as S3 has it";
  EXPECT_EQ(root.put("/nobucket?policy", text).code(), "NoSuchBucket");
  EXPECT_EQ(root.head("/bucket").status, 200) << "DELETE ?policy deletes no bucket";
}

TEST_F(Access, APolicyThatIsNotUnderstoodIsNotStored) {
  for (const auto& text : {std::string(), std::string("{}"), allow("s3:*"),
                           about("Allow", "alice", "iam:*"), about("Allow", "al*", "s3:*"),
                           about("Allow", "alice", "s3:*" + std::string(21'000, '*'))}) {
    const auto got = root.put("/bucket?policy", text);
    EXPECT_EQ(got.status, 400) << text;
    EXPECT_EQ(got.code(), "MalformedPolicy") << text;
  }
  const auto got = root.put(
      "/bucket?policy", about("Allow", "alice", "s3:GetObject").insert(14, R"("Condition":{},)"));
  EXPECT_NE(root.put("/bucket?policy", about("Deny", "alicia", "s3:*")).body.find("no user"),
            std::string::npos);
  EXPECT_NE(got.body.find("conditions are not built"), std::string::npos) << got.body;
  EXPECT_EQ(root.get("/bucket?policy").code(), "NoSuchBucketPolicy");
}

TEST_F(Access, WhoWritesAPolicyIsRightHereAtOnce) {
  EXPECT_EQ(root.get("/bucket/k").status, 200);
  EXPECT_EQ(root.put("/bucket?policy", about("Deny", "*", "s3:GetObject")).status, 204);
  world.questions = 0;
  EXPECT_EQ(root.put("/bucket/k", "y").status, 200);
  EXPECT_EQ(world.questions, 0) << "the answer of the command is what is cached now";
  EXPECT_EQ(root.get("/bucket/k").code(), "AccessDenied");
  EXPECT_EQ(root.remove("/bucket?policy").status, 204);
  EXPECT_EQ(root.get("/bucket/k").status, 200);
}

TEST_F(Access, TheRootUserCannotBeLockedOutOfAPolicy) {
  EXPECT_EQ(root.put("/bucket?policy", about("Deny", "*", "s3:*")).status, 204);
  EXPECT_EQ(root.head("/bucket").status, 403);
  EXPECT_EQ(root.get("/bucket?policy").status, 200);
  EXPECT_EQ(root.remove("/bucket?policy").status, 204);
  EXPECT_EQ(root.head("/bucket").status, 200);
}

TEST_F(Access, OthersLockThemselvesOutOnlyOnPurpose) {
  world.put_policy("alice", "p", allow("s3:CreateBucket"));
  EXPECT_EQ(alice.put("/hers").status, 200);
  const std::string lock =
      R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::hers"}})";
  const auto refused = alice.put("/hers?policy", lock);
  EXPECT_EQ(refused.code(), "MalformedPolicy");
  EXPECT_NE(refused.body.find("x-amz-confirm-remove-self-bucket-access"), std::string::npos);
  EXPECT_EQ(
      alice.put("/hers?policy", lock, {{"x-amz-confirm-remove-self-bucket-access", "true"}}).status,
      204);
  EXPECT_EQ(alice.remove("/hers?policy").code(), "AccessDenied");
  EXPECT_EQ(root.remove("/hers?policy").status, 204);
}

}  // namespace dunlin::s3::test
