#include "runtime/wake_timer.hpp"

#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <vector>

namespace dunlin {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

struct sleeper_state {
  wake_timer timer;
};
using sleeper = caf::stateful_actor<sleeper_state>;

class WakeTimer : public testing::Test, public support::virtual_system {
protected:
  WakeTimer() {
    actor = system.spawn([this](sleeper* self) -> caf::behavior {
      it = self;
      return {[this](caf::tick_atom, std::int64_t armed_for) {
        ++ticks;
        if (it->state.timer.fires(armed_for)) woken.push_back(now());
      }};
    });
    run();
    begun = now();
  }
  ~WakeTimer() override {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
  }

  milliseconds now() {
    return std::chrono::duration_cast<milliseconds>(it->clock().now().time_since_epoch());
  }
  void arm(std::optional<milliseconds> in, milliseconds wait_max = milliseconds::max()) {
    it->state.timer.arm(it, now(), in ? std::optional{now() + *in} : std::nullopt, wait_max);
  }

  sleeper* it = nullptr;
  caf::actor actor;
  milliseconds begun{};
  int ticks = 0;
  std::vector<milliseconds> woken;
};

TEST_F(WakeTimer, WakesOnceAtTheEarliestMomentThatWasAskedFor) {
  arm(50ms);
  arm(20ms);
  arm(30ms);
  advance(100ms, 1ms);
  EXPECT_EQ(woken, std::vector{begun + 20ms});
  EXPECT_EQ(ticks, 2);  // the one that was replaced
}

TEST_F(WakeTimer, WhatIsDueNowComesInALaterTurn) {
  arm(-5ms);
  run();
  EXPECT_TRUE(woken.empty());
  advance(5ms, 1ms);
  EXPECT_EQ(woken, std::vector{begun + 1ms});
}

TEST_F(WakeTimer, NothingDueArmsNothing) {
  arm(std::nullopt);
  it->state.timer.arm(it, now(), milliseconds::max());
  advance(10s, 1s);
  EXPECT_EQ(ticks, 0);
}

TEST_F(WakeTimer, NoWaitIsLongerThanItsBound) {
  arm(10s, 1s);
  advance(1s, 10ms);
  EXPECT_EQ(woken, std::vector{begun + 1s});
  arm(500ms, 1s);  // it can be armed again
  advance(1s, 10ms);
  EXPECT_EQ(woken.size(), 2u);
}

}  // namespace
}  // namespace dunlin
