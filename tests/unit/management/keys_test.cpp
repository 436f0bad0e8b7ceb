#include "messages/cache_types.hpp"
#include "tests/unit/management/management_fixture.hpp"

namespace dunlin::iam::test {

TEST_F(Management, AnAccessKeyIsMadeShownOnceListedAndDeleted) {
  EXPECT_EQ(ask("CreateUser", {{"UserName", "alice"}}).status, 200);
  const auto made = ask("CreateAccessKey", {{"UserName", "alice"}});
  const auto key = element(made.body, "AccessKeyId");
  EXPECT_EQ(key.size(), 20u);
  EXPECT_EQ(key.substr(0, 4), "AKIA");
  EXPECT_EQ(element(made.body, "SecretAccessKey").size(), 40u);
  EXPECT_EQ(element(made.body, "Status"), "Active");
  const auto listed = ask("ListAccessKeys", {{"UserName", "alice"}});
  EXPECT_EQ(elements(listed.body, "AccessKeyId"), std::vector<std::string>{key});
  EXPECT_EQ(listed.body.find("Secret"), std::string::npos);
  const parameters named{{"UserName", "alice"}, {"AccessKeyId", key}};
  EXPECT_EQ(ask("DeleteAccessKey", named).status, 200);
  EXPECT_EQ(ask("DeleteAccessKey", named).code(), "NoSuchEntity");
  EXPECT_EQ(elements(ask("ListAccessKeys", {{"UserName", "alice"}}).body, "member").size(), 0u);
}

TEST_F(Management, Q16AKeyWorksAndStopsWorkingAtThisNodeAtOnce) {
  world.set_mode(cache_mode::bounded);
  auto alice = add("alice");
  EXPECT_EQ(alice.get("/").code(), "AccessDenied") << "it is known, and may nothing";
  const parameters named{{"UserName", "alice"}, {"AccessKeyId", last_key}};
  auto off = named, on = named;
  off.emplace_back("Status", "Inactive");
  on.emplace_back("Status", "Active");
  EXPECT_EQ(ask("UpdateAccessKey", off).status, 200);
  EXPECT_EQ(alice.get("/").code(), "InvalidAccessKeyId");
  EXPECT_EQ(as(alice, "GetUser").code(), "InvalidClientTokenId");
  EXPECT_EQ(ask("UpdateAccessKey", on).status, 200);
  EXPECT_EQ(as(alice, "GetUser").status, 200);
  EXPECT_EQ(ask("DeleteAccessKey", named).status, 200);
  EXPECT_EQ(as(alice, "GetUser").code(), "InvalidClientTokenId");
}

TEST_F(Management, Q16WhatIsGrantedAndTakenHereIsRightHereAtOnce) {
  world.set_mode(cache_mode::bounded);
  auto alice = add("alice");
  EXPECT_EQ(root.put("/bucket").status, 200);
  EXPECT_EQ(alice.head("/bucket").status, 403);
  const parameters inline_policy{
      {"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", allow("s3:ListBucket")}};
  EXPECT_EQ(ask("PutUserPolicy", inline_policy).status, 200);
  EXPECT_EQ(alice.head("/bucket").status, 200);
  auto other = inline_policy;
  other[2].second = allow("s3:GetObject");
  EXPECT_EQ(ask("PutUserPolicy", other).status, 200);
  EXPECT_EQ(alice.head("/bucket").status, 403);
  EXPECT_EQ(ask("DeleteUserPolicy", {other[0], other[1]}).status, 200);
  EXPECT_EQ(
      ask("CreatePolicy", {{"PolicyName", "lists"}, {"PolicyDocument", allow("s3:ListBucket")}})
          .status,
      200);
  const parameters attached{{"UserName", "alice"}, {"PolicyArn", arn("lists")}};
  EXPECT_EQ(ask("AttachUserPolicy", attached).status, 200);
  EXPECT_EQ(alice.head("/bucket").status, 200);
  EXPECT_EQ(ask("CreatePolicyVersion", {{"PolicyArn", arn("lists")},
                                        {"PolicyDocument", allow("s3:GetObject")},
                                        {"SetAsDefault", "true"}})
                .status,
            200);
  EXPECT_EQ(alice.head("/bucket").status, 403);
  EXPECT_EQ(ask("CreatePolicyVersion", {{"PolicyArn", arn("lists")},
                                        {"PolicyDocument", allow("s3:ListBucket")},
                                        {"SetAsDefault", "true"}})
                .status,
            200);
  EXPECT_EQ(alice.head("/bucket").status, 200);
  EXPECT_EQ(ask("DetachUserPolicy", attached).status, 200);
  EXPECT_EQ(alice.head("/bucket").status, 403);
}

TEST_F(Management, AUserHasSoManyKeysAndNoMore) {
  EXPECT_EQ(ask("CreateUser", {{"UserName", "alice"}}).status, 200);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(ask("CreateAccessKey", {{"UserName", "alice"}}).status, 200);
  const auto got = ask("CreateAccessKey", {{"UserName", "alice"}});
  EXPECT_EQ(got.status, 409);
  EXPECT_EQ(got.code(), "LimitExceeded");
  const auto page = ask("ListAccessKeys", {{"UserName", "alice"}, {"MaxItems", "5"}});
  EXPECT_EQ(elements(page.body, "AccessKeyId").size(), 5u);
  const auto rest =
      ask("ListAccessKeys", {{"UserName", "alice"}, {"Marker", element(page.body, "Marker")}});
  EXPECT_EQ(elements(rest.body, "AccessKeyId").size(), 3u);
}

TEST_F(Management, AnUnknownOutcomeIsSaidToBeOne) {
  EXPECT_EQ(ask("CreateUser", {{"UserName", "alice"}}).status, 200);
  world.execute_fails = ec::timed_out;
  auto got = ask("CreateAccessKey", {{"UserName", "alice"}});
  EXPECT_EQ(got.status, 500);
  EXPECT_EQ(got.code(), "ServiceFailure");
  EXPECT_NE(got.body.find("not known whether"), std::string::npos) << got.body;
  EXPECT_NE(got.body.find("access key AKIA"), std::string::npos) << got.body;
  EXPECT_EQ(got.body.find("Secret"), std::string::npos);
  world.execute_fails = ec::unavailable;
  got = ask("CreateAccessKey", {{"UserName", "alice"}});
  EXPECT_EQ(got.status, 503) << "surely not made";
  EXPECT_EQ(got.code(), "ServiceUnavailable");
  EXPECT_EQ(got.header("Retry-After"), "1");
}

TEST_F(Management, AKeyOfAnotherUserIsNotFound) {
  add("alice");
  const auto hers = last_key;
  add("bob");
  EXPECT_EQ(ask("DeleteAccessKey", {{"UserName", "bob"}, {"AccessKeyId", hers}}).code(),
            "NoSuchEntity");
}

}  // namespace dunlin::iam::test
