#include "line_fixture.hpp"

namespace dunlin::proxy {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<char>(i * 2654435761u >> 24);
  return bytes;
}

class Line : public line_fixture {};

TEST_F(Line, TellsOfAClientWhenItHasSaidSomething_B1_C1_C9) {
  streams.set_address("c", "192.0.2.9");
  const auto client = call();
  EXPECT_THAT(first, IsEmpty());
  EXPECT_EQ(lines->size(), 1u);
  client->say("G");
  pass(20ms);
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_THAT(clients[0].address, testing::StartsWith("192.0.2.9:"));
}

TEST_F(Line, SaysTheHeaderAndWhatItHasKeptThenCopiesBothWays_B7_C8) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  EXPECT_EQ(legs["x"]->heard, "<x>" + get);
  legs["x"]->say(answer("hello"));
  client->say(get);
  pass(50ms);
  EXPECT_EQ(client->heard, answer("hello"));
  EXPECT_EQ(legs["x"]->heard, "<x>" + get + get);
  EXPECT_EQ(one->counts().from_client, 2 * get.size());
  EXPECT_EQ(one->counts().to_client, answer("hello").size());
}

TEST_F(Line, MegabytesPassUnchangedBothWaysThoughReadsAreCutSmaller) {
  const auto up = noise(3'000'000), down = noise(5'000'000);
  const auto head = "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n";
  const auto [client, one] = call_and_say(head + up.substr(0, 10));
  ASSERT_TRUE(attach(*one, "x"));
  client->say(up.substr(10));
  legs["x"]->say(answer(down));
  pass(20s);
  EXPECT_TRUE(legs["x"]->heard == "<x>" + (head + up));
  EXPECT_TRUE(client->heard == answer(down));
}

TEST_F(Line, AClientThatDoesNotReadHoldsBackItsAccessNode) {
  const auto [client, one] = call_and_say(get, false);
  ASSERT_TRUE(attach(*one, "x"));
  const auto down = noise(5'000'000);
  legs["x"]->say(answer(down));
  pass(10s);
  EXPECT_GT(legs["x"]->unsaid, 0u);
  EXPECT_LE(one->counts().to_client, 600'000u);  // what the streams themselves hold
  client->listen_now();
  pass(20s);
  EXPECT_TRUE(client->heard == answer(down));
}

TEST_F(Line, TheEndOfOneDirectionIsPassedOnAndTheOtherGoesOn) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  client->stream->shutdown_send();
  pass(50ms);
  EXPECT_TRUE(legs["x"]->ended && legs["x"]->in_order);
  legs["x"]->say(answer("late"));
  pass(50ms);
  EXPECT_EQ(client->heard, answer("late"));
  EXPECT_FALSE(client->ended);
  legs["x"]->stream->close();
  pass(50ms);
  EXPECT_TRUE(client->ended);
  EXPECT_THAT(ended, SizeIs(1));
}

TEST_F(Line, AClientThatGoesEndsItsLeg) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  client->stream->close();
  pass(50ms);
  EXPECT_TRUE(legs["x"]->ended);
  legs["x"]->stream->close();
  pass(5s);
  EXPECT_THAT(ended, SizeIs(1));
  EXPECT_EQ(lines->size(), 0u);
  EXPECT_EQ(streams.open_streams(), 0u);
}

TEST_F(Line, RefusesAsS3DoesAndSaysWhenToComeAgain_C4) {
  const auto [client, one] = call_and_say(get);
  one->refuse(3s, "0123");
  pass(50ms);
  EXPECT_THAT(client->heard, HasSubstr("HTTP/1.1 503 "));
  EXPECT_THAT(client->heard, HasSubstr("Retry-After: 3\r\n"));
  EXPECT_THAT(client->heard, HasSubstr("<Code>SlowDown</Code>"));
  EXPECT_THAT(client->heard, HasSubstr("<RequestId>0123</RequestId>"));
  EXPECT_TRUE(client->ended && client->in_order);
  pass(5s);
  EXPECT_EQ(lines->size(), 0u);
}

TEST_F(Line, RefusesAHeadWithoutABody) {
  const auto [client, one] = call_and_say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  one->refuse(1s, "0123");
  pass(50ms);
  EXPECT_THAT(client->heard, EndsWith("\r\n\r\n"));
}

TEST_F(Line, ALegThatCannotBeDialledLeavesTheClientWaitingForAnother) {
  const auto [client, one] = call_and_say(get);
  outcome came;
  one->attach({"nobody", 9}, "<n>", came.done());
  pass(3s);
  EXPECT_EQ(came.error(), ec::unavailable);
  ASSERT_TRUE(attach(*one, "y"));
  EXPECT_EQ(legs["y"]->heard, "<y>" + get);
}

TEST_F(Line, VerbsAtTheWrongTimeAreRefused) {
  const auto [client, one] = call_and_say(get);
  outcome early, twice, late;
  one->switch_over({}, early.done());
  ASSERT_TRUE(attach(*one, "x"));
  one->attach({"y", 9}, {}, twice.done());
  EXPECT_FALSE(stop(*one));  // no second leg
  EXPECT_EQ(early.error(), ec::refused);
  EXPECT_EQ(twice.error(), ec::refused);
  one->close();
  one->prepare({"y", 9}, {}, late.done());
  pass(50ms);
  EXPECT_EQ(late.error(), ec::closed);
  EXPECT_TRUE(client->ended);
}

TEST_F(Line, ADrainWaitsForTheLastBytesOfAnAnswer) {
  const auto [client, one] = call_and_say(get, false);
  ASSERT_TRUE(attach(*one, "x"));
  // Of all of it the last byte, and no more, waits here for the client.
  const auto buffered = streams.options().buffer_bytes;
  const auto head = answer(noise(buffered)).size() - buffered;
  const auto said = answer(noise(buffered - head + 1));
  ASSERT_EQ(said.size(), buffered + 1);
  legs["x"]->say(said);
  pass(5s);
  EXPECT_EQ(legs["x"]->unsaid, 0u);
  one->close_if_idle();
  pass(5s);
  client->listen_now();
  pass(5s);
  EXPECT_EQ(client->heard, said);
  EXPECT_FALSE(client->ended);
  one->close_if_idle();
  pass(50ms);
  EXPECT_TRUE(client->ended);
}

// ---- an access node dies ----

// A stranger's garbage, or an ordinary upload that is refused before its body, is no failure of the
// access node that says so.
TEST_F(Line, WhoAnswersAndEndsInOrderHasLeftNothingUnanswered_B8) {
  const std::string expects =
      "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
  for (const std::string& said : {expects, std::string("rubbish\n\n"), std::string("GET /ha")}) {
    losses.clear();
    const auto [client, one] = call_and_say(said);
    ASSERT_TRUE(attach(*one, "x"));
    legs["x"]->say(answer("no"));
    pass(5ms);
    legs["x"]->stream->shutdown_send();
    pass(50ms);
    ASSERT_THAT(losses, SizeIs(1)) << said;
    EXPECT_TRUE(losses[0].in_order && !losses[0].silent && !losses[0].unanswered) << said;
  }
}

TEST_F(Line, AClientThatHasGoneInMidRequestIsNotCutOffByItsAccessNode) {
  const auto [client, one] = call_and_say("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Le");
  ASSERT_TRUE(attach(*one, "x"));
  client->stream->shutdown_send();
  pass(50ms);
  legs["x"]->stream->close();
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_TRUE(losses[0].silent && !losses[0].unanswered);
}

TEST_F(Line, AGetWithoutAnAnswerIsAskedAgainElsewhere_R11) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  network.crash("x");
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_TRUE(losses[0].replayable);
  EXPECT_FALSE(losses[0].in_order);
  EXPECT_EQ(losses[0].request, 1u);
  ASSERT_TRUE(attach(*one, "y"));
  EXPECT_EQ(legs["y"]->heard, "<y>" + get);
  legs["y"]->say(answer("again"));
  client->say(get);
  pass(50ms);
  EXPECT_EQ(client->heard, answer("again"));
  EXPECT_FALSE(client->ended);
  EXPECT_EQ(legs["y"]->heard, "<y>" + get + get);
}

TEST_F(Line, AfterOneByteOfTheAnswerTheClientIsCutOff_R11) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  legs["x"]->say("H");
  pass(50ms);
  network.crash("x");
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].replayable);
  EXPECT_TRUE(losses[0].unanswered);
  EXPECT_TRUE(client->ended);
  EXPECT_THAT(ended, SizeIs(1));
}

TEST_F(Line, APutIsNeverSaidTwice_R11) {
  const auto [client, one] =
      call_and_say("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  ASSERT_TRUE(attach(*one, "x"));
  network.crash("x");
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_FALSE(losses[0].replayable);
  EXPECT_TRUE(client->ended);
}

TEST_F(Line, TheAnswerToAnUploadThatGoesOnIsStillHeard) {
  const auto [client, one] =
      call_and_say("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n");
  ASSERT_TRUE(attach(*one, "x"));
  client->say(noise(2'000'000));
  legs["x"]->say(answer("no"));
  pass(1ms);
  legs["x"]->stream->shutdown_send();
  pass(5s);
  EXPECT_EQ(client->heard, answer("no"));
  EXPECT_TRUE(client->in_order);
}

// ---- moving ----

TEST_F(Line, ChangesItsLegWithoutTheClientNoticing_B11_R11) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  ASSERT_TRUE(prepare(*one, "y"));
  EXPECT_EQ(legs["y"]->heard, "<y>");
  EXPECT_EQ(stop(*one), get.size());
  client->say(get);  // read only when it goes on
  pass(50ms);
  EXPECT_EQ(legs["x"]->heard, "<x>" + get);
  outcome over;
  one->switch_over("unread", over.done());
  pass(50ms);
  EXPECT_FALSE(over.is);  // the first leg has not ended
  legs["x"]->say(answer("last words"));
  pass(1ms);
  legs["x"]->stream->shutdown_send();
  pass(50ms);
  ASSERT_TRUE(over.fine());
  EXPECT_EQ(client->heard, answer("last words"));
  EXPECT_EQ(legs["y"]->heard, "<y>unread" + get);
  legs["y"]->say(answer("first words"));
  pass(50ms);
  EXPECT_EQ(client->heard, answer("last words") + answer("first words"));
  EXPECT_FALSE(client->ended);
  EXPECT_THAT(losses, IsEmpty());
  EXPECT_TRUE(legs["x"]->ended);
}

TEST_F(Line, TheFirstLegMayEndBeforeTheSwitch) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  legs["x"]->say(answer("1"));
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  legs["x"]->stream->shutdown_send();
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_TRUE(losses[0].stopped && losses[0].in_order);
  outcome over;
  one->switch_over({}, over.done());
  client->say(get);
  pass(50ms);
  EXPECT_TRUE(over.fine());
  EXPECT_EQ(legs["y"]->heard, "<y>" + get);
  // And on from there.
  legs["y"]->say(answer("2"));
  ASSERT_TRUE(prepare(*one, "z"));
  EXPECT_EQ(stop(*one), get.size());
}

TEST_F(Line, StaysWhereItWasAndReadsOn_R8) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  client->say(get);
  one->stay();
  pass(50ms);
  EXPECT_TRUE(legs["y"]->ended);
  EXPECT_EQ(legs["x"]->heard, "<x>" + get + get);
  ASSERT_TRUE(prepare(*one, "y"));
  EXPECT_EQ(stop(*one), 2 * get.size());
}

TEST_F(Line, StayingWithALegThatHasEndedIsALoss) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  legs["x"]->stream->shutdown_send();
  pass(50ms);
  one->stay();
  pass(50ms);
  ASSERT_THAT(losses, SizeIs(2));
  EXPECT_FALSE(losses[1].stopped);
  EXPECT_TRUE(losses[1].replayable);
  ASSERT_TRUE(attach(*one, "z"));
  EXPECT_EQ(legs["z"]->heard, "<z>" + get);
}

TEST_F(Line, AFirstLegThatBreaksBeforeTheSwitchIsALoss) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  outcome over;
  one->switch_over({}, over.done());
  pass(50ms);
  network.crash("x");
  pass(50ms);
  EXPECT_EQ(over.error(), ec::closed);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_TRUE(losses[0].replayable);
  EXPECT_FALSE(losses[0].stopped);
}

TEST_F(Line, AFirstLegThatNeverEndsIsNotWaitedForForEver) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  outcome over;
  one->switch_over({}, over.done());
  pass(11s);
  EXPECT_EQ(over.error(), ec::closed);
  EXPECT_THAT(losses, SizeIs(1));
}

TEST_F(Line, MoreUnreadThanAllowedIsRefused) {
  const auto [client, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  outcome over;
  one->switch_over(std::string(line::unread_bytes_max + 1, 'x'), over.done());
  pass(50ms);
  EXPECT_EQ(over.error(), ec::refused);
  client->say(get);
  one->stay();  // what its owner says then
  pass(50ms);
  EXPECT_EQ(legs["x"]->heard, "<x>" + get + get);
}

TEST_F(Line, AClientInMidUploadThatIsResetWhileItMovesLeavesNothingBehind) {
  const auto [client, one] =
      call_and_say("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n");
  ASSERT_TRUE(attach(*one, "x"));
  client->say(noise(1'000'000));
  pass(5ms);
  ASSERT_TRUE(prepare(*one, "y"));
  ASSERT_TRUE(stop(*one));
  streams.break_streams("c", "p");
  pass(50ms);
  one->stay();
  pass(1s);
  EXPECT_THAT(ended, SizeIs(1));
  EXPECT_TRUE(legs["x"]->ended && legs["y"]->ended);
  legs.clear();
  EXPECT_EQ(streams.open_streams(), 0u);
}

}  // namespace
}  // namespace dunlin::proxy
