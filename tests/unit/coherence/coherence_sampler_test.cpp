#include "actors/coherence/coherence_sampler.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

struct leader {
  std::vector<v1::RoutedQuery> asked;
  v1::QueryReply reply;
  bool fails = false;
};

partition_router_actor::behavior_type fake_router(partition_router_actor::pointer, leader* of) {
  return {
      [](const v1::RoutedCommand&) { return v1::CommandReply{}; },
      [of](const v1::RoutedQuery& wish) -> caf::result<v1::QueryReply> {
        of->asked.push_back(wish);
        if (of->fails) return make_error(ec::timed_out);
        return of->reply;
      },
      [](const v1::GetMap&) { return v1::ClusterMap{}; },
  };
}

struct CoherenceSampler : testing::Test {
  support::virtual_system world;
  leader at;
  std::vector<std::string> errors;
  coherence_sampler_actor sampler;

  CoherenceSampler() {
    log::set_sink([this](log::level severity, const std::string& line) {
      if (severity == log::level::error) errors.push_back(line);
    });
    coherence_sampler_options options;
    options.router = world.system.spawn(fake_router, &at);
    sampler = world.system.spawn(coherence_sampler, std::move(options));
    at.reply.mutable_change_age()->set_remembers_us(60'000'000);
  }
  ~CoherenceSampler() override { log::set_sink(nullptr); }

  std::chrono::microseconds now() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
        world.system.clock().now().time_since_epoch());
  }
  void serve(std::uint64_t tick) {
    caf::anon_send(sampler, cache_sample{"bucket", 1, "b", 0, tick, now(), 500ms});
    world.run();
  }
  staleness report() {
    staleness_report heard;
    world.system.spawn([&](caf::event_based_actor* self) {
      self->request(sampler, 5s, get_staleness{}).then([&](const staleness_report& all) {
        heard = all;
      });
    });
    world.run();
    return heard.all.empty() ? staleness{} : heard.all.front();
  }
};

}  // namespace

TEST_F(CoherenceSampler, X2AsksTheLeaderOfTheItemWhetherItHadBeenOvertaken) {
  serve(7);
  ASSERT_EQ(at.asked.size(), 1u);
  EXPECT_EQ(at.asked[0].route().partition(), 0u);
  const auto& question = at.asked[0].query().get_change_age();
  EXPECT_EQ(question.type(), "bucket");
  EXPECT_EQ(question.key(), "b");
  EXPECT_EQ(question.known_tick(), 7u);
  EXPECT_EQ(report().samples, 1u);
  EXPECT_EQ(report().stale, 0u);
}

TEST_F(CoherenceSampler, X2SaysLoudlyWhatWasStalerThanItsBound) {
  at.reply.mutable_change_age()->set_next_tick(9);
  at.reply.mutable_change_age()->set_age_us(40'000);
  serve(7);
  EXPECT_EQ(report().stale, 1u);
  EXPECT_EQ(report().max_us, 40'000u);
  EXPECT_TRUE(errors.empty());
  at.reply.mutable_change_age()->set_age_us(600'000);
  serve(7);
  EXPECT_EQ(report().violations, 1u);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("coherence.bound_exceeded"), std::string::npos);
}

TEST_F(CoherenceSampler, X2ALeaderThatDoesNotSayIsNoSample) {
  at.fails = true;
  serve(7);
  at.fails = false;
  at.reply.set_status(v1::CommandReply::INVALID);
  serve(7);
  EXPECT_EQ(report().samples, 0u);
  EXPECT_EQ(report().unanswered, 2u);
}
