#include "runtime/balance/load_meter.hpp"

#include <gtest/gtest.h>

#include <cmath>

using namespace dunlin::balance;
using namespace std::chrono_literals;

namespace {

std::vector<resource_sample> cpu(double load, double native = 1) {
  return {{resource::cpu, load, native}};
}

parts everything(double part) {
  parts made;
  made.fill(part);
  return made;
}

double cpu_load(const load_meter& of) { return of.loads().at(0).load; }

}  // namespace

TEST(LoadMeter, L1LoadAndCapacityAreInOneUnit) {
  load_meter meter{load{}};
  meter.on_sample(0s, {{resource::net, 500, 1000}, {resource::cpu, 1, 4}});
  const auto all = meter.loads();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], (resource_use{resource::cpu, 1, 4 * 0.95}));
  EXPECT_EQ(all[1], (resource_use{resource::net, 500, 950}));
  EXPECT_DOUBLE_EQ(meter.level(), 500.0 / 950);
}

TEST(LoadMeter, L2RecentLoadIsCombinedWithDecayedHistory) {
  load settings;
  settings.credit = false;
  load_meter meter{settings};
  meter.on_sample(0s, cpu(1));
  EXPECT_DOUBLE_EQ(cpu_load(meter), 1);
  meter.on_sample(60s, cpu(0));
  EXPECT_NEAR(cpu_load(meter), 0.5 * std::exp(-1), 1e-12);
  meter.on_sample(120s, cpu(0));
  EXPECT_NEAR(cpu_load(meter), 0.5 * std::exp(-2), 1e-12);
}

TEST(LoadMeter, L2LinearDecayForgetsAtItsLength) {
  load settings;
  settings.shape = decay::linear;
  settings.history = 60s;
  settings.latest_weight = 0;
  load_meter meter{settings};
  meter.on_sample(0s, cpu(1));
  meter.on_sample(30s, cpu(0));
  EXPECT_NEAR(cpu_load(meter), 0.5 / 1.5, 1e-12);  // weights 0.5 and 1
  meter.on_sample(60s, cpu(0));
  EXPECT_DOUBLE_EQ(cpu_load(meter), 0);
}

TEST(LoadMeter, L3PartOfTheCapacityIsKeptForFailures) {
  load settings;
  settings.failure_overhead = 0.25;
  load_meter meter{settings};
  meter.on_sample(0s, cpu(0.6, 1));
  EXPECT_DOUBLE_EQ(meter.level(), 0.8);
}

TEST(LoadMeter, AnAcceptedConnectionCountsUntilHistoryHasSeenIt) {
  load_meter meter{load{}};
  meter.on_sample(0s, cpu(0));
  meter.on_accepted(0.2);
  EXPECT_DOUBLE_EQ(meter.level(), 0.2);
  EXPECT_EQ(level_of(meter.loads_measured()), 0);
  // From then on it uses what was expected: the level stays what it is.
  for (int i = 1; i <= 30; ++i) {
    meter.on_sample(i * 5s, cpu(0.2 * 0.95));
    EXPECT_NEAR(meter.level(), 0.2, 1e-9) << i;
  }
}

TEST(LoadMeter, WhatHasLeftNoLongerCountsThoughHistoryRemembersIt) {
  load_meter meter{load{}};
  for (int i = 0; i <= 100; ++i)
    meter.on_sample(i * 5s, cpu(0.5 * 0.95));
  meter.on_departed(0s, 0.2, everything(0.2));
  EXPECT_NEAR(meter.level(), 0.3, 1e-9);
  for (int i = 101; i <= 130; ++i) {
    meter.on_sample(i * 5s, cpu(0.3 * 0.95));
    EXPECT_NEAR(meter.level(), 0.3, 1e-9) << i;
  }
}

TEST(LoadMeter, TheCreditOfOneThatNeverCameIsTakenBack) {
  load_meter meter{load{}};
  meter.on_sample(0s, cpu(0.1));
  const auto before = meter.level();
  meter.on_accepted(0.2);
  meter.on_never_came(1s, 0.2);
  EXPECT_NEAR(meter.level(), before, 1e-12);
  meter.on_accepted(0.2);
  meter.on_sample(5s, cpu(0.1));
  meter.on_sample(10s, cpu(0.1));
  EXPECT_GT(meter.level(), before);
  meter.on_never_came(2s, 0.2);
  EXPECT_NEAR(meter.level(), before, 0.01);
}

TEST(LoadMeter, ShortLivedConnectionsLeaveNoLoadBehind) {
  load_meter meter{load{}};
  meter.on_sample(0s, cpu(0.1));
  for (int i = 1; i <= 60; ++i) {
    for (int n = 0; n < 50; ++n) {
      const auto at = (i - 1) * 5s + n * 100ms;
      meter.on_accepted(0.01);
      meter.on_departed(at, 0.01, {});
    }
    meter.on_sample(i * 5s, cpu(0.1));
    EXPECT_NEAR(meter.level(), 0.1 / 0.95, 1e-9) << i;
  }
}

TEST(LoadMeter, ACreditThatExpectedTooMuchGoesWithItsConnection) {
  load_meter meter{load{}};
  meter.on_sample(0s, cpu(0.1));
  meter.on_accepted(0.05);
  for (int i = 1; i <= 4; ++i)
    meter.on_sample(i * 5s, cpu(0.1 + 0.01 * 0.95));
  meter.on_departed(0s, 0.05, everything(0.01));
  EXPECT_NEAR(meter.level(), 0.1 / 0.95, 1e-9);
  meter.on_sample(25s, cpu(0.1));
  EXPECT_NEAR(meter.level(), 0.1 / 0.95, 1e-9);
}

TEST(LoadMeter, WhatADepartureFreesIsOfTheResourcesThatItUsed) {
  load_meter meter{load{}};
  for (int i = 0; i <= 100; ++i)
    meter.on_sample(i * 5s, {{resource::cpu, 0.9, 1}, {resource::net, 0.5, 1}});
  parts used{};
  used[static_cast<std::size_t>(resource::net)] = 0.4;
  meter.on_departed(0s, 0.05, used);
  EXPECT_NEAR(part_of(meter.loads()[0]), 0.9 / 0.95, 1e-4);
  EXPECT_NEAR(part_of(meter.loads()[1]), 0.5 / 0.95 - 0.4, 1e-4);
}

TEST(LoadMeter, NoMoreIsTakenBackThanThereIs) {
  load_meter meter{load{}};
  meter.on_sample(0s, cpu(0.1));
  for (int i = 0; i < 10; ++i)
    meter.on_departed(-600s, 0, everything(2));
  EXPECT_NEAR(meter.level(), 0, 1e-9);
  meter.on_accepted(0.05);
  EXPECT_NEAR(meter.level(), 0.05, 1e-9);
}

TEST(LoadMeter, AGuessIsCreditedUpToATwentiethAndAMeasurementUpToHalfOfTheNode) {
  EXPECT_DOUBLE_EQ(credit_for(0.02, 1, 1000), 0.02);
  EXPECT_DOUBLE_EQ(credit_for(0.3, 1, 1000), 0.05);
  EXPECT_DOUBLE_EQ(credit_for(0.3, 1, 1000, true), 0.3);
  EXPECT_DOUBLE_EQ(credit_for(99, 1, 1000, true), 0.5);
  EXPECT_DOUBLE_EQ(credit_for(0, 1, 1000, true), 0.001);
}

TEST(LoadMeter, L7CreditsAndWeightsAreSettings) {
  load settings;
  settings.credit = false;
  settings.latest_weight = 1;
  load_meter meter{settings};
  meter.on_sample(0s, cpu(0.5));
  meter.on_accepted(0.3);
  EXPECT_DOUBLE_EQ(cpu_load(meter), 0.5);
  meter.on_sample(5s, cpu(0.1));
  EXPECT_DOUBLE_EQ(cpu_load(meter), 0.1);
  settings.latest_weight = 0;
  meter.configure(settings);  // B13: what was measured is kept
  EXPECT_GT(cpu_load(meter), 0.4);
}

TEST(LoadMeter, B3AResourceThatIsNoLongerMeasuredDoesNotCount) {
  load_meter meter{load{}};
  meter.on_sample(0s, {{resource::cpu, 0.1, 1}, {resource::declared, 99, 100}});
  EXPECT_GT(meter.level(), 1);
  meter.on_sample(5s, cpu(0.1));
  EXPECT_LT(meter.level(), 0.2);
}
