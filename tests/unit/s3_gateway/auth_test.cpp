// The rows are those of the bad-input checklist.
#include "actors/s3_gateway/sigv4.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace dunlin::s3::test {

namespace {

class Auth : public testing::Test {
protected:
  Auth() { EXPECT_EQ(root.put("/bucket").status, 200); }

  /// What a signed GET of the bucket answers after `change`.
  seen changed(const std::function<void(http::request&)>& change) {
    auto request = root.sign({"GET", "/bucket", "", {}});
    change(request);
    return root.send_raw(std::move(request), "");
  }

  static std::string& header(http::request& request, std::string_view name) {
    for (auto& each : request.headers)
      if (each.name == name) return each.value;
    request.headers.push_back({std::string(name), ""});
    return request.headers.back().value;
  }

  static void replace(std::string& in, const std::string& from, const std::string& to) {
    const auto at = in.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << in;
    in.replace(at, from.size(), to);
  }

  seen authorization_changed(const std::string& from, const std::string& to) {
    return changed(
        [&](http::request& request) { replace(header(request, "Authorization"), from, to); });
  }

  cluster world;
  client root{world};
};

}  // namespace

TEST_F(Auth, Row1NoCredentials) {
  const auto got = changed([](http::request& request) { request.headers.clear(); });
  EXPECT_EQ(got.status, 403);
  EXPECT_EQ(got.code(), "AccessDenied");
  EXPECT_EQ(element(got.body, "RequestId"), "0123456789ABCDEF");
  EXPECT_EQ(element(got.body, "Resource"), "/bucket");
}

TEST_F(Auth, Row2UnknownKeyAndWrongSecret) {
  const auto unknown = client(world, "NOBODY", "x").get("/bucket");
  EXPECT_EQ(unknown.status, 403);
  EXPECT_EQ(unknown.code(), "InvalidAccessKeyId");
  const auto wrong = client(world, "ROOTKEY", "x").get("/bucket");
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.code(), "SignatureDoesNotMatch");
  EXPECT_EQ(wrong.body.find("rootsecret"), std::string::npos);
}

TEST_F(Auth, Row2ARequestThatWasChangedAfterSigning) {
  EXPECT_EQ(changed([](auto& r) { r.target = "/bucket2"; }).code(), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](auto& r) { r.target += "?prefix=a"; }).code(), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](auto& r) { r.method = "DELETE"; }).code(), "SignatureDoesNotMatch");
  EXPECT_EQ(changed([](auto& r) { header(r, "Host") = "elsewhere"; }).code(),
            "SignatureDoesNotMatch");
}

TEST_F(Auth, ARevokedKeyIsUnknown) {
  v1::AccessKeyRecord key;
  key.set_access_key("OLD");
  key.set_secret("s");
  key.set_user("root");
  key.set_revoked(true);
  world.root_store.put(table::access_keys, "OLD", key.SerializeAsString());
  EXPECT_EQ(client(world, "OLD", "s").get("/bucket").code(), "InvalidAccessKeyId");
}

TEST_F(Auth, Row3ClocksMayDifferByFifteenMinutes) {
  const auto request = root.sign({"GET", "/bucket", "", {}});
  for (const auto off : {-skew_ms_max, skew_ms_max}) {
    world.now_ms = test_time_ms + off;
    EXPECT_EQ(root.send_raw(request, "").status, 200);
    world.now_ms += off / skew_ms_max * 1000;
    const auto got = root.send_raw(request, "");
    EXPECT_EQ(got.status, 403);
    EXPECT_EQ(got.code(), "RequestTimeTooSkewed");
  }
}

TEST_F(Auth, Row4AMalformedCredential) {
  const auto malformed = [&](const std::string& from, const std::string& to) {
    const auto got = authorization_changed(from, to);
    EXPECT_EQ(got.status, 400) << to;
    return got.code();
  };
  constexpr auto code = "AuthorizationHeaderMalformed";
  EXPECT_EQ(malformed("/us-east-1/", "/mars/"), code);
  EXPECT_EQ(malformed("/s3/", "/ec2/"), code);
  EXPECT_EQ(malformed("/20150830/", "/20150831/"), code);
  EXPECT_EQ(malformed("/20150830/", "/2015/"), code);
  EXPECT_EQ(malformed("/aws4_request", "/aws5_request"), code);
  EXPECT_EQ(malformed("ROOTKEY/", ""), code);
  EXPECT_EQ(malformed("ROOTKEY/", "/"), code);
  EXPECT_EQ(malformed("SignedHeaders=", "SingedHeaders="), code);
  EXPECT_EQ(malformed("Signature=", "Signature"), code);
  EXPECT_EQ(malformed("host;", "Host;"), code);
  EXPECT_EQ(malformed("host;x-amz-content-sha256", "x-amz-content-sha256;host"), code);
  EXPECT_EQ(malformed(", Signature=", ", Signature=0, Signature="), code);
  EXPECT_EQ(element(authorization_changed("/us-east-1/", "/mars/").body, "Region"), "us-east-1");
}

TEST_F(Auth, OtherMechanismsAreNamedAsSuch) {
  for (const auto* other : {"AWS ROOTKEY:abc", "Basic abc", "Bearer x", "AWS4-HMAC-SHA256"}) {
    const auto got = changed([&](auto& r) { header(r, "Authorization") = other; });
    EXPECT_EQ(got.status, 400) << other;
    EXPECT_EQ(got.code(), "InvalidRequest") << other;
  }
}

TEST_F(Auth, Row5HostAndAmzHeadersMustBeSigned) {
  const auto added = changed([](auto& r) { r.headers.push_back({"X-Amz-Meta-Evil", "1"}); });
  EXPECT_EQ(added.status, 403);
  EXPECT_EQ(added.code(), "AccessDenied");
  EXPECT_EQ(element(added.body, "HeadersNotSigned"), "x-amz-meta-evil");
  EXPECT_EQ(authorization_changed("host;", "").code(), "AccessDenied");
}

TEST_F(Auth, Row6HeaderAndQuerySignatureTogether) {
  const auto got = changed([](auto& r) { r.target += "?X-Amz-Signature=0"; });
  EXPECT_EQ(got.status, 400);
  EXPECT_EQ(got.code(), "InvalidArgument");
}

TEST_F(Auth, WhatIsNotBuiltSaysSo) {
  const auto presigned = changed([](auto& r) {
    r.headers.clear();
    r.target += "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0";
  });
  EXPECT_EQ(presigned.status, 501);
  EXPECT_EQ(presigned.code(), "NotImplemented");
  for (const auto* kind :
       {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}) {
    const auto streamed = changed([&](auto& r) { header(r, "x-amz-content-sha256") = kind; });
    EXPECT_EQ(streamed.status, 501);
  }
}

TEST_F(Auth, APayloadHashIsNeeded) {
  EXPECT_EQ(changed([](auto& r) { header(r, "x-amz-content-sha256") = "abc"; }).code(),
            "InvalidArgument");
  const auto without = changed([](auto& r) {
    std::erase_if(r.headers, [](auto& h) { return h.name == "x-amz-content-sha256"; });
  });
  EXPECT_EQ(without.code(), "InvalidRequest");
  EXPECT_EQ(without.status, 400);
}

TEST_F(Auth, ATimeIsNeeded) {
  EXPECT_EQ(changed([](auto& r) { header(r, "X-Amz-Date") = "now"; }).code(), "AccessDenied");
  const auto without = changed(
      [](auto& r) { std::erase_if(r.headers, [](auto& h) { return h.name == "X-Amz-Date"; }); });
  EXPECT_EQ(without.code(), "AccessDenied");
}

TEST_F(Auth, Row15ABadEscapeIsRefusedBeforeItMeansAnything) {
  const auto got = root.get("/bucket/%zz");
  EXPECT_EQ(got.status, 400);
  EXPECT_EQ(got.code(), "InvalidURI");
  EXPECT_EQ(root.put("/bucket/" + std::string(1025, 'k'), "x").code(), "KeyTooLongError");
}

TEST_F(Auth, OnlyTheOwnerAndTheRootUserMayUseABucket) {
  world.add_user("alice", "AKEY", "asecret");
  world.add_user("bob", "BKEY", "bsecret");
  client alice{world, "AKEY", "asecret"};
  client bob{world, "BKEY", "bsecret"};
  for (const auto* user : {"alice", "bob"})
    world.put_policy(user, "makes", makes_and_lists_buckets);
  EXPECT_EQ(alice.put("/hers").status, 200);
  EXPECT_EQ(alice.put("/hers/k", "x").status, 200);
  for (const auto& got : {bob.get("/hers"), bob.get("/hers/k"), bob.put("/hers/k", "y"),
                          bob.remove("/hers/k"), bob.remove("/hers"), bob.get("/hers?uploads")}) {
    EXPECT_EQ(got.status, 403);
    EXPECT_EQ(got.code(), "AccessDenied");
  }
  EXPECT_EQ(bob.put("/hers").code(), "BucketAlreadyExists");
  EXPECT_EQ(root.get("/hers/k").body, "x");
  EXPECT_EQ(elements(bob.get("/").body, "Name").size(), 0u);
  EXPECT_EQ(element(alice.get("/").body, "Name"), "hers");
}

TEST_F(Auth, TheExpectedOwnerMustBeTheOwner) {
  const auto as = [&](const std::string& owner) {
    return root.send({"GET", "/bucket", "", {{"x-amz-expected-bucket-owner", owner}}}).status;
  };
  EXPECT_EQ(as("root"), 200);
  EXPECT_EQ(as("bob"), 403);
}

TEST_F(Auth, AClusterThatCannotAnswerIsNoBadPassword) {
  world.ask_fails = ec::unavailable;
  const auto got = root.get("/bucket");
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.code(), "ServiceUnavailable");
}

}  // namespace dunlin::s3::test
