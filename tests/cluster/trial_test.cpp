// Trials: everything at once, from a seed (U4). tools/soak runs thousands of fresh ones; these are
// the fixed ones of every push, and the seeds that have found something. docs/testing.md.

#include "apps/testkit/trial.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

using namespace dunlin::testkit;

namespace {

void expect_passed(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto report = run_trial({.seed = seed});
  EXPECT_TRUE(report.failures.empty())
      << joined(report.failures) << joined(report.story) << joined(report.trace);
  EXPECT_GE(report.virtual_seconds, 60);
  EXPECT_GE(report.operations, 200u);
  EXPECT_GE(report.faults.size(), 3u);
}

}  // namespace

TEST(Trial, TheFullMixOfFaultsLosesNothingAcknowledged) {
  for (const auto seed : seeds(12))
    expect_passed(seed);
}

TEST(Trial, TheSameSeedGivesTheSameEventsByteForByte) {
  const trial_options what{.seed = 4711, .seconds = 15, .trace = true};
  const auto one = run_trial(what), again = run_trial(what);
  EXPECT_EQ(one.history, again.history);
  EXPECT_TRUE(one.trace == again.trace);
  EXPECT_GT(one.trace.size(), 10'000u);
  const auto other = run_trial({.seed = 4712, .seconds = 15, .trace = true});
  EXPECT_NE(one.history, other.history);
}

TEST(Trial, WatchingASeedCloselyDoesNotChangeIt) {
  const auto seen = run_trial({.seed = 11, .seconds = 15, .trace = true});
  const auto unseen = run_trial({.seed = 11, .seconds = 15});
  EXPECT_EQ(seen.history, unseen.history);
}
