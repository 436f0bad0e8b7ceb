// Fleets of cores against the targets of balancing (B2 to B10). Figures of one seed each; a print
// of them: DUNLIN_FIGURES=1.
#include "apps/balance_model/fleet.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <numeric>

using namespace dunlin;
using namespace dunlin::balance_model;

namespace {

void print(const char* name, const fleet_figures& of) {
  if (!std::getenv("DUNLIN_FIGURES")) return;
  std::printf(
      "%-34s mean %.3f max/mean %.3f p95 %.3f p99 %.3f over %.2f%% attempts %.3f closes/ch %.3f "
      "connects %lu failed %lu refused %lu moves %lu (refused %lu, soon %lu) add %.1f min (%lu) "
      "kill %.2f\n",
      name, of.mean, of.max_mean, of.max_mean_p95, of.p99, of.overload * 100, of.attempts_mean,
      of.closes_per_hour, of.connects, of.failed, of.refused, of.moves, of.moves_refused,
      of.moved_soon, of.add_minutes.value_or(-1), of.add_moves, of.kill_peak);
  std::fflush(stdout);
}

fleet_figures run(const char* name, std::uint32_t seed, fleet_options options, double load,
                  balance_trace::shape shape = {}) {
  const auto trace = balance_trace::make_trace(seed, shape);
  const auto capacity = std::accumulate(options.capacities.begin(), options.capacities.end(), 0.0);
  trace_workload work{trace, capacity, load};
  options.seed = seed;
  auto figures = fleet{std::move(options), work}.run();
  print(name, figures);
  return figures;
}

std::vector<double> unequal(std::size_t nodes) {
  const std::vector<double> eight{1, 1, 1, 1, 1.5, 1.5, 0.5, 0.5};
  std::vector<double> made;
  for (std::size_t i = 0; i < nodes; ++i)
    made.push_back(eight[i % 8]);
  return made;
}

/// A trace whose clients all use more for an hour.
class surge final : public workload {
public:
  static constexpr double from = 5400, to = 9000;
  surge(const balance_trace::trace& of, double capacity, double load, double at_most)
      : base_{of, capacity, load}, factor_{at_most / load} {}
  const std::vector<client>& clients() const override { return base_.clients(); }
  double demand(std::size_t of, double time) override {
    return base_.demand(of, time) * (time >= from && time < to ? factor_ : 1);
  }

private:
  trace_workload base_;
  double factor_;
};

/// What must not happen in overload, counted.
struct honesty {
  fleet_figures figures;
  std::uint64_t taken_above = 0;       ///< while the node was above its adjusted capacity
  std::uint64_t refused_below = 0;     ///< as a last resort, below the cap
  std::uint64_t too_soon = 0;          ///< decisions of one node within Tmin
  std::uint64_t refused_in_surge = 0;  ///< clients
  std::uint64_t connects_after = 0, refused_after = 0;  ///< from five minutes after it on

  honesty(std::uint32_t seed, bool last_resort) {
    fleet_options options;
    options.seed = seed;
    options.seconds = 12'600;
    options.steady_from = surge::from;
    options.steady_to = surge::to;
    options.settings.accept.last_resort = last_resort;
    const auto trace = balance_trace::make_trace(seed);
    surge work{trace, 8, 0.7, 1.05};
    const auto settings = options.settings;
    fleet model{std::move(options), work};
    model.watch = [&](double, const node_id&, const balance::offer& what,
                      const balance::verdict& verdict) {
      const auto level = balance::level_of(what.loads);
      taken_above += verdict.accepted && level > 1 ? 1 : 0;
      refused_below +=
          !verdict.accepted && what.last_resort && level <= settings.accept.last_resort_cap ? 1 : 0;
    };
    std::map<node_id, double> last;
    model.watch_decisions = [&](double at, const node_id& node) {
      const auto tmin = static_cast<double>(settings.rebalance.interval_min.count()) / 1000;
      const auto before = last.find(node);
      too_soon += before != last.end() && at - before->second < tmin ? 1 : 0;
      last[node] = at;
    };
    model.watch_connects = [&](double at, bool placed) {
      if (at >= surge::from && at < surge::to) refused_in_surge += placed ? 0 : 1;
      if (at < surge::to + 300) return;
      ++connects_after;
      refused_after += placed ? 0 : 1;
    };
    figures = model.run();
    print(last_resort ? "105 % for an hour" : "105 % for an hour, strict", figures);
    if (std::getenv("DUNLIN_FIGURES"))
      std::printf("  seed %u: refused in it %lu, after it %lu of %lu\n", seed, refused_in_surge,
                  refused_after, connects_after);
  }
};

fleet_options whole_day() {
  fleet_options made;
  made.seconds = 7 * 3600;
  made.add_at = 5 * 3600;
  made.kill_at = 6 * 3600;
  return made;
}

}  // namespace

TEST(Fleet, B2B8B9EightUnequalNodesAreEvenAt70Percent) {
  for (const std::uint32_t seed : {2u, 3u, 6u}) {
    SCOPED_TRACE(seed);
    const auto found = run("8 nodes, 70 %", seed, whole_day(), 0.7);
    EXPECT_LE(found.max_mean, 1.10);  // to pass: 1.15; simulated before it was built: 1.074
    EXPECT_LE(found.max_mean_p95, 1.20);
    EXPECT_LE(found.p99, 0.97);
    EXPECT_LE(found.overload, 0.006);
    EXPECT_EQ(found.failed, 0u);
    EXPECT_LE(found.attempts_mean, 1.05);
    EXPECT_LE(found.closes_per_hour, 0.15);
    EXPECT_EQ(found.moved_soon, 0u);  // B10: none twice within its cool-down
    ASSERT_TRUE(found.add_minutes);
    EXPECT_LE(*found.add_minutes, 10);
    EXPECT_LE(found.add_moves, 30u);  // 3 % of 1000
  }
}

TEST(Fleet, B14DemandThatIsDeclaredEveryTwoMinutesIsStillEvenedOut) {
  double overload = 0;
  for (const std::uint32_t seed : {2u, 3u, 6u}) {
    SCOPED_TRACE(seed);
    auto options = whole_day();
    options.ask_every = 120;
    const auto found = run("8 nodes, 70 %, declared", seed, options, 0.7);
    EXPECT_LE(found.max_mean, 1.13);  // 1.145 where a heavy client went to the least loaded node
    EXPECT_LE(found.max_mean_p95, 1.30);
    EXPECT_LE(found.closes_per_hour, 0.15);
    EXPECT_EQ(found.moved_soon, 0u);
    overload += found.overload / 3;
  }
  EXPECT_LE(overload, 0.006);
}

TEST(Fleet, B2SixtyFourNodesKeepTheTargetsOfEight) {
  balance_trace::shape shape;
  auto options = whole_day();
  options.capacities = unequal(64);
  options.balancers = 8;
  options.seconds = 4 * 3600;
  options.steady_to = 2 * 3600;
  options.add_at = 2 * 3600;
  options.kill_at = 3 * 3600;
  shape.connections = 8000;
  const auto found = run("64 nodes, 70 %", 2, options, 0.7, shape);
  // Of 8000 clients some are heavier than half of a small node: no placement makes those even.
  EXPECT_LE(found.max_mean, 1.35);
  EXPECT_LE(found.p99, 0.97);
  EXPECT_LE(found.overload, 0.006);
  EXPECT_LE(found.attempts_mean, 1.05);
  EXPECT_LE(found.closes_per_hour, 0.2);
  EXPECT_EQ(found.failed, 0u);
  EXPECT_LE(found.add_minutes.value_or(99), 10);
}

TEST(Fleet, B2FiveHundredAndTwelveNodes) {
  if (!std::getenv("DUNLIN_LARGE_FLEETS")) GTEST_SKIP() << "a minute; DUNLIN_LARGE_FLEETS=1";
  balance_trace::shape shape;
  fleet_options options;
  options.capacities = unequal(512);
  options.balancers = 16;
  options.seconds = options.steady_to = 2400;
  options.steady_from = 1500;
  shape.connections = 64'000;
  const auto found = run("512 nodes, 70 %", 2, options, 0.7, shape);
  EXPECT_LE(found.p99, 1.1);
  EXPECT_LE(found.attempts_mean, 1.5);
}

TEST(Fleet, L4PatentNumbersFitAFleetOf35PercentAndRefuseAt70) {
  auto options = whole_day();
  options.settings = balance::patent_settings();
  options.add_at.reset();
  options.kill_at.reset();
  options.seconds = options.steady_to = 3 * 3600;
  const auto light = run("patent, 35 %", 2, options, 0.35);
  EXPECT_LE(light.attempts_mean, 1.5);
  EXPECT_LE(light.failed * 1000, light.connects);
  const auto heavy = run("patent, 70 %", 2, options, 0.7);
  EXPECT_GE(heavy.attempts_mean, 2);
  EXPECT_GE(heavy.failed * 10, heavy.connects);
  EXPECT_EQ(heavy.moves, 0u);  // R4 asks for mem too, which is not scarce here
}

TEST(Fleet, L8DefaultModeRefusesNobodyAt80Percent) {
  auto options = whole_day();
  options.seconds = 5 * 3600;
  const auto found = run("8 nodes, 80 %", 2, options, 0.8);
  EXPECT_EQ(found.failed, 0u);
  EXPECT_LE(found.max_mean, 1.15);
}

TEST(Fleet, R10OverloadCausesNoStormOfMoves) {
  auto options = whole_day();
  options.seconds = 5 * 3600;
  const auto found = run("8 nodes, 105 %", 2, options, 1.05);
  EXPECT_LE(found.max_mean, 1.15);
  EXPECT_LE(found.closes_per_hour, 0.15);
  options.settings.accept.last_resort = false;
  const auto strict = run("8 nodes, 105 %, strict", 2, options, 1.05);
  EXPECT_GT(strict.failed, 0u);
  EXPECT_LE(strict.p99, 1.6);
}

TEST(Fleet, R10L8AnHourOf105PercentIsMetHonestlyByDefault) {
  for (const std::uint32_t seed : {2u, 3u, 6u}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const honesty found{seed, true};
    EXPECT_EQ(found.refused_below, 0u);
    EXPECT_LE(found.figures.max_mean, 1.15);
    EXPECT_EQ(found.too_soon, 0u);
    EXPECT_GT(found.connects_after, 500u);
    EXPECT_LT(static_cast<double>(found.refused_after),
              1e-4 * static_cast<double>(found.connects_after));
  }
}

TEST(Fleet, R10L8AnHourOf105PercentIsMetHonestlyInStrictMode) {
  for (const std::uint32_t seed : {2u, 3u, 6u}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const honesty found{seed, false};
    EXPECT_EQ(found.taken_above, 0u);
    EXPECT_GT(found.refused_in_surge, 0u);
    EXPECT_EQ(found.too_soon, 0u);
    EXPECT_GT(found.connects_after, 500u);
    EXPECT_LT(static_cast<double>(found.refused_after),
              1e-4 * static_cast<double>(found.connects_after));
  }
}
