#include "actors/near_cache/sample_gate.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace dunlin;
using time_type = sample_gate::time;

/// Of `a_second` answers in each of so many seconds, how many pass in each.
static std::vector<int> passed(sample_gate gate, int a_second, int seconds) {
  std::vector<int> all;
  for (int second = 1; second <= seconds; ++second) {
    all.push_back(0);
    for (int i = 0; i < a_second; ++i)
      all.back() += gate.passes(time_type{second * 1000 + i * 1000 / a_second});
  }
  return all;
}

TEST(SampleGate, X2AllOfAFewPassAndOfManyAsManyAsAreWanted) {
  for (const auto count : passed(sample_gate{5}, 3, 4))
    EXPECT_EQ(count, 3);
  for (const auto count : passed(sample_gate{5}, 10'000, 4))
    EXPECT_EQ(count, 5);
  for (const auto count : passed(sample_gate{0}, 100, 2))
    EXPECT_EQ(count, 0);
}

TEST(SampleGate, X2TheyAreSpreadOverTheSecond) {
  sample_gate gate{4};
  std::vector<int> at;
  for (int ms = 1000; ms < 3000; ++ms)
    if (gate.passes(time_type{ms}) && ms >= 2000) at.push_back(ms);
  EXPECT_EQ(at, (std::vector<int>{2000, 2250, 2500, 2750}));
}
