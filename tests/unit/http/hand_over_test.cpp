// A leg is given back at a boundary between requests, or stays as it was (B11, R11, R8): every
// state that a connection can be in.
#include "tests/unit/http/hand_over_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(HandOver, AnIdleLegIsGivenBackAtOnce_B11) {
  start();
  const auto one = open();
  say(one, get("/before"));
  const auto heard = one->heard;
  hand_over(one);
  pass(1ms);
  expect_given(one, "");
  EXPECT_EQ(one->heard, heard);
}

TEST_F(HandOver, OneThatHasNeverAskedIsGivenBackToo) {
  start();
  const auto one = open();
  hand_over(one);
  pass(1ms);
  expect_given(one, "");
}

TEST_F(HandOver, AWholeRequestIsAnsweredFirstAndPipelinedOnesAreUnread) {
  hold_all();
  start();
  const auto one = open();
  const auto rest = put("/second", 3, "abc") + get("/third");
  say(one, put("/first", 5, "hello") + rest);
  hand_over(one);
  pass(5s);
  EXPECT_FALSE(given);
  const auto asked = held.at(0);
  held.clear();
  echo(asked);
  pass(1s);
  EXPECT_THAT(one->heard, EndsWith("PUT /first 5"));
  expect_given(one, rest);
  EXPECT_EQ(book.ended[1].requests, 1u);
}

TEST_F(HandOver, HalfAHeadIsUnread) {
  start();
  const auto one = open();
  say(one, "GET /half HTTP/1.1\r\nHo");
  hand_over(one);
  pass(1ms);
  expect_given(one, "GET /half HTTP/1.1\r\nHo");
}

TEST_F(HandOver, HalfAHeadBehindAnAnswerIsUnread) {
  hold_all();
  start();
  const auto one = open();
  say(one, get("/first") + "PUT /half");
  hand_over(one);
  answer_held();
  pass(1s);
  expect_given(one, "PUT /half");
}

TEST_F(HandOver, WhatIsForwardedAndNotYetThereIsAwaited) {
  start();
  const auto one = open();
  say(one, get("/before"));
  hand_over(one, 10s, 30'000);
  pass(1s);
  EXPECT_FALSE(given);
  say(one, std::string(10'000, 'a'));
  EXPECT_FALSE(given);
  say(one, std::string(20'000, 'b'));
  expect_given(one, std::string(10'000, 'a') + std::string(20'000, 'b'));
}

TEST_F(HandOver, LessForwardedThanHasComeIsALie) {
  start();
  const auto one = open();
  say(one, get("/before"));
  one->sent -= 1;
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
}

TEST_F(HandOver, AnAnswerThatClosesIsNotWaitedFor) {
  hold_all();
  start();
  const auto one = open();
  say(one, get("/last", "Connection: close\r\n"));
  hand_over(one);
  pass(1ms);
  expect_declined(one, ec::refused);
  answer_held();
  pass(1s);
  EXPECT_THAT(one->heard, EndsWith("at last"));
}

TEST_F(HandOver, AnAnswerThatTurnsOutToCloseEndsTheWait) {
  hold_all();
  start();
  const auto one = open();
  // More is left of the body than is worth reading on.
  say(one, put("/k", 70'000, std::string(69'000, 'x')));
  hand_over(one, 10s, 1'000);
  pass(1ms);
  EXPECT_FALSE(given);
  answer_held("no");
  pass(1ms);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->error(), ec::refused);
  EXPECT_THAT(one->heard, HasSubstr("Connection: close"));
}

TEST_F(HandOver, ABadRequestInMidWaitIsRefusedAndClosed) {
  hold_all();
  start();
  const auto one = open();
  say(one, "PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n");
  hand_over(one);
  const auto asked = held.at(0);
  held.clear();
  echo(asked);
  pass(1s);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->error(), ec::refused);
  EXPECT_THAT(one->heard, EndsWith("bad body"));
}

TEST_F(HandOver, ASlowLongAnswerIsFlushedToItsLastByteFirst) {
  const auto body = std::make_shared<const std::string>(8u << 20, 'x');
  verb = [&](http::exchange_ptr asked) {
    asked->respond({200, {}, body->size()}, body, [asked](result<void>) {});
  };
  start();
  const auto one = open();
  // The client reads 64 KiB, and then again after three seconds.
  one->reads = false;
  say(one, get("/long") + get("/next"));
  hand_over(one);
  pass(3s);
  EXPECT_FALSE(given);
  one->reads = true;
  spawn([](far_end_ptr end) -> task {
    std::string room(65536, '\0');
    for (;;) {
      const auto got = co_await end->stream->read_some(asio::buffer(room));
      end->heard.append(room, 0, got.bytes);
      if (got) continue;
      end->end = got.error;
      end->in_order = end->stream->at_end();
      end->stream->close();
      co_return;
    }
  }(one));
  pass(5s);
  EXPECT_EQ(one->heard.size() - one->heard.find("\r\n\r\n") - 4, body->size());
  expect_given(one, get("/next"));
}

TEST_F(HandOver, ARequestThatTakesTooLongStays) {
  hold_all();
  start();
  const auto one = open();
  say(one, get("/slow"));
  hand_over(one, 10s);
  pass(9900ms);
  EXPECT_FALSE(given);
  pass(200ms);
  expect_declined(one, ec::timed_out);
  answer_held();
  pass(1s);
  EXPECT_THAT(one->heard, EndsWith("at last"));
  expect_alive(one);
}

TEST_F(HandOver, WhatWasCollectedInVainIsParsedHereAfterAll) {
  start();
  const auto one = open();
  // Three times what the receive buffer holds.
  const auto request = put("/k", 50'000, std::string(50'000, 'x')) + get("/next");
  hand_over(one, 10s, request.size());
  say(one, request.substr(0, 45'000));
  EXPECT_FALSE(given);
  pass(10s);
  expect_declined(one, ec::timed_out);
  say(one, request.substr(45'000));
  EXPECT_THAT(one->heard, HasSubstr("PUT /k 50000"));
  EXPECT_THAT(one->heard, EndsWith("GET /next 0"));
  EXPECT_EQ(leg()->counts().bytes_in, one->sent);
  expect_alive(one);
}

TEST_F(HandOver, WhatWasCollectedInVainCanBeGivenBackTheNextTime) {
  start();
  const auto one = open();
  const std::string head = "PUT /k HTTP/1.1\r\nHost: a\r\nX: ";
  hand_over(one, 10s, head.size() + 1);
  say(one, head);
  pass(10s);
  expect_declined(one, ec::timed_out);
  hand_over(one);
  pass(1ms);
  expect_given(one, head);
}

TEST_F(HandOver, ItsHeaderTimeoutRunsAgainWhenItStays) {
  options.header_timeout = 5s;
  start();
  const auto one = open();
  hand_over(one, 10s, 1'000);
  say(one, "GET /half");
  pass(10s);
  expect_declined(one, ec::timed_out);
  pass(6s);
  EXPECT_TRUE(one->heard.starts_with("HTTP/1.1 408"));
}

TEST_F(HandOver, OneAtATime) {
  hold_all();
  start();
  const auto one = open();
  say(one, get("/slow"));
  hand_over(one);
  std::optional<result<std::string>> second;
  leg()->hand_over(one->sent, 10s, [&](result<std::string> unread) { second = unread; });
  pass(1ms);
  EXPECT_EQ(second->error(), ec::refused);
  EXPECT_FALSE(given);
  answer_held();
  pass(1s);
  expect_given(one, "");
}

TEST_F(HandOver, AClientThatGoesAwayEndsIt) {
  start();
  const auto one = open();
  hand_over(one, 10s, 100);
  pass(1s);
  one->stream->close();
  pass(1s);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->error(), ec::closed);
  EXPECT_EQ(book.ended.count(1), 1u);
}

TEST_F(HandOver, AVerbThatCutsEndsIt) {
  hold_all();
  start();
  const auto one = open();
  say(one, get("/cut"));
  hand_over(one);
  pass(1ms);
  held.clear();
  pass(1ms);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->error(), ec::closed);
}

TEST_F(HandOver, AfterTheEndThereIsNothingToGive) {
  start();
  const auto one = open();
  const auto kept = leg();
  one->stream->close();
  pass(1s);
  std::optional<result<std::string>> late;
  kept->hand_over(0, 10s, [&](result<std::string> unread) { late = unread; });
  pass(1ms);
  EXPECT_EQ(late->error(), ec::closed);
}

TEST_F(HandOver, AStoppedEntryFailsItAtOnce) {
  hold_all();
  start();
  const auto one = open();
  const auto kept = leg();
  entry->stop();
  std::optional<result<std::string>> late;
  kept->hand_over(0, 10s, [&](result<std::string> unread) { late = unread; });
  EXPECT_EQ(late->error(), ec::closed);
}

TEST_F(HandOver, WhileTheEntryDrainsAnIdleLegIsStillClosed) {
  start();
  const auto one = open();
  entry->begin_drain();
  pass(100ms);
  EXPECT_TRUE(one->end);
}

struct world_of_legs final : LegEntry {
  using LegEntry::LegEntry;
  void TestBody() override {}
};

/// Any conversation, cut at any moment (B11): what the old leg has answered, and what the new one
/// answers of the unread bytes and the rest, is every request once, in order.
struct AnyHandOver : HandOver, testing::WithParamInterface<int> {
  static std::string request(int i, std::mt19937_64& random) {
    const auto target = "/" + std::to_string(i);
    const auto body = std::string(random() % 5'000, 'b');
    switch (random() % 4) {
      case 0: return put(target, body.size(), body);
      case 1:
        return "PUT " + target +
               " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"
               "\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";
      default: return get(target);
    }
  }
  static std::vector<int> answered(const std::string& heard) {
    std::vector<int> all;
    for (auto at = heard.find("\r\n\r\n"); at != std::string::npos;
         at = heard.find("\r\n\r\n", at + 4))
      all.push_back(std::stoi(heard.substr(heard.find('/', at) + 1)));
    return all;
  }
};

TEST_P(AnyHandOver, EveryRequestIsAnsweredOnceAndInOrder) {
  int moved = 0, stayed = 0;
  for (int round = 0; round < 200; ++round) {
    const auto seed = static_cast<std::uint64_t>(1000 * GetParam() + round);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    world_of_legs world{seed};
    world.verb = [&](http::exchange_ptr asked) {
      const std::chrono::milliseconds pause{random() % 30};
      world.loop.after(pause, [&world, asked] { world.echo(asked); });
    };
    world.start();
    auto end = world.open(1);
    std::string all;
    const auto requests = 1 + static_cast<int>(random() % 12);
    for (int i = 0; i < requests; ++i)
      all += request(i, random);
    std::string heard;
    std::size_t at = 0;
    for (std::uint64_t number = 1; at < all.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 3'000, all.size() - at);
      world.say(end, all.substr(at, size), std::chrono::milliseconds{random() % 20});
      at += size;
      if (random() % 3 != 0) continue;
      std::optional<result<std::string>> unread;
      world.leg(number)->hand_over(end->sent, 10s, [&](result<std::string> got) { unread = got; });
      world.pass(12s);
      ASSERT_TRUE(unread);
      if (!*unread) {
        ASSERT_EQ(unread->error(), ec::refused);
        ++stayed;
        continue;
      }
      ++moved;
      ASSERT_TRUE(end->end && end->in_order);
      heard += end->heard;
      end = world.open(++number);
      if (!unread->value().empty()) world.say(end, unread->value(), 1ms);
    }
    world.pass(5s);
    heard += end->heard;
    std::vector<int> expected;
    for (int i = 0; i < requests; ++i)
      expected.push_back(i);
    EXPECT_EQ(answered(heard), expected);
  }
  EXPECT_GT(moved, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyHandOver, testing::Range(1, 11));
