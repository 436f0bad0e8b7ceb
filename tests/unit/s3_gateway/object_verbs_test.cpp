#include "runtime/crypto/hash.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

class ObjectVerbs : public testing::Test {
protected:
  ObjectVerbs() { EXPECT_EQ(alice.put("/bucket").status, 200); }
  cluster world;
  client alice{world};
};

std::string quoted_md5(const std::string& body) {
  return "\"" + crypto::hex(crypto::md5::of(body)) + "\"";
}

}  // namespace

TEST_F(ObjectVerbs, WhatWasPutIsGot) {
  const auto put = alice.put("/bucket/a/b.txt", "hello",
                             {{"Content-Type", "text/plain"}, {"x-amz-meta-Colour", "blue"}});
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.header("etag"), quoted_md5("hello"));
  EXPECT_EQ(put.header("x-amz-request-id"), "0123456789ABCDEF");
  const auto got = alice.get("/bucket/a/b.txt");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.content_length, 5u);
  EXPECT_EQ(got.header("content-type"), "text/plain");
  EXPECT_EQ(got.header("x-amz-meta-colour"), "blue");
  EXPECT_EQ(got.header("etag"), quoted_md5("hello"));
  EXPECT_EQ(got.header("last-modified"), "Sun, 30 Aug 2015 12:36:00 GMT");
  EXPECT_EQ(got.header("accept-ranges"), "bytes");
}

TEST_F(ObjectVerbs, ABodyOfManyPiecesStreamsThroughInOrder) {
  std::string body;
  while (body.size() < 5'000'000)
    body += std::to_string(body.size()) + ",";
  EXPECT_EQ(alice.put("/bucket/big", body).status, 200);
  const auto got = alice.get("/bucket/big");
  EXPECT_TRUE(got.body == body);
  EXPECT_EQ(got.content_length, body.size());
}

TEST_F(ObjectVerbs, AnEmptyObjectNeedsNoPages) {
  EXPECT_EQ(alice.put("/bucket/empty").status, 200);
  EXPECT_EQ(world.finished_writes, 0);
  const auto got = alice.get("/bucket/empty");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "");
  EXPECT_EQ(got.header("content-type"), "binary/octet-stream");
}

TEST_F(ObjectVerbs, HeadSaysWhatGetWouldSay) {
  alice.put("/bucket/k", "hello", {{"Cache-Control", "no-store"}});
  const auto head = alice.head("/bucket/k");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.content_length, 5u);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.header("cache-control"), "no-store");
  EXPECT_EQ(alice.head("/bucket/none").status, 404);
  EXPECT_EQ(alice.get("/bucket/none").code(), "NoSuchKey");
  EXPECT_EQ(element(alice.get("/bucket/none").body, "Key"), "none");
}

TEST_F(ObjectVerbs, Row16KeysAreOpaqueBytes) {
  const std::vector<std::string> targets = {"/bucket/../../etc/passwd",
                                            "/bucket/%2e%2e%2f%2e%2e%2fetc",
                                            "/bucket//leading",
                                            "/bucket/a//b",
                                            "/bucket/back%5Cslash",
                                            "/bucket/trailing.",
                                            "/bucket/./dot",
                                            "/bucket/%ff%00%01",
                                            "/bucket/a%2Fb",
                                            "/bucket/a%252Fb",
                                            "/bucket/trailing/"};
  for (const auto& target : targets)
    EXPECT_EQ(alice.put(target, target).status, 200) << target;
  for (const auto& target : targets)
    EXPECT_EQ(alice.get(target).body, target);
}

TEST_F(ObjectVerbs, RangesAreServedFromTheRightBytes) {
  alice.put("/bucket/k", "0123456789");
  const auto ranged = [&](const std::string& range) {
    return alice.send({"GET", "/bucket/k", "", {{"Range", range}}});
  };
  const auto middle = ranged("bytes=2-4");
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.body, "234");
  EXPECT_EQ(middle.content_length, 3u);
  EXPECT_EQ(middle.header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(ranged("bytes=-3").body, "789");
  EXPECT_EQ(ranged("nonsense").status, 200);
  const auto past = ranged("bytes=10-");
  EXPECT_EQ(past.status, 416);
  EXPECT_EQ(past.code(), "InvalidRange");
  EXPECT_EQ(past.header("content-range"), "bytes */10");
  const auto head = alice.send({"HEAD", "/bucket/k", "", {{"Range", "bytes=2-4"}}});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.content_length, 3u);
}

TEST_F(ObjectVerbs, ConditionalReads) {
  alice.put("/bucket/k", "hello");
  const auto etag = quoted_md5("hello");
  const auto with = [&](const std::string& name, const std::string& value) {
    return alice.send({"GET", "/bucket/k", "", {{name, value}}});
  };
  EXPECT_EQ(with("If-Match", etag).status, 200);
  EXPECT_EQ(with("If-Match", "\"x\"").code(), "PreconditionFailed");
  const auto unmodified = with("If-None-Match", etag);
  EXPECT_EQ(unmodified.status, 304);
  EXPECT_EQ(unmodified.body, "");
  EXPECT_EQ(unmodified.header("etag"), etag);
}

TEST_F(ObjectVerbs, ConditionalWritesAreDecidedInTheCommand) {
  const auto put = [&](const std::string& body, const std::string& name, const std::string& value) {
    return alice.put("/bucket/k", body, {{name, value}});
  };
  EXPECT_EQ(put("one", "If-Match", "\"x\"").code(), "NoSuchKey");
  EXPECT_EQ(put("one", "If-None-Match", "*").status, 200);
  EXPECT_EQ(put("two", "If-None-Match", "*").status, 412);
  EXPECT_EQ(put("two", "If-Match", quoted_md5("one")).status, 200);
  EXPECT_EQ(put("three", "If-Match", quoted_md5("one")).code(), "PreconditionFailed");
  EXPECT_EQ(alice.get("/bucket/k").body, "two");
  EXPECT_EQ(alice.send({"DELETE", "/bucket/k", "", {{"If-Match", quoted_md5("one")}}}).status, 412);
  EXPECT_EQ(alice.send({"DELETE", "/bucket/k", "", {{"If-Match", quoted_md5("two")}}}).status, 204);
}

TEST_F(ObjectVerbs, Row24OfRacingCreatesOneWins) {
  int won = 0;
  for (int i = 0; i < 5; ++i) {
    // Another create slips in while this one's bytes are stored already.
    if (i == 0)
      world.before_execute = [&] {
        won += alice.put("/bucket/race", "other", {{"If-None-Match", "*"}}).status == 200;
      };
    const auto got = alice.put("/bucket/race", "mine", {{"If-None-Match", "*"}});
    won += got.status == 200;
    EXPECT_TRUE(got.status == 200 || got.status == 412) << got.status;
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(alice.get("/bucket/race").body, "other");
}

TEST_F(ObjectVerbs, DeletingIsIdempotent) {
  alice.put("/bucket/k", "x");
  EXPECT_EQ(alice.remove("/bucket/k").status, 204);
  EXPECT_EQ(alice.remove("/bucket/k").status, 204);
  EXPECT_EQ(alice.get("/bucket/k").status, 404);
}

TEST_F(ObjectVerbs, Row8AWrongPayloadHashStoresNothing) {
  auto request = alice.sign({"PUT", "/bucket/k", "hello", {}});
  const auto got = alice.send_raw(request, "hullo");
  EXPECT_EQ(got.status, 400);
  EXPECT_EQ(got.code(), "XAmzContentSHA256Mismatch");
  EXPECT_EQ(alice.get("/bucket/k").status, 404);
}

TEST_F(ObjectVerbs, UnsignedPayloadsAreTaken) {
  call put{"PUT", "/bucket/k", "hello", {}};
  put.signed_payload = false;
  EXPECT_EQ(alice.send(put).status, 200);
  EXPECT_EQ(alice.get("/bucket/k").body, "hello");
}

TEST_F(ObjectVerbs, Row9ContentMd5IsChecked) {
  const auto put = [&](const std::string& md5) {
    return alice.put("/bucket/k", "hello", {{"Content-MD5", md5}});
  };
  const auto bad = put(crypto::base64(crypto::md5::of("other")));
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.code(), "BadDigest");
  for (const auto* malformed : {"", "abc", "!!!!", "aGVsbG8="}) {
    const auto got = put(malformed);
    EXPECT_EQ(got.status, 400) << malformed;
    EXPECT_EQ(got.code(), "InvalidDigest") << malformed;
  }
  EXPECT_EQ(alice.get("/bucket/k").status, 404);
  EXPECT_EQ(put(crypto::base64(crypto::md5::of("hello"))).status, 200);
}

TEST_F(ObjectVerbs, Row13MetadataIsBounded) {
  const auto put = [&](std::size_t size) {
    return alice.put("/bucket/k", "x", {{"x-amz-meta-a", std::string(size - 1, 'v')}});
  };
  EXPECT_EQ(put(2048).status, 200);
  const auto large = put(2049);
  EXPECT_EQ(large.status, 400);
  EXPECT_EQ(large.code(), "MetadataTooLarge");
}

TEST_F(ObjectVerbs, AnUploadThatEndsEarlyStoresNothing) {
  world.client_sends_only = 200'000;
  world.client_fails = ec::closed;
  EXPECT_EQ(alice.put("/bucket/k", std::string(300'000, 'x')).code(), "IncompleteBody");
  world.client_fails = ec::timed_out;
  const auto slow = alice.put("/bucket/k", std::string(300'000, 'x'));
  EXPECT_EQ(slow.status, 400);
  EXPECT_EQ(slow.code(), "RequestTimeout");
  world.client_sends_only = SIZE_MAX;
  EXPECT_EQ(alice.get("/bucket/k").status, 404);
}

TEST_F(ObjectVerbs, ALengthIsNeededAndBounded) {
  call put{"PUT", "/bucket/k", "hello", {}};
  put.chunked = true;
  EXPECT_EQ(alice.send(put).status, 411);
  call cut_short{"PUT", "/bucket/k", "", {}};
  cut_short.without_length = true;
  EXPECT_EQ(alice.send(cut_short).code(), "MissingContentLength");
  EXPECT_EQ(alice.get("/bucket/k").status, 404);
  world.options.object_bytes_max = 4;
  EXPECT_EQ(alice.put("/bucket/k", "hello").code(), "EntityTooLarge");
  EXPECT_EQ(alice.put("/bucket/k", "hell").status, 200);
}

TEST_F(ObjectVerbs, AWriteThatFailsAnywhereCommitsNothing) {
  alice.put("/bucket/k", "old");
  world.open_fails = ec::overloaded;
  EXPECT_EQ(alice.put("/bucket/k", "new").code(), "SlowDown");
  world.write_fails = ec::disk_full;
  EXPECT_EQ(alice.put("/bucket/k", "new").status, 507);
  world.finish_fails = ec::unavailable;
  EXPECT_EQ(alice.put("/bucket/k", "new").status, 503);
  world.execute_fails = ec::timed_out;
  EXPECT_EQ(alice.put("/bucket/k", "new").code(), "ServiceUnavailable");
  EXPECT_EQ(alice.get("/bucket/k").body, "old");
}

TEST_F(ObjectVerbs, AReplacedObjectIsLookedUpAgainBeforeTheFirstByte) {
  alice.put("/bucket/k", "old");
  world.before_open_read = [&] {
    world.pages.clear();  // freed after its grace
    alice.put("/bucket/k", "newer");
  };
  const auto got = alice.get("/bucket/k");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "newer");
  EXPECT_EQ(got.header("etag"), quoted_md5("newer"));
  EXPECT_EQ(got.content_length, 5u);
}

TEST_F(ObjectVerbs, LostBytesAreAnErrorNotAnEndlessSearch) {
  alice.put("/bucket/k", "old");
  world.pages.clear();
  EXPECT_EQ(alice.get("/bucket/k").code(), "InternalError");
  world.read_fails = ec::unavailable;
  EXPECT_EQ(alice.get("/bucket/k").code(), "ServiceUnavailable");
}

TEST_F(ObjectVerbs, AReadThatFailsInTheMiddleIsCut) {
  alice.put("/bucket/k", std::string(3'000'000, 'x'));
  world.read_fails_after = 1'500'000;
  const auto got = alice.get("/bucket/k");
  EXPECT_EQ(got.status, 200);
  EXPECT_TRUE(got.cut);
  EXPECT_LT(got.body.size(), got.content_length);
}

TEST_F(ObjectVerbs, ResponseParametersOverrideHeadersButNotTheirLines) {
  alice.put("/bucket/k", "x", {{"Content-Type", "text/plain"}});
  const auto got = alice.get("/bucket/k?response-content-type=image%2Fpng&response-expires=soon");
  EXPECT_EQ(got.header("content-type"), "image/png");
  EXPECT_EQ(got.header("expires"), "soon");
  EXPECT_EQ(alice.get("/bucket/k?response-content-type=a%0d%0aSet-Cookie:b").code(),
            "InvalidArgument");
}

TEST_F(ObjectVerbs, DeleteObjectsRemovesWhatItListsAndSaysSo) {
  for (const auto* key : {"a", "b", "c"})
    alice.put(std::string("/bucket/") + key, "x");
  const auto got = alice.post(
      "/bucket?delete",
      "<Delete><Object><Key>a</Key></Object><Object><Key>none&amp;</Key></Object></Delete>");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(elements(got.body, "Key"), (std::vector<std::string>{"a", "none&amp;"}));
  EXPECT_EQ(alice.get("/bucket/a").status, 404);
  const auto quiet = alice.post(
      "/bucket?delete", "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>");
  EXPECT_EQ(quiet.status, 200);
  EXPECT_EQ(elements(quiet.body, "Key").size(), 0u);
  EXPECT_EQ(alice.get("/bucket/b").status, 404);
  EXPECT_EQ(alice.get("/bucket/c").status, 200);
}

TEST_F(ObjectVerbs, Row18DeleteObjectsRefusesBadDocuments) {
  const auto code = [&](const std::string& body) {
    return alice.post("/bucket?delete", body).code();
  };
  EXPECT_EQ(code(""), "MalformedXML");
  EXPECT_EQ(code("<Delete/>"), "MalformedXML");
  EXPECT_EQ(code("<Remove><Object><Key>a</Key></Object></Remove>"), "MalformedXML");
  EXPECT_EQ(code("<!DOCTYPE x><Delete><Object><Key>a</Key></Object></Delete>"), "MalformedXML");
  EXPECT_EQ(code("<Delete><Object><Key></Key></Object></Delete>"), "MalformedXML");
  EXPECT_EQ(code("<Delete><Object><Key>a</Key><VersionId>1</VersionId></Object></Delete>"),
            "NotImplemented");
  std::string many = "<Delete>";
  for (int i = 0; i < 1001; ++i)
    many += "<Object><Key>" + std::to_string(i) + "</Key></Object>";
  EXPECT_EQ(code(many + "</Delete>"), "MalformedXML");
  EXPECT_EQ(code(std::string(1'100'000, 'x')), "MaxMessageLengthExceeded");
  call unsigned_delete{
      "POST", "/bucket?delete", "<Delete><Object><Key>a</Key></Object></Delete>", {}};
  unsigned_delete.signed_payload = false;
  EXPECT_EQ(alice.send(unsigned_delete).code(), "InvalidRequest");
}

}  // namespace dunlin::s3::test
