#include "runtime/ask.hpp"
#include "runtime/scheduling/frugal_clock.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"
#include "runtime/scheduling/long_turn.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/sec.hpp>

#include <gtest/gtest.h>

#include <future>

namespace dunlin::scheduling {
namespace {

using namespace std::chrono_literals;

struct FrugalScheduler : ::testing::Test {
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;

  void SetUp() override {
    use_frugal_scheduler(config, 2);
    system = std::make_unique<caf::actor_system>(config);
  }
};

TEST_F(FrugalScheduler, EveryRequestIsAnswered) {
  auto next = caf::actor{};
  for (int hop = 0; hop < 10; ++hop)
    next = system->spawn([next](caf::event_based_actor* self) -> caf::behavior {
      return {[self, next](int number) -> caf::result<int> {
        others_may_go_on();
        if (!next) return number;
        auto promise = self->make_response_promise<int>();
        ask(
            self, next, 2s, number + 1, [promise](int got) mutable { promise.deliver(got); },
            [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
        return promise;
      }};
    });
  std::promise<int> sum;
  system->spawn([&](caf::event_based_actor* self) {
    const auto left = std::make_shared<int>(500);
    const auto total = std::make_shared<int>(0);
    for (int i = 0; i < 500; ++i)
      ask(
          self, next, 2s, i,
          [&sum, left, total](int got) {
            *total += got;
            if (--*left == 0) sum.set_value(*total);
          },
          [](const caf::error&) { FAIL(); });
  });
  EXPECT_EQ(sum.get_future().get(), 500 * 499 / 2 + 500 * 9);
}

TEST_F(FrugalScheduler, ARequestThatNobodyAnswersTimesOut) {
  const auto silent = system->spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](int) -> caf::result<int> { return self->make_response_promise<int>(); }};
  });
  std::promise<caf::error> ended;
  system->spawn([&](caf::event_based_actor* self) {
    self->request(silent, 5ms, 1)
        .then([](int) { FAIL(); }, [&](const caf::error& why) { ended.set_value(why); });
  });
  EXPECT_EQ(ended.get_future().get(), caf::sec::request_timeout);
}

TEST_F(FrugalScheduler, DelayedMessagesComeInTheOrderOfTheirTimes) {
  std::promise<std::string> heard;
  system->spawn([&, text = std::string{}](caf::event_based_actor* self) mutable -> caf::behavior {
    self->delayed_send(self, 9ms, 3);
    self->delayed_send(self, 6ms, 2);
    self->delayed_send(self, 3ms, 1);
    return {[&heard, text, self](int which) mutable {
      text += std::to_string(which);
      if (which < 3) return;
      heard.set_value(text);
      self->quit();
    }};
  });
  EXPECT_EQ(heard.get_future().get(), "123");
}

TEST_F(FrugalScheduler, AskingLeavesNoTimeoutBehind) {
  const auto echo = system->spawn(
      [](caf::event_based_actor*) -> caf::behavior { return {[](int number) { return number; }}; });
  auto& clock = dynamic_cast<frugal_clock&>(system->clock());
  std::promise<std::size_t> all;
  system->spawn([&](caf::event_based_actor* self) {
    const auto left = std::make_shared<int>(100);
    for (int i = 0; i < 100; ++i)
      ask(
          self, echo, 20s, i,
          [&, left](int) {
            if (--*left == 0) all.set_value(clock.pending());
          },
          [](const caf::error&) { FAIL(); });
    EXPECT_EQ(clock.pending(), 100u);
  });
  EXPECT_EQ(all.get_future().get(), 0u);
}

}  // namespace
}  // namespace dunlin::scheduling
