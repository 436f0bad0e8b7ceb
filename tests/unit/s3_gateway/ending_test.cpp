// How a request ends that went wrong.
#include "actors/s3_gateway/ending.hpp"
#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace dunlin::s3::test {

namespace {

using verb = task<void> (*)(context&);

/// As services do: what `serve` throws is told in words of their own.
template <verb serve>
task<outcome> service(services& world) {
  context c{world};
  auto served = serve(c);
  const auto met = co_await failure_of(std::move(served));
  if (!met) co_return outcome();
  http::response head;
  head.status = met->status;
  auto body = std::make_shared<const std::string>("said: " + met->code);
  refusal said{std::move(head), std::move(body)};
  auto out = co_await end_failed(c, *met, std::move(said));
  co_return out;
}

task<void> succeed(context& c) { co_await answer(c, 200, {}, "done"); }
task<void> fail(context&) {
  throw error("NoSuchKey");
  co_return;
}
task<void> break_down(context&) {
  throw std::runtime_error("inside");
  co_return;
}
task<void> fail_late(context& c) {
  auto first = std::make_shared<const std::string>("half");
  co_await answer_head(c, 200, {}, 8, std::move(first));
  throw error("ServiceUnavailable");
}

class Ending : public testing::Test {
protected:
  seen send(task<outcome> (*handler)(services&)) {
    world.handler = handler;
    return root.get("/");
  }
  cluster world;
  client root{world};
};

}  // namespace

TEST_F(Ending, NothingIsSaidOfWhatWentWell) {
  const auto got = send(service<succeed>);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "done");
}

TEST_F(Ending, AFailureIsToldInTheWordsOfItsService) {
  const auto got = send(service<fail>);
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.body, "said: NoSuchKey");
  EXPECT_FALSE(got.cut);
}

TEST_F(Ending, WhatIsNoFailureIsAnErrorInside) {
  const auto got = send(service<break_down>);
  EXPECT_EQ(got.status, 500);
  EXPECT_EQ(got.body, "said: InternalError");
}

TEST_F(Ending, AnAnswerThatHasBegunIsCut) {
  const auto got = send(service<fail_late>);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "half");
  EXPECT_TRUE(got.cut);
}

}  // namespace dunlin::s3::test
