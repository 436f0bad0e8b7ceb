// Turns of actors on a thread that is none of the scheduler's.
#include "runtime/scheduling/turns_here.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace dunlin::scheduling {
namespace {

using namespace std::chrono_literals;

struct TurnsHere : ::testing::Test {
  TurnsHere() {
    use_frugal_scheduler(config, 1);
    system = std::make_unique<caf::actor_system>(config);
  }
  ~TurnsHere() override {
    for (const auto& one : all)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    all.clear();
    system.reset();
  }

  /// Tells its thread, and then `next`.
  caf::actor teller(std::promise<std::thread::id>& thread, const caf::actor& next = {}) {
    all.push_back(system->spawn<caf::lazy_init>(
        [&thread, next](caf::event_based_actor* self) -> caf::behavior {
          return {[&thread, next, self](int number) {
            thread.set_value(std::this_thread::get_id());
            if (next) self->send(next, number);
          }};
        }));
    return all.back();
  }

  void send(const caf::actor& to, turns_here& turns, int number = 1) {
    caf::actor_cast<caf::strong_actor_ptr>(to)->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, number), &turns);
  }

  static std::thread::id value(std::promise<std::thread::id>& of) {
    auto waiting = of.get_future();
    EXPECT_EQ(waiting.wait_for(5s), std::future_status::ready);
    return waiting.get();
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::vector<caf::actor> all;
};

TEST_F(TurnsHere, TheReceiverAndWhoeverIsWelcomeTakeTheirTurnOnThisThread) {
  std::promise<std::thread::id> first, second, stranger;
  const auto far = teller(stranger);
  const auto helper = teller(second, far);
  const auto receiver = teller(first, helper);
  const std::set<caf::actor_id> welcome{receiver.id(), helper.id()};
  turns_here turns{*system, welcome};
  send(receiver, turns);
  turns.run();
  EXPECT_EQ(value(first), std::this_thread::get_id());
  EXPECT_EQ(value(second), std::this_thread::get_id());
  EXPECT_NE(value(stranger), std::this_thread::get_id());
}

TEST_F(TurnsHere, ManyMessagesAreLeftToTheScheduler) {
  constexpr int messages = 100;
  std::promise<int> heard;
  int sum = 0;
  all.push_back(system->spawn<caf::lazy_init>([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](int number) {
      sum += number;
      if (number == messages) heard.set_value(sum);
    }};
  }));
  const std::set<caf::actor_id> welcome{all.back().id()};
  turns_here turns{*system, welcome};
  for (int i = 1; i <= messages; ++i)
    send(all.back(), turns, i);
  turns.run();
  auto waiting = heard.get_future();
  ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(waiting.get(), messages * (messages + 1) / 2);
}

TEST_F(TurnsHere, TwoThatKeepEachOtherBusyDoNotKeepTheThread) {
  std::promise<void> over;
  const auto bounce = [&over](caf::event_based_actor* self) -> caf::behavior {
    return {[self, &over](int left, const caf::actor& other) {
      if (left == 0)
        over.set_value();
      else
        self->send(other, left - 1, caf::actor{self});
    }};
  };
  for (int i = 0; i < 2; ++i)
    all.push_back(system->spawn<caf::lazy_init>(bounce));
  const std::set<caf::actor_id> welcome{all[0].id(), all[1].id()};
  turns_here turns{*system, welcome};
  caf::actor_cast<caf::strong_actor_ptr>(all[0])->enqueue(
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, 100'000, all[1]), &turns);
  turns.run();  // and the scheduler goes on
  EXPECT_EQ(over.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(TurnsHere, OneThatHasATurnElsewhereIsNotDisturbed) {
  std::promise<void> entered, leave;
  auto may_leave = leave.get_future().share();
  std::promise<std::thread::id> second;
  all.push_back(system->spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&, may_leave](int number) {
      if (number == 1) {
        entered.set_value();
        may_leave.wait();
      } else {
        second.set_value(std::this_thread::get_id());
      }
    }};
  }));
  caf::anon_send(all.back(), 1);
  entered.get_future().wait();
  const std::set<caf::actor_id> welcome{all.back().id()};
  turns_here turns{*system, welcome};
  send(all.back(), turns, 2);
  turns.run();
  leave.set_value();
  EXPECT_NE(value(second), std::this_thread::get_id());
}

}  // namespace
}  // namespace dunlin::scheduling
