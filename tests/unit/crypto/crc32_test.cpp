#include "runtime/crypto/crc32.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dunlin::crypto {

TEST(Crc32, IsTheOneOfGzip) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32(""), 0u);
}

TEST(Crc32, GoesOnFromWhereItStopped) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32(text.substr(cut), crc32(text.substr(0, cut))), 0x414fa339u);
}

}  // namespace dunlin::crypto
