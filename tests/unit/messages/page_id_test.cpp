#include "messages/page_id.hpp"

#include <gtest/gtest.h>

namespace dunlin {

static std::string id(unsigned char high, unsigned char low) {
  std::string text(16, '\0');
  text[7] = static_cast<char>(high);
  text[15] = static_cast<char>(low);
  return text;
}

TEST(PageId, CountsUpInByteOrder) {
  const auto first = id(0, 250);
  auto before = first;
  for (std::uint64_t i = 1; i < 600; ++i) {
    const auto page = page_at(first, i);
    EXPECT_LT(before, page);
    EXPECT_EQ(page_distance(first, page), i);
    before = page;
  }
}

TEST(PageId, CarriesIntoTheUpperHalf) {
  std::string first(16, '\xff');
  for (int i = 0; i < 8; ++i)
    first[i] = 0;
  const auto next = page_at(first, 1);
  EXPECT_EQ(next, id(1, 0));
  EXPECT_EQ(page_distance(first, next), 1u);
}

TEST(PageId, StopsAtTheLastIdInsteadOfWrappingToTheFirst) {
  const std::string last(16, '\xff');
  EXPECT_EQ(page_at(last, 7), last);
}

TEST(PageId, HasNoDistanceToAnEarlierOrFarPage) {
  EXPECT_EQ(page_distance(id(0, 2), id(0, 1)), std::nullopt);
  EXPECT_EQ(page_distance(id(0, 2), id(2, 1)), std::nullopt);
  EXPECT_EQ(page_distance(id(0, 2), id(1, 1)), ~0ull);
  EXPECT_EQ(page_distance(id(1, 2), id(1, 2)), 0u);
}

TEST(PageId, PrintsAsHex) { EXPECT_EQ(page_text(id(0, 0xab)).substr(28), "00ab"); }

}  // namespace dunlin
