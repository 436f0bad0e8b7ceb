#include "actors/partition/machine/key_codec.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace dunlin;

static const std::string id(16, 'b');

/// Keys made of few, awkward bytes, so that prefixes, zeros and 0xFF meet often.
static std::string awkward_key(std::mt19937_64& random) {
  static constexpr char bytes[] = {'\0', '\1', 'a', '/', '\xfe', '\xff'};
  std::string key;
  for (auto left = random() % 6; left > 0; --left)
    key += bytes[random() % sizeof bytes];
  return key;
}

TEST(KeyCodec, KeepsTheOrderOfObjectKeysWhateverTheirBytes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto a = awkward_key(random), b = awkward_key(random);
    EXPECT_EQ(keys::object_key(id, a) < keys::object_key(id, b), a < b);
    EXPECT_EQ(keys::version(id, a, 7) < keys::version(id, b, 3), a == b || a < b);
  }
}

TEST(KeyCodec, GivesTheKeyBack) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 5'000; ++i) {
    const auto key = awkward_key(random);
    const auto row = keys::version(id, key, 42);
    const auto tail = keys::read_tail(row);
    ASSERT_TRUE(tail);
    EXPECT_EQ(tail->key, key);
    EXPECT_EQ(keys::read_number(tail->rest), ~42ull);
  }
}

TEST(KeyCodec, FindsARowByPrefixExactlyWhenItsKeyHasThatPrefix) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto key = awkward_key(random), prefix = awkward_key(random);
    const auto row = keys::version(id, key, 1);
    const auto start = keys::key_prefix(id, prefix);
    EXPECT_EQ(row.starts_with(start), key.starts_with(prefix));
    const auto beyond = keys::after_prefix(start);
    EXPECT_EQ(row >= start && row < beyond, key.starts_with(prefix));
  }
}

TEST(KeyCodec, SortsNewerVersionsFirst) {
  EXPECT_LT(keys::version(id, "k", 9), keys::version(id, "k", 8));
  EXPECT_LT(keys::version(id, "k", 1ull << 40), keys::version(id, "k", 255));
}

TEST(KeyCodec, KeepsBucketsApartAndInTheOrderOfTheirHashes) {
  for (char c = 'a'; c < 'z'; ++c) {
    const std::string one(16, c), other(16, static_cast<char>(c + 1));
    const auto hash_of = [](const std::string& row) { return keys::read_number(row.substr(0, 8)); };
    const auto a = keys::bucket(one), b = keys::bucket(other);
    EXPECT_EQ(a < b, hash_of(a) < hash_of(b));
    EXPECT_FALSE(keys::object_key(other, "k").starts_with(a));
  }
}

TEST(KeyCodec, SortsPartsByNumberBehindTheirUpload) {
  const auto upload = keys::upload(id, "k", std::string(16, 'u'));
  EXPECT_LT(keys::part(upload, 2), keys::part(upload, 10));
  EXPECT_LT(keys::part(upload, 255), keys::part(upload, 256));
  EXPECT_TRUE(keys::part(upload, 1).starts_with(upload));
}

TEST(KeyCodec, NoClientsRowsStartLikeAnothers) {
  EXPECT_FALSE(keys::client("n10", 1).starts_with(keys::client_node("n1")));
  EXPECT_FALSE(keys::owned_bucket("ab", "c").starts_with(keys::owner("a")));
}

TEST(KeyCodec, RefusesRowsThatItNeverWrote) {
  const auto row = keys::object_key(id, "key");
  for (std::size_t size = 0; size < row.size(); ++size)
    EXPECT_FALSE(keys::read_tail(std::string_view(row).substr(0, size)));
  EXPECT_FALSE(keys::read_tail(keys::bucket(id) + std::string("a\0b", 3)));
}

TEST(KeyCodec, NothingComesAfterAPrefixOfOnlyTheGreatestBytes) {
  EXPECT_EQ(keys::after_prefix("\xff\xff"), "");
  EXPECT_EQ(keys::after_prefix("a\xff"), "b");
}
