#include "line_fixture.hpp"

namespace dunlin::proxy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LineListener : public line_fixture {
protected:
  std::string name(int i) { return "c" + std::to_string(i); }
};

TEST_F(LineListener, SilentClientsAreClosedInTime) {
  lines->limits().first_byte_ms = 1'000;
  const auto client = call();
  pass(900ms);
  EXPECT_FALSE(client->ended);
  pass(200ms);
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(lines->size(), 0u);
  EXPECT_THAT(first, IsEmpty());
}

TEST_F(LineListener, AnotherLifeBeginsWithOtherNumbers) {
  lines.reset();
  lines = std::make_unique<line_listener>(*port, *port, 0x1234500000);
  line_events events;
  events.first_bytes = [this](line_number number, const line_client&) { first.push_back(number); };
  events.ended = [](line_number) {};
  lines->serve(std::move(events));
  ASSERT_TRUE(lines->listen({"p", 80}, false));
  call_and_say(get);
  EXPECT_THAT(first, testing::ElementsAre(0x1234500001u));
}

TEST_F(LineListener, TheOldestSilentClientGivesWay) {
  lines->limits().lines_max = 3;
  const auto [talking, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  const auto oldest = call("c1");
  const auto younger = call("c2");
  const auto newest = call("c3");
  pass(50ms);
  EXPECT_TRUE(oldest->ended);
  EXPECT_FALSE(younger->ended || newest->ended || talking->ended);
  EXPECT_EQ(lines->size(), 3u);
  EXPECT_EQ(lines->given_way(), 1u);
}

TEST_F(LineListener, WhereAllTalkANewClientIsRefused) {
  lines->limits().lines_max = 1;
  const auto [talking, one] = call_and_say(get);
  const auto refused = call("c1");
  pass(50ms);
  EXPECT_THAT(refused->heard, HasSubstr("503"));
  EXPECT_TRUE(refused->ended);
  EXPECT_FALSE(talking->ended);
  EXPECT_EQ(lines->turned_away(), 1u);
}

TEST_F(LineListener, ThreeHundredHalfOpenAndSlowClientsHurtNobody) {
  lines->limits().lines_max = 310;
  std::vector<talker_ptr> bad;
  for (int i = 0; i < 300; ++i) {
    bad.push_back(call(name(i)));
    if (i % 2 == 0) bad.back()->say("G");  // and a letter every other second
  }
  for (int i = 0; i < 20; ++i) {
    const auto [client, one] = call_and_say(get);
    ASSERT_TRUE(one);
    ASSERT_TRUE(attach(*one, "x"));
    legs["x"]->say(answer("served"));
    pass(50ms);
    EXPECT_EQ(client->heard, answer("served"));
    client->stream->close();
    legs["x"]->stream->close();
    pass(2s);
    for (int j = 0; j < 300; j += 2)
      bad[static_cast<std::size_t>(j)]->say("E");
  }
  EXPECT_LE(lines->size(), 310u);
  for (std::size_t i = 1; i < 300; i += 2)
    EXPECT_TRUE(bad[i]->ended);
}

TEST_F(LineListener, LinesWithoutAByteEitherWayAreClosed) {
  lines->limits().idle_ms = 75'000;
  const auto [quiet, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  const auto leg = legs["x"];
  const auto busy = call("c1");
  busy->say(get);
  pass(20ms);
  const auto two = lines->find(first.back());
  ASSERT_TRUE(attach(*two, "y"));
  for (auto now = 0s; now <= 90s; now += 10s) {
    lines->sweep(now);
    pass(10ms);
    EXPECT_EQ(quiet->ended, now > 75s) << now.count();
    legs["y"]->say(answer("x"));
    busy->say(get);
    pass(10ms);
  }
  EXPECT_TRUE(leg->ended);
  EXPECT_FALSE(busy->ended);
}

TEST_F(LineListener, DrainingEndsWhatIsIdleAndKeepsWhatIsNot) {
  const auto [idle, one] = call_and_say(get);
  ASSERT_TRUE(attach(*one, "x"));
  legs["x"]->say(answer("done"));
  const auto silent = call("c1");
  const auto busy = call("c2");
  busy->say(get);
  pass(20ms);
  ASSERT_TRUE(attach(*lines->find(first.back()), "y"));
  lines->drain();
  pass(50ms);
  EXPECT_TRUE(idle->ended && silent->ended);
  EXPECT_FALSE(busy->ended);
  EXPECT_FALSE(call("c3"));
  legs["y"]->say(answer("done"));
  pass(50ms);
  lines->drain();
  pass(50ms);
  EXPECT_EQ(lines->size(), 0u);
  EXPECT_EQ(lines->counts().from_client, 2 * get.size());
}

TEST_F(LineListener, ItsEndIsTheEndOfAllLines) {
  const auto [client, one] = call_and_say(get);
  lines.reset();
  pass(50ms);
  EXPECT_TRUE(client->ended);
}

}  // namespace
}  // namespace dunlin::proxy
