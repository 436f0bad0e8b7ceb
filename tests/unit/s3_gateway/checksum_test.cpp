#include "actors/s3_gateway/checksum.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

class Checksums : public testing::Test {
protected:
  Checksums() { EXPECT_EQ(root.put("/bucket").status, 200); }
  seen put(std::vector<http::header> headers) {
    return root.put("/bucket/k", "123456789", std::move(headers));
  }
  cluster world;
  client root{world};
};

const std::string crc32 = "y/Q5Jg==";
const std::string crc32c = "4waSgw==";
const std::string sha256 = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";

}  // namespace

TEST_F(Checksums, OfTheBodyAreVerified) {
  EXPECT_EQ(put({{"x-amz-checksum-crc32", crc32}}).status, 200);
  EXPECT_EQ(put({{"x-amz-checksum-crc32c", crc32c}}).status, 200);
  EXPECT_EQ(
      put({{"x-amz-sdk-checksum-algorithm", "CRC32"}, {"x-amz-checksum-crc32", crc32}}).status,
      200);
  const auto hash = crypto::base64(crypto::sha256::of("123456789"));
  EXPECT_EQ(hash, sha256);
  EXPECT_EQ(put({{"x-amz-checksum-sha256", hash}}).status, 200);
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  for (const auto& wrong :
       {put({{"x-amz-checksum-crc32", crc32c}}), put({{"x-amz-checksum-crc32c", crc32}}),
        put({{"x-amz-checksum-sha256", crypto::base64(std::string(32, 'x'))}})}) {
    EXPECT_EQ(wrong.status, 400);
    EXPECT_EQ(wrong.code(), "BadDigest");
  }
  EXPECT_EQ(root.get("/bucket/k").status, 404);
}

TEST_F(Checksums, ThatCannotBeAreRefused) {
  for (const auto& headers : std::vector<std::vector<http::header>>{
           {{"x-amz-checksum-crc32", "abc"}},
           {{"x-amz-checksum-crc32", ""}},
           {{"x-amz-checksum-crc32", sha256}},
           {{"x-amz-checksum-crc32", crc32}, {"x-amz-checksum-crc32c", crc32c}},
           {{"x-amz-sdk-checksum-algorithm", "CRC32"}},
           {{"x-amz-sdk-checksum-algorithm", "CRC32C"}, {"x-amz-checksum-crc32", crc32}}}) {
    const auto got = put(headers);
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.code(), "InvalidRequest");
  }
  for (const auto* name : {"x-amz-checksum-sha1", "x-amz-checksum-crc64nvme", "x-amz-checksum-md5"})
    EXPECT_EQ(put({{name, crc32}}).status, 501) << name;
  EXPECT_EQ(put({{"x-amz-sdk-checksum-algorithm", "SHA1"}}).status, 501);
}

TEST_F(Checksums, AnUploadMayNameThoseOfItsParts) {
  const auto create = [&](const std::string& algorithm) {
    return root.send({"POST", "/bucket/k?uploads", "", {{"x-amz-checksum-algorithm", algorithm}}});
  };
  const auto made = create("CRC32");
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(create("CRC64NVME").status, 501);
  const auto part = "/bucket/k?partNumber=1&uploadId=" + element(made.body, "UploadId");
  EXPECT_EQ(root.put(part, "123456789", {{"x-amz-checksum-crc32", crc32c}}).code(), "BadDigest");
  EXPECT_EQ(root.put(part, "123456789", {{"x-amz-checksum-crc32", crc32}}).status, 200);
}

}  // namespace dunlin::s3::test
