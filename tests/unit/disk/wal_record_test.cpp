#include "runtime/disk/wal/record.hpp"

#include <gtest/gtest.h>

namespace dunlin::wal {

static record sample() {
  return {.sequence = 0x1122334455667788,
          .group = 9,
          .synced = 4096,
          .term = 5,
          .index = 77,
          .kind = record_kind::entry,
          .detail = 2,
          .payload = "hello"};
}

static std::string encoded(const record& one) {
  std::string bytes;
  encode(one, bytes);
  return bytes;
}

static std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes)
    for (const auto digit : {byte >> 4, byte & 15})
      text += "0123456789abcdef"[digit];
  return text;
}

// Yesterday's log is read by tomorrow's release: these bytes never change.
TEST(WalRecord, HasGoldenBytes) {
  EXPECT_EQ(hex(encoded(sample())),
            "578b994f050000008877665544332211090000000010000005000000000000004d00000000000000040200"
            "000000000068656c6c6f000000");
}

TEST(WalRecord, ReadsBackWhatWasEncoded) {
  const auto bytes = encoded(sample());
  EXPECT_EQ(bytes.size(), record_bytes(5));
  const auto found = decode(bytes);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->sequence, 0x1122334455667788u);
  EXPECT_EQ(found->group, 9u);
  EXPECT_EQ(found->synced, 4096u);
  EXPECT_EQ(found->term, 5u);
  EXPECT_EQ(found->index, 77u);
  EXPECT_EQ(found->kind, record_kind::entry);
  EXPECT_EQ(found->detail, 2);
  EXPECT_EQ(found->payload, "hello");
}

TEST(WalRecord, IsRefusedWhereverABitFlips) {
  const auto bytes = encoded(sample());
  for (std::size_t bit = 0; bit < (record_head_bytes + 5) * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode(flipped)) << bit;
  }
}

TEST(WalRecord, IsRefusedWhereverItEndsEarly) {
  const auto bytes = encoded(sample());
  for (std::size_t size = 0; size < record_head_bytes + 5; ++size)
    EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(decode(std::string(64, '\0')));
}

TEST(WalRecord, SearchesForGoodOnesBehindABadOne) {
  auto one = sample();
  auto bytes = std::string(72, 'x') + encoded(one);
  one.synced = 5000;
  encode(one, bytes);
  EXPECT_EQ(highest_synced(bytes, one.sequence), 5000u);
  EXPECT_EQ(highest_synced(bytes, one.sequence + 1), std::nullopt);
  EXPECT_EQ(highest_synced("", one.sequence), std::nullopt);
}

}  // namespace dunlin::wal
