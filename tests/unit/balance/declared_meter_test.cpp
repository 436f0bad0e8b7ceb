#include "runtime/balance/declared_meter.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace dunlin::balance {
namespace {

struct DeclaredMeter : testing::Test {
  std::map<std::uint64_t, declared_meter::account> all{{1, {}}};
  declared_meter meter;
  declared_meter::time now = 1s;

  /// What all use a second, over one sample of `length`.
  double sample(declared_meter::time length = 100ms) {
    const auto before = meter.spread_of_all();
    meter.on_sample(now += length, all);
    return (meter.spread_of_all() - before) / (static_cast<double>(length.count()) / 1000);
  }
  /// A request of `cost` every two seconds, so many times, with samples between.
  void ask(double cost, int times) {
    for (int i = 0; i < times; ++i) {
      all[1].declared += cost;
      for (int j = 0; j < 20; ++j)
        sample();
    }
  }
};

TEST_F(DeclaredMeter, B3LumpsAreSpreadOverTheTimeBetweenThem) {
  ask(10, 3);
  for (int i = 0; i < 40; ++i) {
    if (i % 20 == 0) all[1].declared += 10;
    EXPECT_NEAR(sample(), 5, 1e-9) << i;
  }
  EXPECT_NEAR(meter.spread(1), meter.spread_of_all(), 1e-9);
}

TEST_F(DeclaredMeter, B3RequestsMoreOftenThanSamplesAreTheirSum) {
  for (int i = 0; i < 10; ++i) {
    all[1].declared += 50;
    const auto rate = sample(5s);
    if (i > 0) {
      EXPECT_NEAR(rate, 10, 1e-9);
    }
  }
}

TEST_F(DeclaredMeter, B3SilenceIsNoLoadForLong) {
  ask(10, 3);
  double rate = 0;
  for (int i = 0; i < 380; ++i)
    rate = sample();
  EXPECT_LT(rate, 5 / 90.0);
  EXPECT_LT(meter.spread_of_all(), 60);  // 30 were declared
}

TEST_F(DeclaredMeter, B3OneThatCameFromElsewhereIsKnownBeforeItAsksTwice) {
  all[1].known = 7;
  sample();
  EXPECT_EQ(sample(), 0);  // it has not asked yet: the credit of its acceptance holds
  all[1].declared = 10;
  sample();
  EXPECT_NEAR(sample(), 7, 1e-9);
}

TEST_F(DeclaredMeter, B3OneThatCameFromElsewhereCountsAtOnceUntilItIsDue) {
  ask(10, 3);  // every two seconds: 5 a second
  all[2].known = 7;
  EXPECT_NEAR(sample(), 5 + 7, 1e-9);
  double rate = 0;
  for (int i = 0; i < 60; ++i) {
    if (i % 20 == 0) all[1].declared += 10;
    rate = sample();
  }
  EXPECT_NEAR(rate, 5, 1e-9);  // it should have asked
  all[2].declared = 4;
  EXPECT_NEAR(sample(), 5 + 7, 1e-9);
}

TEST_F(DeclaredMeter, B3AStrangerIsTakenToAskAsOftenAsTheOthers) {
  ask(10, 3);
  all[2].declared = 1000;
  sample();
  EXPECT_NEAR(sample(), 5 + 500, 1e-9);
}

TEST_F(DeclaredMeter, B3OneThatIsGoneUsesNothing) {
  ask(10, 3);
  all.clear();
  EXPECT_EQ(sample(), 0);
  EXPECT_EQ(meter.spread(1), 0);
}

TEST_F(DeclaredMeter, AClockThatStandsStillChangesNothing) {
  ask(10, 3);
  all[1].declared += 10;
  const auto before = meter.spread_of_all();
  meter.on_sample(now, all);
  meter.on_sample(now - 1s, all);
  EXPECT_EQ(meter.spread_of_all(), before);
}

}  // namespace
}  // namespace dunlin::balance
