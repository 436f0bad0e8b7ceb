#include "tests/unit/management/management_fixture.hpp"

#include <algorithm>
#include <random>

namespace dunlin::iam::test {

TEST_F(Management, ErrorsAreIamsDocuments) {
  const auto got = ask("GetUser", {{"UserName", "nobody"}});
  EXPECT_EQ(got.status, 404);
  EXPECT_NE(
      got.body.find("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>"
                    "<Type>Sender</Type><Code>NoSuchEntity</Code>"),
      std::string::npos)
      << got.body;
  EXPECT_EQ(element(got.body, "RequestId"), "0123456789ABCDEF");
}

TEST_F(Management, WhatIsNotBuiltSaysSo) {
  EXPECT_EQ(ask("CreateGroup", {{"GroupName", "g"}}).code(), "InvalidAction");
  EXPECT_EQ(ask("").code(), "InvalidAction");
  for (const auto& [name, value] :
       parameters{{"Tags.member.1.Key", "a"}, {"PermissionsBoundary", arn("p")}, {"Path", "/x/"}}) {
    const auto got = ask("CreateUser", {{"UserName", "alice"}, {name, value}});
    EXPECT_EQ(got.status, 400) << name;
    EXPECT_EQ(got.code(), "ValidationError") << name;
  }
  auto old = form("ListUsers", {});
  old.body = "Action=ListUsers&Version=2009-01-01";
  EXPECT_EQ(as(root, old).code(), "NoSuchVersion");
}

TEST_F(Management, ParametersAreChecked) {
  EXPECT_EQ(ask("CreateUser").code(), "MissingParameter");
  EXPECT_EQ(ask("CreateUser", {{"UserName", "a/b"}}).code(), "ValidationError");
  EXPECT_EQ(ask("CreateUser", {{"UserName", std::string(65, 'a')}}).code(), "ValidationError");
  EXPECT_EQ(ask("GetUser", {{"UserName", "root"}, {"UserName", "alice"}}).code(),
            "ValidationError");
  EXPECT_EQ(ask("GetPolicy", {{"PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"}}).code(),
            "NoSuchEntity");
  EXPECT_EQ(ask("UpdateAccessKey", {{"AccessKeyId", "ROOTKEY"}, {"Status", "Off"}}).code(),
            "ValidationError");
  auto bad = form("ListUsers", {});
  bad.body += "&Marker=%zz";
  EXPECT_EQ(as(root, bad).code(), "ValidationError");
  auto large = form("ListUsers", {{"Marker", std::string(200'000, 'a')}});
  EXPECT_EQ(as(root, large).code(), "ValidationError");
}

TEST_F(Management, ARequestIsSignedForIamAndItsBody) {
  auto wrong_service = form("ListUsers", {});
  wrong_service.service = "s3";
  EXPECT_EQ(as(root, wrong_service).code(), "IncompleteSignature");
  EXPECT_EQ(as(client{world, "NOKEY", "x"}, "ListUsers").code(), "InvalidClientTokenId");
  EXPECT_EQ(as(client{world, "ROOTKEY", "x"}, "ListUsers").code(), "SignatureDoesNotMatch");
  world.handler = manage;
  const auto what = form("GetUser", {});
  auto request = root.sign(what);
  auto body = what.body;
  body.replace(body.find("GetUser"), 7, "GetUsex");
  EXPECT_EQ(root.send_raw(request, body).code(), "SignatureDoesNotMatch");
  request.headers.erase(request.headers.end() - 1);
  EXPECT_EQ(root.send_raw(request, what.body).code(), "AccessDenied");
}

TEST_F(Management, TheRegionIsTheClustersOrUsEast1) {
  EXPECT_EQ(ask("GetUser").status, 200);
  const auto of_us_east_1 = [&] {
    world.options.region = "us-east-1";
    auto request = root.sign(form("GetUser", {}));
    world.options.region = "mars";
    return request;
  }();
  world.handler = manage;
  EXPECT_EQ(root.send_raw(of_us_east_1, form("GetUser", {}).body).status, 200);
  EXPECT_EQ(root.send(form("GetUser", {})).status, 200);
  world.options.region = "venus";
  auto request = root.sign(form("GetUser", {}));
  world.options.region = "mars";
  EXPECT_EQ(root.send_raw(request, form("GetUser", {}).body).code(), "IncompleteSignature");
}

TEST_F(Management, ABusyOrLeaderlessClusterIsNoRefusal) {
  world.ask_fails = ec::unavailable;
  const auto got = ask("GetUser");
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.code(), "ServiceUnavailable");
}

TEST_F(Management, AnyBodyIsAnsweredInIamsWords) {
  std::mt19937_64 random{4711};
  const auto below = [&](std::size_t bound) { return random() % std::max<std::size_t>(bound, 1); };
  const std::vector<std::string> bodies = {
      form("ListUsers", {{"Marker", "61"}, {"MaxItems", "3"}, {"PathPrefix", "/"}}).body,
      form("CreateUser", {{"UserName", "alice"}, {"Path", "/"}}).body,
      form("PutUserPolicy",
           {{"UserName", "alice"}, {"PolicyName", "p"}, {"PolicyDocument", allow_all}})
          .body,
      form("UpdateAccessKey", {{"AccessKeyId", "ROOTKEY"}, {"Status", "Active"}}).body,
      form("GetPolicyVersion", {{"PolicyArn", arn("p")}, {"VersionId", "v1"}}).body};
  int well = 0;
  for (int i = 0; i < 3000; ++i) {
    auto what = form("", {});
    what.body = bodies[below(bodies.size())];
    for (auto changes = below(4); changes > 0 && !what.body.empty(); --changes) {
      const auto at = below(what.body.size());
      switch (below(3)) {
        case 0: what.body[at] = static_cast<char>(random()); break;
        case 1: what.body.erase(at, 1 + below(10)); break;
        default: what.body.insert(at, what.body.substr(below(what.body.size()), below(30)));
      }
    }
    const auto got = as(root, what);
    ASSERT_FALSE(got.cut) << what.body;
    ASSERT_TRUE(got.status == 200 || !got.code().empty()) << what.body << got.body;
    ASSERT_LT(got.status, 500) << what.body << got.body;
    well += got.status == 200;
  }
  EXPECT_GT(well, 300);
}

TEST_F(Management, OnlyAPostOfAFormToTheRootIsForIt) {
  http::request request;
  request.method = "POST";
  request.target = "/";
  EXPECT_FALSE(is_management_request(request));
  request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"});
  EXPECT_TRUE(is_management_request(request));
  request.target = "/bucket?delete";
  EXPECT_FALSE(is_management_request(request));
  request.target = "/";
  request.method = "PUT";
  EXPECT_FALSE(is_management_request(request));
}

}  // namespace dunlin::iam::test
