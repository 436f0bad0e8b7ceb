// Who may do what (docs/decisions/0012, point 3).
#include "runtime/policy/document.hpp"
#include "runtime/policy/read_document.hpp"

#include <gtest/gtest.h>

using namespace dunlin::policy;

namespace {

document_ptr of_user(std::string_view text) {
  auto got = read_user_document(text);
  EXPECT_TRUE(got.read) << got.mistake;
  return std::make_shared<const document>(std::move(*got.read));
}

document_ptr of_bucket(std::string_view text) {
  auto got = read_bucket_document(text, "b");
  EXPECT_TRUE(got.read) << got.mistake;
  return std::make_shared<const document>(std::move(*got.read));
}

std::string allow(const std::string& action, const std::string& resource) {
  return R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":")" + action +
         R"(","Resource":")" + resource + "\"}}";
}
std::string deny(const std::string& action, const std::string& resource) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":")" + action +
         R"(","Resource":")" + resource + "\"}]}";
}
std::string for_whom(const std::string& effect, const std::string& principal) {
  return R"({"Statement":[{"Effect":")" + effect + R"(","Principal":)" + principal +
         R"(,"Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}]})";
}

struct single {
  std::string document, action, resource;
  bool may;
};

const question read_k("alice", "s3:GetObject", object_arn("b", "k"));

}  // namespace

TEST(PolicyDecision, OneDocumentOfAUser) {
  const auto k = object_arn("b", "k");
  for (
      const auto& [text, action, resource, expected] : std::initializer_list<single>{
          {allow("*", "*"), "s3:GetObject", k, true},
          {allow("s3:*", "*"), "s3:GetObject", k, true},
          {allow("s3:*", "*"), "iam:GetUser", user_arn("alice"), false},
          {allow("s3:GetObject", "arn:aws:s3:::b/*"), "s3:GetObject", k, true},
          {allow("S3:getobject", "arn:aws:s3:::b/*"), "s3:GetObject", k, true},
          {allow("s3:Get*", "arn:aws:s3:::b/*"), "s3:GetObject", k, true},
          {allow("s3:GetObject", "arn:aws:s3:::b/*"), "s3:PutObject", k, false},
          {allow("s3:GetObject", "arn:aws:s3:::b"), "s3:GetObject", k, false},
          {allow("s3:GetObject", "arn:aws:s3:::B/*"), "s3:GetObject", k, false},
          {allow("s3:GetObject", "arn:aws:s3:::b/k"), "s3:GetObject", object_arn("b", "kk"), false},
          {allow("s3:GetObject", "arn:aws:s3:::b*"), "s3:GetObject", k, true},
          {allow("s3:ListBucket", "arn:aws:s3:::?"), "s3:ListBucket", bucket_arn("b"), true},
          {allow("iam:*", "arn:aws:iam::dunlin:user/al*"), "iam:GetUser", user_arn("alice"), true},
          {allow("iam:*", "arn:aws:iam::dunlin:user/al*"), "iam:GetUser", user_arn("bob"), false},
          {R"({"Statement":{"Effect":"Allow","NotAction":"s3:Delete*","Resource":"*"}})",
           "s3:GetObject", k, true},
          {R"({"Statement":{"Effect":"Allow","NotAction":["s3:Delete*","s3:Put*"],"Resource":"*"}})",
           "s3:PutObject", k, false},
          {R"({"Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*"}})",
           "s3:GetObject", k, false},
          {R"({"Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*"}})",
           "s3:ListBucket", bucket_arn("b"), true},
          {R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
                             {"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}]})",
           "s3:GetObject", k, false},
          {R"({"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"},
                             {"Effect":"Allow","Action":"*","Resource":"*"}]})",
           "s3:PutObject", k, true},
      }) {
    const grounds on{false, false, {of_user(text)}};
    EXPECT_EQ(may(on, question("alice", action, resource)), expected) << text << " " << action;
  }
}

TEST(PolicyDecision, NobodyMayWithoutBeingAllowed) {
  EXPECT_FALSE(may({}, read_k));
  EXPECT_TRUE(may({true, false, {}}, read_k));
  EXPECT_TRUE(may({false, true, {}}, read_k));
}

TEST(PolicyDecision, ADenialAnywhereWinsAlsoOverRootAndOwner) {
  const auto no = of_user(deny("s3:GetObject", "*"));
  const auto yes = of_user(allow("*", "*"));
  EXPECT_FALSE(may({false, false, {yes, no}}, read_k));
  EXPECT_FALSE(may({false, false, {no, yes}}, read_k));
  EXPECT_FALSE(may({true, false, {no}}, read_k));
  EXPECT_FALSE(may({false, true, {no}}, read_k));
  EXPECT_TRUE(may({false, true, {no}}, question("alice", "s3:PutObject", object_arn("b", "k"))));
}

TEST(PolicyDecision, ABucketsPolicyIsAboutItsPrincipals) {
  for (const auto& [principal, about_alice] : std::initializer_list<std::pair<std::string, bool>>{
           {R"("*")", true},
           {R"({"AWS":"*"})", true},
           {R"({"AWS":"alice"})", true},
           {R"({"AWS":"arn:aws:iam::dunlin:user/alice"})", true},
           {R"({"AWS":["bob","alice"]})", true},
           {R"({"AWS":"bob"})", false},
           {R"({"AWS":"alic"})", false},
           {R"({"AWS":"Alice"})", false},
       }) {
    EXPECT_EQ(may({false, false, {of_bucket(for_whom("Allow", principal))}}, read_k), about_alice)
        << principal;
    EXPECT_EQ(may({false, true, {of_bucket(for_whom("Deny", principal))}}, read_k), !about_alice)
        << principal;
  }
}

TEST(PolicyDecision, WhatCannotBeReadDeniesEverything) {
  EXPECT_FALSE(may({true, true, {closed_document()}}, read_k));
}
