// What a request's body, or too much of what follows, has to do with giving a leg back (B11).
#include "tests/unit/http/hand_over_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(HandOver, ABodyThatIsOutstandingIsRefusedAtOnce) {
  start();
  const auto one = open();
  say(one, put("/k", 100, std::string(40, 'x')));  // the verb waits for more
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
  say(one, std::string(60, 'x'));
  EXPECT_THAT(one->heard, EndsWith("PUT /k 100"));
  expect_alive(one);
}

TEST_F(HandOver, ABodyThatIsOutstandingAndThatNobodyReadsIsRefusedAtOnce) {
  hold_all();
  start();
  const auto one = open();
  say(one, put("/k", 100, std::string(40, 'x')));
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
}

// The drain would have waited for what the balancer does not send, and closed on the client.
TEST_F(HandOver, ABodyThatIsDrainedBehindItsAnswerAndOutstandingIsRefusedAtOnce) {
  hold_all();
  start();
  const auto one = open();
  say(one, put("/k", 100, std::string(40, 'x')));
  answer_held();
  pass(100ms);
  EXPECT_THAT(one->heard, EndsWith("at last"));
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
  say(one, std::string(60, 'x'));
  expect_alive(one);
}

TEST_F(HandOver, ABodyThatIsDrainedAndWhoseRestIsForwardedIsNoReason) {
  hold_all();
  start();
  const auto one = open();
  say(one, put("/k", 100, std::string(40, 'x')));
  answer_held();
  pass(100ms);
  hand_over(one, 10s, 63);
  pass(1ms);
  EXPECT_FALSE(given);
  say(one, std::string(60, 'x') + "GET");
  expect_given(one, "GET");
}

TEST_F(HandOver, ABodyWhoseRestIsForwardedIsNoReason) {
  start();
  const auto one = open();
  say(one, put("/k", 100, std::string(40, 'x')));
  hand_over(one, 10s, 63);
  pass(1s);
  EXPECT_FALSE(given);
  say(one, std::string(60, 'x') + "GET");
  EXPECT_THAT(one->heard, EndsWith("PUT /k 100"));
  expect_given(one, "GET");
}

TEST_F(HandOver, AChunkedBodyThatIsOutstandingIsRefusedAsSoonAsItIsMissed) {
  start();
  const auto one = open();
  say(one, "PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
  say(one, "lo\r\n0\r\n\r\n");
  EXPECT_THAT(one->heard, EndsWith("PUT /k 5"));
  expect_alive(one);
}

TEST_F(HandOver, AChunkedBodyThatNobodyHasReadYetIsRefusedWhenItIsMissed) {
  hold_all();
  start();
  const auto one = open();
  say(one, "PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  hand_over(one);
  pass(1s);
  EXPECT_FALSE(given);
  const auto asked = held.at(0);
  held.clear();
  echo(asked);
  pass(1ms);
  expect_declined(one, ec::refused);
}

TEST_F(HandOver, AChunkedBodyThatIsWholeIsAnsweredFirst) {
  hold_all();
  start();
  const auto one = open();
  say(one,
      "PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" +
          get("/next"));
  hand_over(one);
  pass(1s);
  const auto asked = held.at(0);
  held.clear();
  echo(asked);
  pass(1s);
  EXPECT_THAT(one->heard, EndsWith("PUT /k 5"));
  expect_given(one, get("/next"));
}

TEST_F(HandOver, ALittleOfABodyThatTheVerbDidNotReadIsNotUnread) {
  hold_all();
  start();
  const auto one = open();
  say(one, put("/k", 5, "hello") + get("/next"));
  hand_over(one);
  answer_held();
  pass(1s);
  expect_given(one, get("/next"));
}

TEST_F(HandOver, AClientThatWaitsForContinueIsNotMoved) {
  hold_all();
  start();
  const auto one = open();
  say(one, "PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
  const auto asked = held.at(0);
  held.clear();
  echo(asked);
  pass(1s);
  EXPECT_THAT(one->heard, HasSubstr("100 Continue"));
  say(one, "hello");
  EXPECT_THAT(one->heard, EndsWith("PUT /k 5"));
  expect_alive(one);
}

TEST_F(HandOver, AfterItsContinueAndItsBodyItIsMoved) {
  start();
  const auto one = open();
  say(one, "PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  say(one, "hello");
  EXPECT_THAT(one->heard, EndsWith("PUT /k 5"));
  hand_over(one);
  pass(1ms);
  expect_given(one, "");
}

TEST_F(HandOver, MoreThan64KiBUnreadStays) {
  hold_all();
  start();
  const auto one = open();
  const auto second = put("/big", 70'000, std::string(70'000, 'x'));
  say(one, get("/first") + second);
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
  answer_held();
  pass(1s);
  const auto asked = held.at(0);
  held.clear();
  echo(asked);
  pass(1s);
  EXPECT_THAT(one->heard, EndsWith("PUT /big 70000"));
  expect_alive(one);
}

TEST_F(HandOver, SixtyFourKiBUnreadAreGivenBackByteForByte) {
  hold_all();
  start();
  const auto one = open();
  std::string rest = put("/big", 70'000, "");
  for (int i = 0; rest.size() < 64u << 10; ++i)
    rest += static_cast<char>(i * 7);
  say(one, get("/first") + rest);
  hand_over(one);
  answer_held();
  pass(1s);
  expect_given(one, rest);
}
