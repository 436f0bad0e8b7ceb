#include "runtime/disk/crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dunlin {

TEST(Crc32c, AgreesWithThePublishedValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);  // RFC 3720's polynomial, the usual check value
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720 B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32c, OfPiecesIsThatOfTheWhole) {
  const std::string whole = "the quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    crc32c_stream pieces;
    pieces.add(std::string_view(whole).substr(0, cut));
    pieces.add(std::string_view(whole).substr(cut));
    EXPECT_EQ(pieces.value(), crc32c(whole)) << cut;
  }
}

}  // namespace dunlin
