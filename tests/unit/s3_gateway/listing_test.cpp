#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/error.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

class Listing : public testing::Test {
protected:
  Listing() { EXPECT_EQ(root.put("/bucket").status, 200); }
  void put_all(const std::vector<std::string>& keys) {
    for (const auto& key : keys)
      EXPECT_EQ(root.put("/bucket/" + percent_encode(key, true), "x").status, 200);
  }
  cluster world;
  client root{world};
};

using strings = std::vector<std::string>;

}  // namespace

TEST_F(Listing, Version2SaysKeysSizesAndTags) {
  put_all({"b", "a"});
  const auto got = root.get("/bucket?list-type=2");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(elements(got.body, "Key"), (strings{"a", "b"}));
  EXPECT_EQ(element(got.body, "Size"), "1");
  EXPECT_EQ(element(got.body, "KeyCount"), "2");
  EXPECT_EQ(element(got.body, "IsTruncated"), "false");
  EXPECT_EQ(element(got.body, "LastModified"), "2015-08-30T12:36:00.000Z");
  EXPECT_EQ(element(got.body, "StorageClass"), "STANDARD");
  EXPECT_EQ(element(got.body, "ETag"), "&quot;9dd4e461268c8034f5c8564e155c67a6&quot;");
  EXPECT_EQ(elements(got.body, "Owner").size(), 0u);
  EXPECT_EQ(elements(root.get("/bucket?list-type=2&fetch-owner=true").body, "Owner").size(), 2u);
}

TEST_F(Listing, Version2PagesByToken) {
  strings keys;
  for (int i = 0; i < 7; ++i)
    keys.push_back("k" + std::to_string(i));
  put_all(keys);
  strings seen_keys;
  std::string more;
  for (int page = 0; page < 4; ++page) {
    const auto got = root.get("/bucket?list-type=2&max-keys=2" + more);
    for (auto& key : elements(got.body, "Key"))
      seen_keys.push_back(key);
    const auto token = element(got.body, "NextContinuationToken");
    EXPECT_EQ(element(got.body, "IsTruncated"), page < 3 ? "true" : "false");
    EXPECT_EQ(token.empty(), page == 3);
    more = "&continuation-token=" + percent_encode(token, false);
  }
  EXPECT_EQ(seen_keys, keys);
  EXPECT_EQ(elements(root.get("/bucket?list-type=2&start-after=k4").body, "Key"),
            (strings{"k5", "k6"}));
}

TEST_F(Listing, PrefixAndDelimiterRollUpFolders) {
  put_all({"a/1", "a/2", "b/1", "c", "d/e/f"});
  const auto top = root.get("/bucket?list-type=2&delimiter=%2F");
  EXPECT_EQ(elements(top.body, "Key"), (strings{"c"}));
  EXPECT_EQ(elements(top.body, "CommonPrefixes"),
            (strings{"<Prefix>a/</Prefix>", "<Prefix>b/</Prefix>", "<Prefix>d/</Prefix>"}));
  EXPECT_EQ(element(top.body, "KeyCount"), "4");
  const auto below = root.get("/bucket?list-type=2&delimiter=/&prefix=d/");
  EXPECT_EQ(elements(below.body, "CommonPrefixes"), (strings{"<Prefix>d/e/</Prefix>"}));
  EXPECT_EQ(elements(root.get("/bucket?prefix=a/").body, "Key"), (strings{"a/1", "a/2"}));
}

TEST_F(Listing, Version1PagesByMarker) {
  put_all({"a/1", "a/2", "b", "c"});
  const auto first = root.get("/bucket?max-keys=1&delimiter=/");
  EXPECT_EQ(element(first.body, "NextMarker"), "a/");
  EXPECT_EQ(element(first.body, "IsTruncated"), "true");
  const auto second = root.get("/bucket?max-keys=1&delimiter=/&marker=a%2F");
  EXPECT_EQ(elements(second.body, "Key"), (strings{"b"}));
  EXPECT_EQ(element(second.body, "Marker"), "a/");
  const auto plain = root.get("/bucket?max-keys=2");
  EXPECT_EQ(elements(plain.body, "NextMarker").size(), 0u);
  EXPECT_EQ(elements(plain.body, "Owner").size(), 2u);
}

TEST_F(Listing, UrlEncodingCarriesAnyKey) {
  put_all({"a b/\x01<", "\xff"});
  const auto got = root.get("/bucket?list-type=2&encoding-type=url&start-after=%21");
  EXPECT_EQ(elements(got.body, "Key"), (strings{"a%20b/%01%3C", "%FF"}));
  EXPECT_EQ(element(got.body, "EncodingType"), "url");
  EXPECT_EQ(element(got.body, "StartAfter"), "%21");
  EXPECT_EQ(elements(root.get("/bucket").body, "Key")[0], "a b/&#x1;&lt;");
}

TEST_F(Listing, MaxKeysZeroIsAnEmptyList) {
  put_all({"a"});
  const auto got = root.get("/bucket?list-type=2&max-keys=0");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(element(got.body, "MaxKeys"), "0");
  EXPECT_EQ(element(got.body, "IsTruncated"), "false");
  EXPECT_EQ(elements(got.body, "Key").size(), 0u);
  EXPECT_EQ(element(root.get("/bucket?max-keys=5000").body, "MaxKeys"), "1000");
}

TEST_F(Listing, Row22BrokenNumbersAndTokens) {
  for (const auto* query :
       {"max-keys=-1", "max-keys=x", "max-keys=99999999999", "list-type=2&continuation-token=abc",
        "list-type=2&continuation-token=", "list-type=2&continuation-token=AAAAAAAA", "list-type=3",
        "encoding-type=base64"}) {
    const auto got = root.get("/bucket?" + std::string(query));
    EXPECT_EQ(got.status, 400) << query;
    EXPECT_EQ(got.code(), "InvalidArgument") << query;
  }
}

TEST_F(Listing, OverlongPositionsAreTheClientsMistake) {
  const std::string overlong(1025, 'a');
  for (const auto* name : {"prefix", "delimiter", "marker"}) {
    const auto got = root.get("/bucket?" + std::string(name) + "=" + overlong);
    EXPECT_EQ(got.status, 400) << name;
  }
}

TEST(ListingTokens, AreOurOwnOrNone) {
  EXPECT_EQ(read_token(make_token("a/b\xff")), "a/b\xff");
  EXPECT_THROW(read_token(make_token("a").substr(1)), failure);
}

}  // namespace dunlin::s3::test
