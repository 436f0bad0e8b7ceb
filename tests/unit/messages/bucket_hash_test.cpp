#include "messages/bucket_hash.hpp"

#include <gtest/gtest.h>

#include <string>

using dunlin::bucket_hash;

// Stored ranges of partitions depend on it: another value here means that buckets are looked for in
// the wrong partition. The first two are published vectors of XXH64 with seed 0.
TEST(BucketHash, IsXxHash64WithSeedZeroForEver) {
  EXPECT_EQ(bucket_hash(""), 0xef46db3751d8e999ull);
  EXPECT_EQ(bucket_hash("abc"), 0x44bc2cf5ad770999ull);
}

TEST(BucketHash, CountsEveryByteOfABinaryId) {
  const std::string id(16, '\0');
  auto other = id;
  other.back() = '\1';
  EXPECT_NE(bucket_hash(id), bucket_hash(other));
  EXPECT_NE(bucket_hash(id), bucket_hash(id.substr(0, 15)));
}
