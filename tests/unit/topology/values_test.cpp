#include "runtime/topology/values.hpp"
#include "runtime/topology/spelling.hpp"

#include <gtest/gtest.h>

using namespace dunlin::topology;
using namespace std::chrono_literals;

TEST(Values, ReadDurationsWithTheirUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("3s"), 3000ms);
  EXPECT_EQ(parse_duration("2 m"), 120000ms);
  for (const auto* bad :
       {"", "5", "s", "-1s", "1.5s", "1h", "1s ", "99999999999999999999s", "9999999999999999m"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Values, ReadSizesInBytesOrWithAUnit) {
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("5 GiB"), 5ull << 30);
  for (const auto* bad : {"", "KiB", "1KB", "-1", "1e3", "99999999999GiB"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Values, ReadAddresses) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:80")->text(), "127.0.0.1:80");
  EXPECT_EQ(parse_endpoint("[fe80::1]:80")->host, "fe80::1");
  EXPECT_EQ(parse_endpoint("[fe80::1]:80")->text(), "[fe80::1]:80");
  EXPECT_EQ(parse_endpoint("Node-1.example.org:65535")->port, 65535);
  for (const auto* bad : {"", ":", ":80", "host", "host:", "host:0", "host:65536", "host:-1",
                          "host:8x", "::1:80", "[::1]", "[x]:80", "a b:80", "127.0.0.256:80",
                          "127.1:80", "-a:80", "a..b:80", "http://a:80"})
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
}

TEST(Values, KnowWildcardsAndLoopback) {
  for (const auto* text : {"0.0.0.0:1", "[::]:1", "*:1"})
    EXPECT_TRUE(wildcard(*parse_endpoint(text))) << text;
  for (const auto* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    EXPECT_FALSE(wildcard(*parse_endpoint(text))) << text;
    EXPECT_TRUE(parse_endpoint(text)->loopback()) << text;
  }
  for (const auto* text : {"10.0.0.1:1", "[fe80::1]:1", "example.org:1", "0.0.0.0:1"})
    EXPECT_FALSE(parse_endpoint(text)->loopback()) << text;
}

TEST(Values, NamesFitCertificatesAndFolders) {
  for (const auto* good : {"n1", "a", "rack-1-node-2", "0"})
    EXPECT_TRUE(good_name(good)) << good;
  for (const auto* bad : {"", "N1", "-a", "a-", "a.b", "a/b", "a b", "..", "ü"})
    EXPECT_FALSE(good_name(bad)) << bad;
  EXPECT_FALSE(good_name(std::string(64, 'a')));
}

TEST(Values, AreShownAsTheyAreWritten) {
  EXPECT_EQ(show_size(16u << 20), "16MiB");
  EXPECT_EQ(show_size(1000), "1000B");
  EXPECT_EQ(show_duration(1500ms), "1500ms");
  EXPECT_EQ(show_duration(2000ms), "2s");
}

TEST(Spelling, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("databsae", "database"), 1u);
}

TEST(Spelling, SuggestsTheNearWordOrListsThemAll) {
  EXPECT_EQ(suggest("acess", {"database", "storage", "access"}), "did you mean 'access'?");
  EXPECT_EQ(suggest("gateway", {"database", "storage", "access"}),
            "one of: database, storage, access");
}
