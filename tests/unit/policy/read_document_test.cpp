#include "runtime/policy/read_document.hpp"

#include <gtest/gtest.h>

using namespace dunlin::policy;

namespace {

/// A document with one statement of these members.
std::string with(const std::string& members) {
  return R"({"Version":"2012-10-17","Statement":[{)" + members + "}]}";
}

constexpr auto plain = R"("Effect":"Allow","Action":"s3:*","Resource":"*")";

struct refused {
  std::string text, says;
};

void expect_mistake(const reading& got, const refused& expected) {
  EXPECT_FALSE(got.read) << expected.text;
  EXPECT_NE(got.mistake.find(expected.says), std::string::npos)
      << expected.text << "\n says: " << got.mistake << "\n not: " << expected.says;
}

}  // namespace

TEST(PolicyDocument, WhatIsUnderstoodIsRead) {
  for (const auto& text : {
           with(plain),
           std::string(
               R"({"Statement":{"Effect":"Deny","NotAction":["s3:Get*"],"NotResource":["*"]}})"),
           with(R"("Sid":"One","Effect":"Allow","Action":["s3:GetObject","iam:GetUser","ec2:Run*"],
                   "Resource":["arn:aws:s3:::b","arn:aws:s3:*:*:b/*","arn:aws:iam::dunlin:user/a"])"),
           std::string(R"( {"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"","Effect":"Allow",
                "Action":"*","Resource":"*"},{"Sid":"","Effect":"Deny","Action":"*","Resource":"*"}]} )"),
       }) {
    const auto got = read_user_document(text);
    EXPECT_TRUE(got.read) << got.mistake;
  }
  EXPECT_EQ(read_user_document(with(plain)).read->statements.size(), 1u);
}

TEST(PolicyDocument, WhatIsNotUnderstoodIsRefusedWithWhatToWrite) {
  const std::string most = R"("Effect":"Allow","Action":"s3:*",)";
  for (const auto& each : std::initializer_list<refused>{
           {"", "not JSON"},
           {"{", "not JSON"},
           {"[]", "must be an object"},
           {"{} x", "not JSON"},
           {"{/**/}", "not JSON"},
           {R"({"Statement":[{}],"Statement":[{}]})", "stands twice"},
           {with(R"("Effect":"Deny",)" + std::string(plain)), "stands twice"},
           {std::string(9, '[') + std::string(9, ']'), "nested deeper"},
           {"{\"Statement\":\"\xff\"}", "not JSON"},
           {R"({"Version":"2012-10-17"})", "no Statement"},
           {R"({"Version":"2012-10-18","Statement":[]})", "2012-10-17"},
           {R"({"Version":20121017,"Statement":[]})", "string"},
           {R"({"Statement":[]})", "must not be empty"},
           {R"({"Statement":["x"]})", "Statement 1 must be an object"},
           {R"({"Statement":"x"})", "Statement 1 must be an object"},
           {R"({"Statment":[]})", "\"Statment\""},
           {with(std::string(plain) + R"(,"Condition":{})"), "Condition"},
           {with(std::string(plain) + R"(,"Principal":"*")"), "Principal"},
           {with(std::string(plain) + R"(,"effect":"Allow")"), "\"effect\""},
           {with(R"("Action":"s3:*","Resource":"*")"), "Effect"},
           {with(R"("Effect":"allow","Action":"s3:*","Resource":"*")"), "\"Allow\" or \"Deny\""},
           {with(R"("Effect":true,"Action":"s3:*","Resource":"*")"), "string"},
           {with(R"("Effect":"Allow","Resource":"*")"), "either Action or NotAction"},
           {with(std::string(plain) + R"(,"NotAction":"s3:*")"), "either Action or NotAction"},
           {with(std::string(plain) + R"(,"NotResource":"*")"), "either Resource or NotResource"},
           {with(R"("Effect":"Allow","Action":[],"Resource":"*")"), "must not be empty"},
           {with(R"("Effect":"Allow","Action":[1],"Resource":"*")"), "string"},
           {with(R"("Effect":"Allow","Action":{"a":1},"Resource":"*")"), "string"},
           {with(R"("Effect":"Allow","Action":"GetObject","Resource":"*")"), "s3:GetObject"},
           {with(R"("Effect":"Allow","Action":"*:*","Resource":"*")"), "s3:GetObject"},
           {with(R"("Effect":"Allow","Action":"s3:","Resource":"*")"), "s3:GetObject"},
           {with(R"("Effect":"Allow","Action":"s3:Get Object","Resource":"*")"), "s3:GetObject"},
           {with(most + R"("Resource":"b/*")"), "ARN"},
           {with(most + R"("Resource":"arn:aws:s3:::")"), "ARN"},
           {with(most + R"("Resource":"arn:aws-cn:s3:::b")"), "partition"},
           {with(most + R"("Resource":"arn:aws:s3:us-east-1::b")"), "neither region nor account"},
           {with(most + R"("Resource":"arn:aws:iam::123456789012:user/a")"), "\"dunlin\""},
           {with(most + R"("Resource":"arn:aws:s3:::b/${aws:username}/*")"), "policy variable"},
           {with(most + R"("Resource":"arn:aws:s3:::)" + std::string(17, '?') + "\""), "use '*'"},
           {with(R"("Sid":"a b",)" + std::string(plain)), "letters and digits"},
           {R"({"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
                             {"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]})",
            "needs its own"},
           {with(R"("Sid":")" + std::string(6144, 'a') + "\"," + plain), "6144 bytes"},
       })
    expect_mistake(read_user_document(each.text), each);
}

TEST(PolicyDocument, ABucketsPolicyNamesWhomAndIsAboutTheBucket) {
  const auto about = [](const std::string& principal, const std::string& action,
                        const std::string& resource) {
    return with(R"("Effect":"Allow","Principal":)" + principal + R"(,"Action":")" + action +
                R"(","Resource":")" + resource + "\"");
  };
  for (const auto* resource : {"*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::*"})
    EXPECT_TRUE(read_bucket_document(about(R"("*")", "s3:GetObject", resource), "b").read);
  EXPECT_TRUE(read_bucket_document(about(R"("*")", "*", "arn:aws:s3:::b/*"), "b").read);
  const std::string b = "arn:aws:s3:::b";
  for (const auto& each : std::initializer_list<refused>{
           {with(plain), "Principal is missing"},
           {about(R"("alice")", "s3:*", b), "\"*\" or"},
           {about(R"({})", "s3:*", b), "\"AWS\" only"},
           {about(R"({"Service":"x"})", "s3:*", b), "\"AWS\" only"},
           {about(R"({"AWS":"*","Service":"x"})", "s3:*", b), "\"AWS\" only"},
           {about(R"({"AWS":[]})", "s3:*", b), "must not be empty"},
           {about(R"({"AWS":""})", "s3:*", b), "no user"},
           {about(R"({"AWS":"al*"})", "s3:*", b), "no user"},
           {about(R"({"AWS":"arn:aws:iam::dunlin:root"})", "s3:*", b), "no user"},
           {about(R"({"AWS":"arn:aws:iam::dunlin:role/x"})", "s3:*", b), "no user"},
           {about(R"("*")", "iam:*", b), "none of S3"},
           {about(R"("*")", "s3:*", "arn:aws:s3:::other"), "neither this bucket nor in it"},
           {about(R"("*")", "s3:*", "arn:aws:s3:::bb/*"), "neither this bucket nor in it"},
           {about(R"("*")", "s3:*", "arn:aws:iam::dunlin:user/a"), "none of S3"},
           {with(R"("Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"*")"),
            "NotPrincipal"},
       })
    expect_mistake(read_bucket_document(each.text, "b"), each);
}
