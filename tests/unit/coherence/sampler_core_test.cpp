#include "actors/coherence/sampler_core.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using core = sampler_core;
using time_type = core::time;

namespace {

struct SamplerCore : testing::Test {
  /// Served at 1 s, asked and heard so long after that; the leader says `age`. Only what is beyond
  /// the bound.
  std::optional<core::judgement> judge(time_type asked, time_type heard, core::change_age said) {
    const auto request = sampler.on_sample(1s + asked, {{"bucket", 1}, 7, 1s, 500ms});
    EXPECT_TRUE(request);
    const auto found = sampler.on_answer(1s + heard, *request, said);
    return found && found->violation ? found : std::nullopt;
  }
  const staleness_figures& figures() { return sampler.figures().at({"bucket", 1}); }
  core sampler{{.in_flight_max = 3, .a_second = 5}};
};

}  // namespace

TEST_F(SamplerCore, X2WhatWasTheNewestIsNotStale) {
  EXPECT_FALSE(judge(1ms, 3ms, {0, 0us, 60s}));
  EXPECT_FALSE(judge(1ms, 3ms, {9, 500us, 60s}));  // overtaken after it was asked for
  EXPECT_EQ(figures().samples, 2u);
  EXPECT_EQ(figures().stale + figures().unsure, 0u);
}

TEST_F(SamplerCore, X2WhatWasOvertakenWhileTheLeaderWasAskedIsToldApart) {
  EXPECT_FALSE(judge(1ms, 3ms, {9, 2ms, 60s}));  // between 1 ms before and 1 ms after serving
  EXPECT_EQ(figures().unsure, 1u);
  EXPECT_EQ(figures().stale, 0u);
  EXPECT_EQ(figures().max, 1ms);
}

TEST_F(SamplerCore, X2StalenessIsAnIntervalAsWideAsTheTimeOfAsking) {
  EXPECT_FALSE(judge(1ms, 3ms, {9, 43ms, 60s}));
  EXPECT_EQ(figures().stale, 1u);
  EXPECT_EQ(figures().surely_max, 40ms);
  EXPECT_EQ(figures().max, 42ms);
}

TEST_F(SamplerCore, X2OnlyWhatWasSurelyStalerThanItsBoundIsAViolation) {
  EXPECT_FALSE(judge(0ms, 200ms, {9, 700ms, 60s}));  // at least 500 ms
  EXPECT_FALSE(judge(0ms, 200ms, {9, 702ms, 60s}));  // within what clocks differ
  const auto found = judge(0ms, 200ms, {9, 710ms, 60s});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->at_least, 510ms);
  EXPECT_EQ(found->next_tick, 9u);
  EXPECT_EQ(found->what.tick, 7u);
  EXPECT_EQ(figures().violations, 1u);
}

TEST_F(SamplerCore, X2WhatTheLeaderCannotRememberIsNoSample) {
  EXPECT_FALSE(judge(1ms, 3ms, {0, 0us, 2ms}));
  EXPECT_EQ(figures().samples, 0u);
  EXPECT_EQ(figures().unanswered, 1u);
  EXPECT_FALSE(judge(1ms, 3ms, {9, 1ms, 2ms}));  // but what it does remember counts
  EXPECT_EQ(figures().samples, 1u);
}

TEST_F(SamplerCore, X2NoMoreAreAskedForThanTheBounds) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(sampler.on_sample(5s, {{"user", 1}, 1, 5s, 1s}));
  EXPECT_FALSE(sampler.on_sample(5s, {{"user", 1}, 1, 5s, 1s}));
  EXPECT_EQ(sampler.in_flight(), 3u);
  EXPECT_EQ(sampler.figures().at({"user", 1}).unanswered, 1u);
  for (core::request_id id = 1; id <= 3; ++id)
    sampler.on_failed(id);
  EXPECT_EQ(sampler.figures().at({"user", 1}).unanswered, 4u);
  EXPECT_TRUE(sampler.on_sample(5500ms, {{"user", 1}, 1, 5s, 1s}));
  EXPECT_FALSE(sampler.on_sample(5600ms, {{"user", 1}, 1, 5s, 1s}));  // the sixth of this second
  EXPECT_TRUE(sampler.on_sample(6s, {{"user", 1}, 1, 5s, 1s}));
  EXPECT_FALSE(sampler.on_answer(7s, 77, {9, 10s, 60s}));  // of nobody
}
