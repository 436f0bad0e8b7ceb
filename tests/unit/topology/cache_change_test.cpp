#include "runtime/topology/cache_change.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using words = std::map<std::string, std::string>;

static std::string mistake_of(const words& given, const std::string& type = "bucket") {
  const auto outcome = topology::read_cache_change({}, type, given);
  EXPECT_FALSE(outcome.read);
  EXPECT_EQ(outcome.mistakes.size(), 1u);
  return outcome.mistakes.empty() ? "" : outcome.mistakes[0].text + "; " + outcome.mistakes[0].mend;
}

TEST(CacheChange, Q6SetsWhatIsGivenAndNothingElse) {
  const auto outcome = topology::read_cache_change(
      {}, "user", {{"staleness_max", "500ms"}, {"items_max", "7"}, {"values", "true"}});
  ASSERT_TRUE(outcome.read);
  EXPECT_EQ(outcome.read->staleness_max, 500ms);
  EXPECT_EQ(outcome.read->items_max, 7u);
  EXPECT_EQ(outcome.read->values, true);
  EXPECT_FALSE(outcome.read->validated);
  EXPECT_FALSE(outcome.read->time_to_live);
  EXPECT_FALSE(outcome.read->bytes_max);
  EXPECT_FALSE(outcome.read->invalidation_interval);
}

TEST(CacheChange, Q6ReadsEveryParameter) {
  const auto outcome = topology::read_cache_change({}, "object",
                                                   {{"mode", "bounded"},
                                                    {"time_to_live", "10m"},
                                                    {"bytes_max", "1MiB"},
                                                    {"invalidation_interval", "30s"}});
  ASSERT_TRUE(outcome.read);
  EXPECT_EQ(outcome.read->validated, false);
  EXPECT_EQ(outcome.read->time_to_live, 600s);
  EXPECT_EQ(outcome.read->bytes_max, 1u << 20);
  EXPECT_EQ(outcome.read->invalidation_interval, 30s);
  EXPECT_EQ(topology::read_cache_change({}, "object", {{"invalidation_interval", "0s"}})
                .read->invalidation_interval,
            0ms);
}

TEST(CacheChange, TellsTheMistakesOfAFile) {
  EXPECT_EQ(mistake_of({{"mode", "bound"}}),
            "cache.bucket.mode 'bound' is no mode; did you mean 'bounded'?");
  EXPECT_EQ(mistake_of({{"items_max", "0"}}),
            "cache.bucket.items_max 0 is out of range; give 1 to 10000000");
  EXPECT_EQ(mistake_of({{"items_max", "many"}}),
            "cache.bucket.items_max is text; give a whole number");
  EXPECT_EQ(mistake_of({{"time_to_live", "10"}}),
            "cache.bucket.time_to_live is no duration; write a number and ms, s or m, for example "
            "\"250ms\"");
  EXPECT_EQ(
      mistake_of({{"invalidation_interval", "500ms"}}),
      "cache.bucket.invalidation_interval 500ms is out of range; give 1s to 86400s, or 0s for "
      "never");
  EXPECT_EQ(mistake_of({{"staleness_max", "300ms"}}),
            "cache.bucket.staleness_max is 300ms, less than two news intervals of 250ms; set "
            "staleness_max = \"500ms\" or more, or mode = \"validated\"");
  EXPECT_EQ(mistake_of({{"values", "1"}}),
            "cache.bucket.values is a whole number; give true or false");
  EXPECT_EQ(mistake_of({{"value", "true"}}),
            "unknown key 'cache.bucket.value'; did you mean 'values'?");
  EXPECT_EQ(mistake_of({{"values", "true"}}, "bukket"),
            "'bukket' is no type of near caches; did you mean 'bucket'?");
  EXPECT_EQ(
      mistake_of({{"mirror", "true"}}),
      "cache.bucket.mirror cannot be changed while a node runs; set it in the file and restart "
      "the node");
  EXPECT_EQ(mistake_of({}), "nothing is to be changed; give for example staleness_max=500ms");
}

TEST(CacheChange, AValidatedCacheMayHaveAnyBound) {
  EXPECT_TRUE(
      topology::read_cache_change({}, "bucket", {{"mode", "validated"}, {"staleness_max", "300ms"}})
          .read);
}
