#include "tests/unit/management/management_fixture.hpp"

namespace dunlin::iam::test {

TEST_F(Management, AManagedPolicyIsMadeReadChangedAndDeleted) {
  const auto made =
      ask("CreatePolicy",
          {{"PolicyName", "p"}, {"PolicyDocument", allow_all}, {"Description", "all <of> it"}});
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(element(made.body, "Arn"), arn("p"));
  EXPECT_EQ(element(made.body, "DefaultVersionId"), "v1");
  EXPECT_EQ(element(made.body, "AttachmentCount"), "0");
  EXPECT_EQ(element(made.body, "Description"), "all &lt;of&gt; it");
  EXPECT_EQ(ask("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", allow_all}}).code(),
            "EntityAlreadyExists");
  const parameters named{{"PolicyArn", arn("p")}};
  EXPECT_EQ(element(ask("GetPolicy", named).body, "PolicyId"), element(made.body, "PolicyId"));
  const auto version = ask("GetPolicyVersion", {named[0], {"VersionId", "v1"}});
  EXPECT_EQ(element(version.body, "Document"), s3::percent_encode(allow_all, false));
  const auto changed = ask("CreatePolicyVersion",
                           {named[0], {"PolicyDocument", allow("s3:*")}, {"SetAsDefault", "true"}});
  EXPECT_EQ(element(changed.body, "VersionId"), "v2");
  EXPECT_EQ(element(changed.body, "IsDefaultVersion"), "true");
  EXPECT_EQ(elements(ask("ListPolicyVersions", named).body, "VersionId"),
            std::vector<std::string>{"v2"});
  EXPECT_EQ(ask("GetPolicyVersion", {named[0], {"VersionId", "v1"}}).code(), "NoSuchEntity");
  EXPECT_EQ(element(ask("GetPolicy", named).body, "Description"), "all &lt;of&gt; it");
  EXPECT_EQ(ask("DeletePolicy", named).status, 200);
  EXPECT_EQ(ask("GetPolicy", named).status, 404);
}

TEST_F(Management, AVersionBesideTheNewestIsNotKept) {
  EXPECT_EQ(ask("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", allow_all}}).status, 200);
  const auto got =
      ask("CreatePolicyVersion", {{"PolicyArn", arn("p")}, {"PolicyDocument", allow_all}});
  EXPECT_EQ(got.code(), "InvalidInput");
  EXPECT_NE(got.body.find("--set-as-default"), std::string::npos);
  EXPECT_EQ(ask("CreatePolicyVersion",
                {{"PolicyArn", arn("q")}, {"PolicyDocument", allow_all}, {"SetAsDefault", "true"}})
                .code(),
            "NoSuchEntity");
}

TEST_F(Management, PoliciesAreListedByWhetherSomebodyHasThem) {
  add("alice");
  for (const auto* name : {"p", "q"})
    EXPECT_EQ(ask("CreatePolicy", {{"PolicyName", name}, {"PolicyDocument", allow_all}}).status,
              200);
  world.put_policy("alice", "own", allow_all);
  EXPECT_EQ(ask("AttachUserPolicy", {{"UserName", "alice"}, {"PolicyArn", arn("q")}}).status, 200);
  EXPECT_EQ(elements(ask("ListPolicies", {{"Scope", "Local"}}).body, "PolicyName"),
            (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(elements(ask("ListPolicies", {{"OnlyAttached", "true"}}).body, "PolicyName"),
            std::vector<std::string>{"q"});
  EXPECT_EQ(elements(ask("ListPolicies", {{"Scope", "AWS"}}).body, "PolicyName").size(), 0u);
  EXPECT_EQ(ask("DeletePolicy", {{"PolicyArn", arn("q")}}).code(), "DeleteConflict");
  const auto attached = ask("ListAttachedUserPolicies", {{"UserName", "alice"}});
  EXPECT_EQ(element(attached.body, "PolicyArn"), arn("q"));
  EXPECT_EQ(elements(ask("ListUserPolicies", {{"UserName", "alice"}}).body, "member"),
            std::vector<std::string>{"own"});
}

TEST_F(Management, AnInlinePolicyIsOfItsUser) {
  add("alice");
  const parameters named{{"UserName", "alice"}, {"PolicyName", "p"}};
  auto put = named;
  put.emplace_back("PolicyDocument", allow("s3:*"));
  EXPECT_EQ(ask("PutUserPolicy", put).status, 200);
  const auto got = ask("GetUserPolicy", named);
  EXPECT_EQ(element(got.body, "UserName"), "alice");
  EXPECT_EQ(element(got.body, "PolicyDocument"), s3::percent_encode(allow("s3:*"), false));
  EXPECT_EQ(ask("GetUserPolicy", {{"UserName", "root"}, {"PolicyName", "p"}}).code(),
            "NoSuchEntity");
  EXPECT_EQ(ask("DeleteUserPolicy", named).status, 200);
  EXPECT_EQ(ask("DeleteUserPolicy", named).code(), "NoSuchEntity");
}

TEST_F(Management, ADocumentThatIsNotUnderstoodIsRefusedWithWhatToWrite) {
  add("alice");
  const std::string condition =
      R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}})";
  for (const auto& got :
       {ask("CreatePolicy", {{"PolicyName", "p"}, {"PolicyDocument", condition}}),
        ask("PutUserPolicy",
            {{"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", condition}})}) {
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.code(), "MalformedPolicyDocument");
    EXPECT_NE(got.body.find("conditions are not built"), std::string::npos) << got.body;
  }
}

}  // namespace dunlin::iam::test
