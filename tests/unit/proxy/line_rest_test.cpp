// Legs that are lost while nothing is open: the client need not notice (R11).
#include "line_fixture.hpp"

namespace dunlin::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string put = "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

class LineRest : public line_fixture {
protected:
  /// A client that has had one answer of "x", and may ask more.
  std::pair<talker_ptr, std::shared_ptr<line>> answered(const std::string& said = answer("one")) {
    auto made = call_and_say(get);
    EXPECT_TRUE(attach(*made.second, "x"));
    legs["x"]->say(said);
    pass(50ms);
    return made;
  }
  void expect_resting(bool in_order) {
    ASSERT_THAT(losses, SizeIs(1));
    EXPECT_TRUE(losses[0].resting);
    EXPECT_EQ(losses[0].in_order, in_order);
    EXPECT_FALSE(losses[0].replayable || losses[0].unanswered || losses[0].stopped);
  }
};

TEST_F(LineRest, AnIdleClientOutlivesItsAccessNodeAndIsPlacedWhenItSaysMore_R11) {
  const auto [client, one] = answered();
  network.crash("x");
  pass(10s);
  expect_resting(false);
  EXPECT_FALSE(client->ended);
  EXPECT_THAT(first, SizeIs(1));  // nobody is asked for one who says nothing
  client->say(put);
  pass(50ms);
  ASSERT_THAT(first, ElementsAre(one->number(), one->number()));
  EXPECT_FALSE(clients[0].again);
  EXPECT_TRUE(clients[1].again);
  EXPECT_EQ(clients[1].address, clients[0].address);
  ASSERT_TRUE(attach(*one, "y"));
  EXPECT_EQ(legs["y"]->heard, "<y>" + put);
  legs["y"]->say(answer("two"));
  client->say(get);
  pass(50ms);
  EXPECT_EQ(client->heard, answer("one") + answer("two"));
  EXPECT_EQ(legs["y"]->heard, "<y>" + put + get);
  EXPECT_EQ(one->counts().from_client, 2 * get.size() + put.size());
  EXPECT_EQ(one->counts().to_client, client->heard.size());
  // And once more.
  legs["y"]->say(answer("three"));
  pass(50ms);
  network.crash("y");
  pass(50ms);
  client->say(get);
  pass(50ms);
  ASSERT_TRUE(attach(*one, "z"));
  EXPECT_EQ(legs["z"]->heard, "<z>" + get);
  EXPECT_THAT(ended, IsEmpty());
}

TEST_F(LineRest, AnAccessNodeThatEndsAnIdleConnectionInOrderDoesNotEndItsClient) {
  const auto [client, one] = answered();
  legs["x"]->stream->close();
  pass(50ms);
  expect_resting(true);
  EXPECT_EQ(client->heard, answer("one"));
  EXPECT_FALSE(client->ended);
  client->say(get);
  pass(50ms);
  ASSERT_TRUE(attach(*one, "y"));
  EXPECT_EQ(legs["y"]->heard, "<y>" + get);
}

// rehome = false: to close it is what the access node wants; that it dies is not.
TEST_F(LineRest, WhereClientsAreNotMovedAnOrderlyEndIsTheirsAndADeathIsNot) {
  lines->limits().outlives_legs = false;
  const auto [client, one] = answered();
  legs["x"]->stream->close();
  pass(50ms);
  EXPECT_EQ(client->heard, answer("one"));
  EXPECT_TRUE(client->ended && client->in_order);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].resting || losses[0].replayable || losses[0].unanswered);
  client->stream->close();
  pass(50ms);
  EXPECT_THAT(ended, ElementsAre(first[0]));
  losses.clear();
  const auto [other, two] = answered();
  network.crash("x");
  pass(50ms);
  expect_resting(false);
  EXPECT_FALSE(other->ended);
}

TEST_F(LineRest, AnAnswerThatClosesTheConnectionClosesItForTheClient) {
  const std::string last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nconnection:  Close\r\n\r\nno";
  const auto [client, one] = answered(last);
  legs["x"]->stream->close();
  pass(50ms);
  EXPECT_EQ(client->heard, last);
  EXPECT_TRUE(client->ended && client->in_order);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].resting);
}

TEST_F(LineRest, AClientThatHasEndedItsSendingHasGone) {
  const auto [client, one] = answered();
  client->stream->shutdown_send();
  pass(50ms);
  network.crash("x");
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].resting);
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(lines->size(), 0u);
}

TEST_F(LineRest, AClientThatGoesWhileItsLineRestsLeavesNothingBehind) {
  const auto [client, one] = answered();
  network.crash("x");
  pass(1s);
  EXPECT_EQ(lines->size(), 1u);
  client->stream->close();
  pass(50ms);
  EXPECT_THAT(ended, SizeIs(1));
  EXPECT_EQ(lines->size(), 0u);
  EXPECT_THAT(first, SizeIs(1));
}

TEST_F(LineRest, ALineThatRestsIsIdleToAllWhoLookForIdleOnes) {
  lines->limits().idle_ms = 5'000;
  const auto [client, one] = answered();
  const auto [other, two] = answered();
  lines->sweep(0s);
  network.crash("x");
  pass(1s);
  lines->sweep(1s);
  lines->sweep(5s);
  pass(50ms);
  EXPECT_FALSE(client->ended);
  other->say(get);
  pass(50ms);
  lines->sweep(6s);
  pass(50ms);
  EXPECT_TRUE(client->ended);
  EXPECT_FALSE(other->ended);
  ASSERT_TRUE(attach(*two, "y"));
  legs["y"]->say(answer("two"));
  pass(50ms);
  network.crash("y");
  pass(50ms);
  lines->drain();
  pass(50ms);
  EXPECT_TRUE(other->ended);
  EXPECT_EQ(lines->size(), 0u);
}

// They have spoken, so they keep their place, and the new one is told that there is none.
TEST_F(LineRest, ALineThatRestsDoesNotGiveWay) {
  lines->limits().lines_max = 1;
  const auto [client, one] = answered();
  network.crash("x");
  pass(50ms);
  const auto late = call("d");
  pass(50ms);
  EXPECT_THAT(late->heard, testing::StartsWith("HTTP/1.1 503 "));
  EXPECT_FALSE(client->ended);
  EXPECT_EQ(lines->given_way(), 0u);
  EXPECT_EQ(lines->turned_away(), 1u);
}

TEST_F(LineRest, WhatWasPipelinedIsAskedElsewhereIfItHadNotBegun_R11) {
  const auto half = put.substr(0, 30);
  const auto [client, one] = call_and_say(get + half);
  ASSERT_TRUE(attach(*one, "x"));
  legs["x"]->say(answer("one"));
  pass(50ms);
  network.crash("x");
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_TRUE(losses[0].replayable);
  EXPECT_FALSE(losses[0].resting);
  EXPECT_EQ(losses[0].request, 2u);
  ASSERT_TRUE(attach(*one, "y"));
  client->say(put.substr(30));
  pass(50ms);
  EXPECT_EQ(legs["y"]->heard, "<y>" + put);
  legs["y"]->say(answer("two"));
  pass(50ms);
  EXPECT_EQ(client->heard, answer("one") + answer("two"));
}

TEST_F(LineRest, APutOfWhichAByteMayHaveLeftIsNeverSaidTwice_R11) {
  const auto [client, one] = answered();
  client->say(put);
  pass(50ms);
  EXPECT_EQ(legs["x"]->heard, "<x>" + get + put);
  network.crash("x");
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].resting || losses[0].replayable);
  EXPECT_TRUE(client->ended);
}

// In each order of the two: rests first, or reads first.
TEST_F(LineRest, APutThatComesAsTheAccessNodeDiesIsSaidOnceOrNotAtAll_R11) {
  int survived = 0;
  for (int step = 0; step < 60; ++step) {
    losses.clear();
    legs.clear();
    const auto [client, one] = answered();
    client->say(put);
    pass(step * 20us);
    streams.break_streams("p", "x");
    pass(50ms);
    ASSERT_THAT(losses, SizeIs(1));
    const bool heard = legs["x"]->heard.size() > 3 + get.size();
    if (!client->ended) {
      ++survived;
      EXPECT_FALSE(heard) << step;
      ASSERT_TRUE(attach(*one, "y"));
      EXPECT_EQ(legs["y"]->heard, "<y>" + put);
    }
    one->close();
    pass(50ms);
  }
  EXPECT_GT(survived, 0);
  EXPECT_LT(survived, 60);
}

TEST_F(LineRest, ASecondLegThatIsDialledWhileTheFirstIsLostIsDropped) {
  const auto [client, one] = answered();
  outcome came;
  one->prepare({"nobody", 9}, "<n>", came.done());
  pass(1ms);
  network.crash("x");
  pass(50ms);
  client->say(get);
  pass(50ms);
  ASSERT_TRUE(attach(*one, "y"));
  pass(3s);
  ASSERT_TRUE(came.is);
  EXPECT_FALSE(came.fine());
  EXPECT_FALSE(stop(*one));  // there is no second leg
}

// ---- legs of an access node that cannot be reached ----

TEST_F(LineRest, ALegThatStaysSilentWhileItsAccessNodeIsAwayIsLost) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  one->doubt(1);
  pass(5s);
  EXPECT_THAT(losses, IsEmpty());
  one->doubt(2);  // another outage: counts anew
  pass(5s);
  EXPECT_THAT(losses, IsEmpty());
  one->doubt(2);
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_TRUE(losses[0].replayable);
  ASSERT_TRUE(attach(*one, "y"));
  EXPECT_EQ(legs["y"]->heard, "<y>" + get);
  EXPECT_TRUE(legs["x"]->ended);
}

TEST_F(LineRest, ALegOnWhichBytesPassIsNotLostHoweverAwayItsAccessNodeSeems) {
  const auto [client, one] =
      call_and_say("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n");
  ASSERT_TRUE(attach(*one, "x"));
  for (int i = 0; i < 4; ++i) {
    one->doubt(1);
    client->say("more");
    pass(1s);
  }
  EXPECT_THAT(losses, IsEmpty());
  one->doubt(1);
  one->doubt(1);
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].replayable || losses[0].resting);
  EXPECT_TRUE(losses[0].unanswered);
  EXPECT_TRUE(client->ended);  // for its own retry
}

TEST_F(LineRest, AClientThatDoesNotReadSaysNothingOfItsAccessNode) {
  const auto [client, one] = call_and_say(get, false);
  ASSERT_TRUE(attach(*one, "x"));
  legs["x"]->say(answer(std::string(5'000'000, 'x')));
  pass(5s);
  for (int i = 0; i < 3; ++i) {
    one->doubt(1);
    pass(1s);
  }
  EXPECT_THAT(losses, IsEmpty());
  client->listen_now();
  pass(20s);
  EXPECT_EQ(client->heard.size(), answer(std::string(5'000'000, 'x')).size());
}

}  // namespace
}  // namespace dunlin::proxy
