#include "apps/dunlin/restart_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace std::chrono_literals;
using dunlin::commands::restart_policy;

TEST(RestartPolicy, DoublesFromHalfASecondToTen) {
  restart_policy policy;
  std::vector<std::chrono::milliseconds> delays;
  for (int i = 0; i < 7; ++i) {
    policy.on_started(0ms);
    delays.push_back(policy.on_ended(100ms));
  }
  EXPECT_THAT(delays, ::testing::ElementsAre(500ms, 1s, 2s, 4s, 8s, 10s, 10s));
}

TEST(RestartPolicy, ForgetsAfterAHealthyLife) {
  restart_policy policy;
  for (int i = 0; i < 5; ++i)
    policy.on_ended(0ms);
  policy.on_started(100s);
  EXPECT_EQ(policy.on_ended(130s), 500ms);
  policy.on_started(131s);
  EXPECT_EQ(policy.on_ended(132s), 1s);
}
