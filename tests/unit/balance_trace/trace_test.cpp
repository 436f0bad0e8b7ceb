#include "apps/balance_trace/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace dunlin::balance_trace {

// Figures of the same workload as a model in Python draws it: whoever compares the two compares the
// same trace.
TEST(BalanceTrace, IsTheOneThatAModelInPythonDraws) {
  struct known {
    std::uint32_t seed;
    std::size_t connections;
    double demand, begins, ends, weight;
  };
  for (const auto& one : {known{2, 19523, 885.248871332466, 293.27166570314097, 3339.9469308861594,
                                0.6069511603270114},
                          known{3, 19750, 971.6719990576063, 298.60132337735814, 13162.596060094129,
                                1.3271655455415297},
                          known{6, 19893, 1074.4260605886204, 295.7328960808114, 1326.540866674033,
                                0.346062946059954}}) {
    const auto made = make_trace(one.seed);
    ASSERT_EQ(made.connections.size(), one.connections) << "seed " << one.seed;
    EXPECT_NEAR(made.demand, one.demand, 1e-6 * one.demand);
    const auto& middle = made.connections[500];
    EXPECT_NEAR(middle.begins, one.begins, 1e-6);
    EXPECT_NEAR(middle.ends, one.ends, 1e-5);
    EXPECT_NEAR(middle.weight, one.weight, 1e-9);
  }
}

TEST(BalanceTrace, KeepsItsPopulation) {
  const auto made = make_trace(7, {.connections = 200, .seconds = 6 * 3600});
  for (const double at : {1200.0, 7200.0, 18000.0}) {
    const auto open =
        std::count_if(made.connections.begin(), made.connections.end(),
                      [at](const auto& one) { return one.begins <= at && at < one.ends; });
    EXPECT_GT(open, 140) << at;
    EXPECT_LT(open, 270) << at;
  }
}

TEST(BalanceTrace, DemandFollowsLevelAndTenant) {
  trace made;
  made.tenants = {{{0, 2}, {100, 3}}};
  connection one{.begins = 10, .ends = 200, .weight = 5, .tenant = 0};
  one.levels = {{10, 0.2}, {150, 1.6}};
  demand_meter meter{made, one};
  EXPECT_DOUBLE_EQ(meter.at(10), 5 * 0.2 * 2);
  EXPECT_DOUBLE_EQ(meter.at(99), 5 * 0.2 * 2);
  EXPECT_DOUBLE_EQ(meter.at(100), 5 * 0.2 * 3);
  EXPECT_DOUBLE_EQ(meter.at(150), 5 * 1.6 * 3);
}

}  // namespace dunlin::balance_trace
