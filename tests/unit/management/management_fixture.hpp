/// The gateway's fake world, asked by IAM's query protocol.
#pragma once

#include "actors/management/manage.hpp"
#include "actors/s3_gateway/target.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace dunlin::iam::test {

using s3::test::client;
using s3::test::element;
using s3::test::elements;
using s3::test::seen;

inline constexpr auto allow_all = R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
inline std::string allow(const std::string& action, const std::string& resource = "*") {
  return R"({"Statement":{"Effect":"Allow","Action":")" + action + R"(","Resource":")" + resource +
         "\"}}";
}

class Management : public testing::Test {
protected:
  using parameters = std::vector<std::pair<std::string, std::string>>;

  static s3::test::call form(const std::string& action, const parameters& with) {
    std::string body = "Action=" + action + "&Version=2010-05-08";
    for (const auto& [name, value] : with)
      body += "&" + name + "=" + s3::percent_encode(value, false);
    s3::test::call out{"POST", "/", body};
    out.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    out.service = "iam";
    return out;
  }

  seen as(client who, const s3::test::call& what) {
    world.handler = manage;
    auto got = who.send(what);
    world.handler = s3::handle;
    return got;
  }
  seen as(client who, const std::string& action, const parameters& with = {}) {
    return as(std::move(who), form(action, with));
  }
  seen ask(const std::string& action, const parameters& with = {}) {
    return as(root, action, with);
  }

  /// A new user with an access key that signs.
  client add(const std::string& user) {
    EXPECT_EQ(ask("CreateUser", {{"UserName", user}}).status, 200);
    return key_of(user);
  }
  client key_of(const std::string& user) {
    const auto made = ask("CreateAccessKey", {{"UserName", user}});
    EXPECT_EQ(made.status, 200) << made.body;
    last_key = element(made.body, "AccessKeyId");
    return client{world, last_key, element(made.body, "SecretAccessKey")};
  }
  static std::string arn(const std::string& policy) {
    return "arn:aws:iam::dunlin:policy/" + policy;
  }

  s3::test::cluster world;
  client root{world};
  std::string last_key;
};

}  // namespace dunlin::iam::test
