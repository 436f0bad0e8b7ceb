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

}  // namespace dunlin::s3::test
