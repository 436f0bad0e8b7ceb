#include "tests/unit/management/management_fixture.hpp"

namespace dunlin::iam::test {

TEST_F(Management, Q16AUserIsMadeSeenListedAndDeleted) {
  const auto made = ask("CreateUser", {{"UserName", "alice"}, {"Path", "/"}});
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.header("Content-Type"), "text/xml");
  EXPECT_NE(made.body.find(
                "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
                "<CreateUserResult><User><Path>/</Path><UserName>alice</UserName><UserId>AIDA"),
            std::string::npos)
      << made.body;
  EXPECT_EQ(element(made.body, "Arn"), "arn:aws:iam::dunlin:user/alice");
  EXPECT_EQ(element(made.body, "CreateDate"), "2015-08-30T12:36:00.000Z");
  EXPECT_EQ(element(made.body, "RequestId"), "0123456789ABCDEF");
  const auto got = ask("GetUser", {{"UserName", "alice"}});
  EXPECT_EQ(element(got.body, "UserId"), element(made.body, "UserId"));
  EXPECT_EQ(elements(ask("ListUsers").body, "UserName"),
            (std::vector<std::string>{"alice", "root"}));
  EXPECT_EQ(ask("DeleteUser", {{"UserName", "alice"}}).status, 200);
  EXPECT_EQ(ask("GetUser", {{"UserName", "alice"}}).code(), "NoSuchEntity");
}

TEST_F(Management, ListsCanBeReadPageByPage) {
  for (const auto* name : {"a", "b", "c"})
    EXPECT_EQ(ask("CreateUser", {{"UserName", name}}).status, 200);
  const auto first = ask("ListUsers", {{"MaxItems", "3"}});
  EXPECT_EQ(elements(first.body, "UserName"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(element(first.body, "IsTruncated"), "true");
  const auto rest = ask("ListUsers", {{"Marker", element(first.body, "Marker")}});
  EXPECT_EQ(elements(rest.body, "UserName"), std::vector<std::string>{"root"});
  EXPECT_EQ(element(rest.body, "IsTruncated"), "false");
  EXPECT_EQ(elements(ask("ListUsers", {{"PathPrefix", "/x/"}}).body, "UserName").size(), 0u);
  EXPECT_EQ(ask("ListUsers", {{"MaxItems", "0"}}).code(), "ValidationError");
  EXPECT_EQ(ask("ListUsers", {{"Marker", "x"}}).code(), "ValidationError");
}

TEST_F(Management, AUserThatHasSomethingIsNotDeleted) {
  auto alice = add("alice");
  EXPECT_EQ(ask("DeleteUser", {{"UserName", "alice"}}).code(), "DeleteConflict");
  EXPECT_EQ(ask("DeleteAccessKey", {{"UserName", "alice"}, {"AccessKeyId", last_key}}).status, 200);
  EXPECT_EQ(ask("PutUserPolicy",
                {{"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", allow_all}})
                .status,
            200);
  const auto refused = ask("DeleteUser", {{"UserName", "alice"}});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "DeleteConflict");
  EXPECT_EQ(ask("DeleteUserPolicy", {{"UserName", "alice"}, {"PolicyName", "p"}}).status, 200);
  EXPECT_EQ(ask("DeleteUser", {{"UserName", "alice"}}).status, 200);
}

TEST_F(Management, AUserReadsItselfAndManagesNothing) {
  auto alice = add("alice");
  add("bob");
  for (const auto* action : {"GetUser", "ListAccessKeys"}) {
    EXPECT_EQ(element(as(alice, action).body, "UserName"), "alice") << action;
    EXPECT_EQ(as(alice, action, {{"UserName", "bob"}}).code(), "AccessDenied") << action;
  }
  for (const auto* action : {"ListUserPolicies", "ListAttachedUserPolicies"})
    EXPECT_EQ(as(alice, action, {{"UserName", "alice"}}).status, 200) << action;
  const parameters self{{"UserName", "alice"}};
  const parameters named{{"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", allow_all}};
  EXPECT_EQ(as(alice, "GetUserPolicy", {named[0], named[1]}).code(), "NoSuchEntity");
  EXPECT_EQ(as(alice, "PutUserPolicy", named).code(), "AccessDenied");
  EXPECT_EQ(as(alice, "DeleteUserPolicy", {named[0], named[1]}).code(), "AccessDenied");
  for (const auto* action : {"CreateAccessKey", "DeleteUser", "CreateUser"})
    EXPECT_EQ(as(alice, action, self).code(), "AccessDenied") << action;
  EXPECT_EQ(as(alice, "CreateAccessKey").code(), "AccessDenied");
  EXPECT_EQ(as(alice, "ListUsers").code(), "AccessDenied");
  EXPECT_EQ(as(alice, "ListPolicies").code(), "AccessDenied");
  const auto refused = as(alice, "DeleteUser", {{"UserName", "bob"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("iam:DeleteUser on resource: &quot;arn:aws:iam::dunlin:user/bob"),
            std::string::npos)
      << refused.body;
}

TEST_F(Management, PoliciesSayWhoManagesWhat) {
  auto alice = add("alice");
  add("bob");
  world.put_policy("alice", "p", allow("iam:*AccessKey*", "arn:aws:iam::dunlin:user/b*"));
  EXPECT_EQ(as(alice, "CreateAccessKey", {{"UserName", "bob"}}).status, 200);
  EXPECT_EQ(as(alice, "ListAccessKeys", {{"UserName", "bob"}}).status, 200);
  EXPECT_EQ(as(alice, "CreateAccessKey", {{"UserName", "alice"}}).code(), "AccessDenied");
  EXPECT_EQ(as(alice, "DeleteUser", {{"UserName", "bob"}}).code(), "AccessDenied");
  world.put_policy("alice", "p", allow("iam:ListUsers", "arn:aws:iam::dunlin:user/*"));
  EXPECT_EQ(as(alice, "ListUsers").status, 200);
}

TEST_F(Management, OnlyTheRootUserChangesTheRootUser) {
  auto alice = add("alice");
  world.put_policy("alice", "p", allow_all);
  EXPECT_EQ(as(alice, "CreateAccessKey", {{"UserName", "root"}}).code(), "AccessDenied");
  EXPECT_EQ(as(alice, "UpdateAccessKey",
               {{"UserName", "root"}, {"AccessKeyId", "ROOTKEY"}, {"Status", "Inactive"}})
                .code(),
            "AccessDenied");
  EXPECT_EQ(as(alice, "GetUser", {{"UserName", "root"}}).status, 200);
  EXPECT_EQ(ask("DeleteUser", {{"UserName", "root"}}).code(), "DeleteConflict");
  EXPECT_EQ(ask("PutUserPolicy",
                {{"UserName", "root"}, {"PolicyName", "p"}, {"PolicyDocument", allow_all}})
                .code(),
            "UnmodifiableEntity");
  EXPECT_EQ(ask("UpdateAccessKey", {{"AccessKeyId", "ROOTKEY"}, {"Status", "Inactive"}}).code(),
            "DeleteConflict")
      << "the last way in";
}

}  // namespace dunlin::iam::test
