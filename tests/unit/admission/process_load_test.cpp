#include "actors/admission/process_load.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace dunlin;
using namespace std::chrono_literals;
using balance::resource;

namespace {

const balance::resource_sample* find(const std::vector<balance::resource_sample>& all,
                                     resource of) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.of == of; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

TEST(ProcessLoad, B3MeasuresEveryResource) {
  process_load source{process_load_options{}};
  balance::load settings;
  settings.declared = true;
  source.sample(0s, {}, settings);
  volatile double sum = 0;
  for (int i = 0; i < 20'000'000; ++i)
    sum = sum + i;
  const auto all = source.sample(1s, {}, settings);
  for (const auto one : balance::all_resources) {
    ASSERT_TRUE(find(all, one)) << balance::to_string(one);
    EXPECT_GT(find(all, one)->native, 0);
    EXPECT_GE(find(all, one)->load, 0);
  }
  EXPECT_GT(find(all, resource::cpu)->load, 0);
  EXPECT_GT(find(all, resource::mem)->load, 1e6);
}

TEST(ProcessLoad, B3RatesAreOfTheTimeSinceTheLastSample) {
  process_load_options options;
  options.capacity = 1.5;
  options.network_per_second = 1000;
  const auto direct = std::make_shared<http::client_traffic>();
  direct->bytes = 100;
  direct->open = 3;
  direct->in_request = 1;
  options.direct = direct;
  legs_load source{options};
  balance::load settings;
  EXPECT_FALSE(find(source.sample(0s, {}, settings), resource::declared));
  settings.declared = true;
  leg_table::totals legs;
  legs.open = 4;
  legs.bytes = 900;
  legs.in_request = 2;
  legs.declared = 50;
  direct->bytes = 200;
  const auto all = source.sample(2s, legs, settings);
  EXPECT_DOUBLE_EQ(find(all, resource::net)->load, 500);
  EXPECT_DOUBLE_EQ(find(all, resource::sockets)->load, 7);
  EXPECT_DOUBLE_EQ(find(all, resource::requests)->load, 3);
  EXPECT_DOUBLE_EQ(find(all, resource::declared)->load, 25);
  EXPECT_DOUBLE_EQ(find(all, resource::declared)->native, 150);
}
