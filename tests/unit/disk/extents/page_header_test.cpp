#include "runtime/disk/extents/page_header.hpp"

#include "runtime/disk/crc32c.hpp"
#include "runtime/disk/extents/index_rows.hpp"

#include <gtest/gtest.h>

namespace dunlin::extents {

static page_header some_header(std::size_t length) {
  const std::string bytes(length, 'b');
  page_header header{std::string(16, 'p'), 7, {"bucket", "key/1", "upload"}, -5, 0, {}};
  header.length = static_cast<std::uint32_t>(length);
  header.block_sums = block_sums(bytes);
  return header;
}

TEST(PageHeader, ComesBackAsItWasWritten) {
  for (const std::size_t length : {0u, 1u, 65535u, 65536u, 65537u, 1u << 20, 4u << 20}) {
    const auto header = some_header(length);
    const auto bytes = encode(header, 99);
    EXPECT_EQ(bytes.size(), encoded_bytes(header));
    EXPECT_LE(bytes.size(), header_bytes_max);
    const auto decoded = decode(bytes + "what follows", 99);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->header, header);
    EXPECT_EQ(decoded->encoded_bytes, bytes.size());
  }
}

TEST(PageHeader, IsRefusedWithAnyByteChanged) {
  const auto bytes = encode(some_header(200'000), 99);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto odd = bytes;
    odd[i] = static_cast<char>(odd[i] ^ 0x10);
    EXPECT_FALSE(decode(odd, 99)) << i;
  }
}

TEST(PageHeader, IsRefusedWhenCutAtAnyByte) {
  const auto bytes = encode(some_header(200'000), 99);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    EXPECT_FALSE(decode(bytes.substr(0, i), 99)) << i;
}

TEST(PageHeader, OfAnotherExtentIsNotTakenForOneOfThis) {
  EXPECT_FALSE(decode(encode(some_header(10), 99), 98));
}

TEST(PageHeader, SumsEachBlockByItself) {
  const std::string bytes = std::string(block_bytes, 'a') + "tail";
  EXPECT_EQ(block_sums(bytes),
            (std::vector{crc32c(std::string(block_bytes, 'a')), crc32c("tail")}));
  EXPECT_TRUE(block_sums({}).empty());
}

TEST(ExtentStart, ComesBackAndIsRefusedWhenTorn) {
  const auto start = encode_extent_start(0xfeed);
  EXPECT_EQ(start.size(), step_bytes);
  EXPECT_EQ(decode_extent_start(start), 0xfeedu);
  EXPECT_FALSE(decode_extent_start(start.substr(0, 12)));
  EXPECT_FALSE(decode_extent_start(std::string(step_bytes, '\0')));
}

TEST(IndexRows, ComeBackAsTheyWereWritten) {
  const page_place place{3, 120, 1ull << 33, 77, 9, -1};
  EXPECT_EQ(decode_place(encode(place)), place);
  EXPECT_FALSE(decode_place("short"));
  const std::string page(16, 'p');
  EXPECT_EQ(page_of_key(page_key(page)), page);
  EXPECT_EQ(page_of_set_key(5, set_key(5, page)), page);
  EXPECT_FALSE(page_of_set_key(6, set_key(5, page)));
  EXPECT_FALSE(page_of_key(set_key(5, page)));
  EXPECT_EQ(extent_number(extent_name(12)), 12u);
  EXPECT_FALSE(extent_number("x.extent"));
  EXPECT_FALSE(extent_number("00000000.extent"));
  EXPECT_FALSE(extent_number("00000012.tmp"));
}

}  // namespace dunlin::extents
