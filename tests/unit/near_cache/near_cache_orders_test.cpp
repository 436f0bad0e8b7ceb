// What operators set and drop, and what they are told (Q6, Q16, Q23, X2).
#include "tests/unit/near_cache/shell_fixture.hpp"

namespace dunlin::testing_near_cache {

TEST_F(NearCacheActor, Q6ParametersAreObeyedAtOnce) {
  look("b");
  set_cache wish;
  wish.validated = true;
  call<accepted>(wish);
  EXPECT_FALSE(look("b")->answer->from_cache);
  EXPECT_EQ(call<v1::CacheStatus>(v1::GetCacheStatus()).mode(), "validated");
  wish.staleness_max = -1ms;
  call<accepted>(wish);
  EXPECT_EQ(failed, ec::invalid_argument);
}

TEST_F(NearCacheActor, Q6EntriesExpire) {
  look("b");
  advance(62s, 500ms);
  EXPECT_EQ(figure("items"), 0u);
  EXPECT_EQ(figure("deaths_total", "expiry"), 1u);
}

TEST_F(NearCacheActor, Q23AllIsDroppedOnCommand) {
  look("b");
  call<accepted>(drop_cache{});
  EXPECT_EQ(figure("deaths_total", "command"), 1u);
  EXPECT_FALSE(look("b")->answer->from_cache);
}

TEST_F(NearCacheActor, Q16ItTakesInstructionsOfItsTypeAndService) {
  look("b");
  EXPECT_TRUE(call<caches_changed>(change_caches{"user", std::nullopt, std::nullopt}).all.empty());
  EXPECT_TRUE(call<caches_changed>(change_caches{"bucket", 4, std::nullopt}).all.empty());
  EXPECT_EQ(figure("items"), 1u);
  const auto dropped = call<caches_changed>(change_caches{"bucket", 3, std::nullopt});
  ASSERT_EQ(dropped.all.size(), 1u);
  EXPECT_EQ(dropped.all[0].type, "bucket");
  EXPECT_EQ(dropped.all[0].service, 3u);
  EXPECT_EQ(dropped.all[0].error, "");
  EXPECT_EQ(figure("items"), 0u);
  change_caches wish;
  wish.set.emplace().invalidation_interval = 7s;
  EXPECT_EQ(call<caches_changed>(wish).all.at(0).error, "");
  EXPECT_EQ(figure("invalidation_interval_ms"), 7000u);
  wish.set->time_to_live = -1s;
  EXPECT_EQ(call<caches_changed>(wish).all.at(0).error, "invalid argument");
}

TEST_F(NearCacheActor, Q23WhatIsHeldIsDroppedPeriodically) {
  set_cache wish;
  wish.invalidation_interval = 5s;
  call<accepted>(wish);
  for (int round = 1; round <= 3; ++round) {
    EXPECT_FALSE(look("b")->answer->from_cache);
    advance(5s, 100ms);
    EXPECT_EQ(figure("items"), 0u);
    EXPECT_EQ(figure("deaths_total", "command"), static_cast<std::uint64_t>(round));
  }
}

TEST_F(NearCacheActor, X2TellsTheSamplerOfSomeAnswersThatNoLeaderWasAskedFor) {
  look("b");
  EXPECT_TRUE(samples.empty());
  for (int i = 0; i < 10; ++i)
    look("b");
  look("b", true);
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].type, "bucket");
  EXPECT_EQ(samples[0].service, 3u);
  EXPECT_EQ(samples[0].key, "b");
  EXPECT_EQ(samples[0].tick, 5u);
  EXPECT_EQ(samples[0].bound, 1s);
  EXPECT_LT(system.clock().now().time_since_epoch() - samples[0].served_at, 1us);
  set_cache validate;
  validate.validated = true;
  call<accepted>(validate);
  advance(2s);
  look("b");
  EXPECT_EQ(samples.size(), 2u);
}

TEST_F(NearCacheActor, X2SaysHowOldWhatItServedMayHaveBeen) {
  look("b");
  look("b");
  advance(100ms);
  look("b");
  EXPECT_EQ(figure("hits_total"), 2u);
  EXPECT_EQ(figure("age_p50_ms"), 1u);
  EXPECT_EQ(figure("age_p99_ms"), 100u);
  EXPECT_EQ(figure("age_max_ms"), 100u);
  EXPECT_EQ(call<v1::CacheStatus>(v1::GetCacheStatus()).service(), 3u);
}

}  // namespace dunlin::testing_near_cache
