#include "actors/balancer/failure_window.hpp"

#include <gtest/gtest.h>

namespace {

using dunlin::failure_window;
using namespace std::chrono_literals;

TEST(FailureWindow, CountsThePartOfFiveMinutesThatFailed_B5_C7) {
  failure_window window;
  EXPECT_EQ(window.failed_part(0ms), 0);
  for (int i = 0; i < 3; ++i)
    window.add(1s, false);
  window.add(2s, true);
  EXPECT_DOUBLE_EQ(window.failed_part(2s), 0.25);
  EXPECT_DOUBLE_EQ(window.failed_part(299s), 0.25);
  EXPECT_EQ(window.failed_part(300s), 0);
}

TEST(FailureWindow, ASliceIsUsedAnewAfterItsTime) {
  failure_window window;
  window.add(1s, true);
  window.add(301s, false);
  EXPECT_EQ(window.failed_part(301s), 0);
  window.add(302s, true);
  EXPECT_DOUBLE_EQ(window.failed_part(302s), 0.5);
}

}  // namespace
