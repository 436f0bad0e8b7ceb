// Who is let in through the leg listener, and what is known of those (B7, B14, R9 of strangers).
#include "tests/unit/http/leg_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;
using testing::EndsWith;
using testing::HasSubstr;

TEST_F(LegEntry, TheClientBehindTheBalancerIsWhomTheVerbSees_B7) {
  http::request seen;
  verb = [&](http::exchange_ptr asked) {
    seen = asked->request();
    reply(asked, 200, "hello");
  };
  start();
  const auto one = open(42);
  say(one, get("/b/k"));
  EXPECT_EQ(seen.peer, "192.0.2.7:41000");
  EXPECT_TRUE(seen.secure);
  EXPECT_EQ(book.clients[42], "192.0.2.7:41000");
  EXPECT_THAT(one->heard, HasSubstr("x-amz-id-2: access-1\r\n"));
  EXPECT_THAT(one->heard, EndsWith("hello"));
  EXPECT_EQ(entry->connections(), 1u);
}

TEST_F(LegEntry, WhatComesTogetherWithTheHeaderIsTheFirstRequest) {
  start();
  book.expected["t"] = 5;
  const auto one = dial();
  send(one, proxy::encode(header_of(5, "t")) + get("/first") + get("/second"));
  pass(1s);
  EXPECT_THAT(one->heard, HasSubstr("GET /first 0"));
  EXPECT_THAT(one->heard, EndsWith("GET /second 0"));
  EXPECT_EQ(leg(5)->counts().bytes_in, get("/first").size() + get("/second").size());
}

TEST_F(LegEntry, WithoutAHeaderItIsClosedAfterTwoSecondsWithoutAByte) {
  start();
  const auto one = dial();
  pass(1900ms);
  EXPECT_FALSE(one->end);
  pass(200ms);
  EXPECT_TRUE(one->end);
  EXPECT_EQ(one->heard, "");
  EXPECT_EQ(refused("stranger"), 1);
  EXPECT_EQ(book.strangers, 1);
}

struct StrangeBytes : LegEntry, testing::WithParamInterface<std::string> {};

TEST_P(StrangeBytes, AreClosedAtOnceWithoutAByte) {
  start();
  book.expected["good"] = 1;
  const auto one = dial();
  send(one, GetParam());
  pass(100ms);
  EXPECT_TRUE(one->end);
  EXPECT_EQ(one->heard, "");
  EXPECT_EQ(refused("stranger"), 1);
  EXPECT_EQ(book.strangers, 1);
  EXPECT_EQ(entry->connections(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Of, StrangeBytes,
    testing::Values("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                    std::string("\x16\x03\x01\x00\x0a\n", 6),
                    proxy::encode(LegEntry::header_of(1, "bad")),
                    proxy::encode(LegEntry::header_of(1, "")),
                    proxy::encode({false, "1.2.3.4:5", "", "good", std::nullopt, false}),
                    proxy::encode({true, "", "", "good", 1, false})));

TEST_F(LegEntry, ATokenIsGoodOnce) {
  start();
  const auto first = open(1);
  const auto second = dial();
  send(second, proxy::encode(header_of(1, "token-1")) + get("/stolen"));
  pass(100ms);
  EXPECT_TRUE(second->end);
  EXPECT_EQ(second->heard, "");
  EXPECT_EQ(refused("stranger"), 1);
  EXPECT_EQ(book.strangers, 1);
  say(first, get("/mine"));
  EXPECT_THAT(first->heard, EndsWith("GET /mine 0"));
}

TEST_F(LegEntry, TheRightTokenWithAnotherNumberIsAStrangersAndIsGivenBack) {
  start();
  book.expected["t"] = 8;
  const auto one = dial();
  send(one, proxy::encode(header_of(9, "t")));
  pass(100ms);
  EXPECT_TRUE(one->end);
  EXPECT_EQ(one->heard, "");
  EXPECT_EQ(refused("stranger"), 1);
  EXPECT_EQ(book.strangers, 1);
  EXPECT_TRUE(book.legs.empty());
  EXPECT_EQ(book.ended.count(8), 1u);  // the book keeps nothing of it
}

TEST_F(LegEntry, AHeaderMayDribbleInForTwoSecondsAndNoLonger) {
  start();
  for (const auto pause : {5ms, 60ms}) {
    const auto number = static_cast<std::uint64_t>(pause.count());
    const auto token = "t" + std::to_string(number);
    book.expected[token] = number;
    const auto bytes = proxy::encode(header_of(number, token));
    const auto one = dial();
    for (const auto c : bytes) {
      if (one->end) break;
      send(one, {c});
      pass(pause);
    }
    pass(100ms);
    const auto in_time = pause * static_cast<int>(bytes.size()) < 2s;
    EXPECT_EQ(one->end.has_value(), !in_time) << pause.count();
    EXPECT_EQ(one->heard, "");
    EXPECT_EQ(book.legs.count(number), in_time ? 1u : 0u);
  }
  EXPECT_EQ(refused("stranger"), 1);
  EXPECT_EQ(book.strangers, 1);
}

TEST_F(LegEntry, ManyStrangersTakeNobodysPlace) {
  options.connections_max = 4;
  start();
  std::vector<far_end_ptr> legs, strangers;
  for (std::uint64_t i = 1; i <= 4; ++i)
    legs.push_back(open(i));
  for (int i = 0; i < 20; ++i)
    strangers.push_back(dial());
  EXPECT_EQ(entry->connections(), 4u);
  for (const auto& each : legs)
    EXPECT_FALSE(each->end);
  EXPECT_EQ(refused("stranger"), 16);
  EXPECT_EQ(book.strangers, 16);  // of those that wait the oldest give way
  pass(3s);
  EXPECT_EQ(refused("stranger"), 20);
  EXPECT_EQ(book.strangers, 20);
  EXPECT_EQ(refused("idle"), 0);
}

TEST_F(LegEntry, TheBoundHoldsForLegsTheIdlestGivesWayAndWithoutOneNobodyComesIn) {
  options.connections_max = 2;
  start();
  const auto first = open(1);
  const auto second = open(2);
  say(first, get("/used"));
  hold_all();
  const auto third = open(3);
  pass(100ms);
  EXPECT_TRUE(second->end);
  EXPECT_EQ(refused("idle"), 1);
  EXPECT_EQ(book.ended.count(2), 1u);
  say(first, get("/busy"));
  say(third, get("/busy"));
  book.expected["late"] = 4;
  const auto late = dial();
  send(late, proxy::encode(header_of(4, "late")));
  pass(100ms);
  EXPECT_TRUE(late->end);
  EXPECT_EQ(late->heard, "");
  EXPECT_EQ(refused("connections_max"), 1);
  EXPECT_EQ(book.ended.count(4), 1u);
}

namespace {

/// Those who come are shown to the entry together.
struct held_port final : sockets::stream_port {
  explicit held_port(std::shared_ptr<sockets::stream_port> from) : port{std::move(from)} {}
  result<std::uint16_t> listen(const sockets::endpoint& at, bool wildcard,
                               std::function<void(stream_ptr)> come) override {
    show = std::move(come);
    return port->listen(at, wildcard, [this](stream_ptr one) { held.push_back(std::move(one)); });
  }
  void stop_listening() override { port->stop_listening(); }
  asio::awaitable<result<stream_ptr>> dial(asio::any_io_executor on, sockets::endpoint where,
                                           std::chrono::milliseconds within) override {
    return port->dial(std::move(on), std::move(where), within);
  }
  void show_all() {
    for (auto& one : std::exchange(held, {}))
      show(std::move(one));
  }

  std::shared_ptr<sockets::stream_port> port;
  std::function<void(stream_ptr)> show;
  std::vector<stream_ptr> held;
};

}  // namespace

TEST_F(LegEntry, ABurstSendsAsManyIdlersAwayAndDoesNotPassTheBound) {
  options.connections_max = 4;
  const auto door = std::make_shared<held_port>(streams.port("access"));
  entry = http::make_entry(options, {nullptr, door}, random, counts);
  ASSERT_TRUE(entry->serve([this](http::exchange_ptr asked) { verb(std::move(asked)); }));
  std::vector<far_end_ptr> legs;
  const auto arrive = [&](std::uint64_t from, std::uint64_t to) {
    for (auto number = from; number <= to; ++number) {
      const auto token = "token-" + std::to_string(number);
      book.expected[token] = number;
      legs.push_back(dial());
      send(legs.back(), proxy::encode(header_of(number, token)));
    }
    pass(100ms);
    door->show_all();
    pass(100ms);
  };
  arrive(1, 4);
  EXPECT_EQ(entry->connections(), 4u);
  arrive(5, 7);
  EXPECT_EQ(refused("idle"), 3);
  EXPECT_EQ(entry->connections(), 4u);
  for (std::size_t i = 0; i < legs.size(); ++i)
    EXPECT_EQ(legs[i]->end.has_value(), i < 3) << i;
}

TEST_F(LegEntry, OfABurstOfStrangersEachPushesOutAnotherOne) {
  options.connections_max = 4;
  const auto door = std::make_shared<held_port>(streams.port("access"));
  entry = http::make_entry(options, {nullptr, door}, random, counts);
  ASSERT_TRUE(entry->serve([this](http::exchange_ptr asked) { verb(std::move(asked)); }));
  std::vector<far_end_ptr> strangers;
  for (int i = 0; i < 10; ++i)
    strangers.push_back(dial());
  door->show_all();
  pass(100ms);
  for (std::size_t i = 0; i < strangers.size(); ++i)
    EXPECT_EQ(strangers[i]->end.has_value(), i < 6) << i;
}

TEST_F(LegEntry, WhatThoseDoWhoComeStraightIsCounted_B3) {
  const auto traffic = std::make_shared<http::client_traffic>();
  options.traffic = traffic;
  options.listen = options.legs->listen;
  options.legs.reset();
  entry = http::make_entry(options, {streams.port("access"), nullptr}, random, counts);
  ASSERT_TRUE(entry->serve([this](http::exchange_ptr asked) { verb(std::move(asked)); }));
  const auto one = dial();
  const auto two = dial();
  pass(100ms);
  EXPECT_EQ(traffic->open, 2u);
  EXPECT_EQ(traffic->resting, 2u);
  EXPECT_EQ(traffic->held(), 0u);
  say(one, put("/k", 5, "hello"));
  EXPECT_EQ(traffic->bytes, one->sent + one->heard.size());
  EXPECT_EQ(traffic->requests, 1u);
  hold_all();
  say(one, get("/x"));
  EXPECT_EQ(traffic->in_request, 1u);
  EXPECT_EQ(traffic->held(), 1u);
  two->stream->close();
  pass(100ms);
  EXPECT_EQ(traffic->open, 1u);
  one->stream->close();
  held.clear();
  pass(1s);
  EXPECT_EQ(traffic->open, 0u);
  EXPECT_EQ(traffic->in_request, 0u);
  EXPECT_EQ(traffic->resting, 0u);
}

TEST_F(LegEntry, ItCountsWhatItsClientDoes_B14) {
  start();
  const auto one = open();
  say(one, put("/k", 5, "hello") + get("/x"));
  auto now = leg()->counts();
  EXPECT_EQ(now.requests, 2u);
  EXPECT_EQ(now.bytes_in, one->sent);
  EXPECT_EQ(now.bytes_out, one->heard.size());
  EXPECT_EQ(now.drops, 0u);
  EXPECT_FALSE(now.in_request);
  hold_all();
  say(one, get("/held"));
  EXPECT_TRUE(leg()->counts().in_request);
  held.clear();  // the verb drops it
  pass(100ms);
  EXPECT_EQ(book.ended[1].drops, 1u);
  EXPECT_EQ(book.ended[1].requests, 3u);
}

TEST_F(LegEntry, DeclaredLoadCountsIfItIsHonouredAndANumber) {
  start();
  const auto one = open();
  say(one, get("/", "x-dunlin-load: 3\r\n"));
  EXPECT_EQ(leg()->counts().declared, 0);
  book.honours = true;
  for (const auto* load : {"2.5", "0", "1e1"})
    say(one, get("/", std::string("X-Dunlin-Load: ") + load + "\r\n"));
  for (const auto* absurd : {"-1", "inf", "nan", "1e999", "much", "1 2", "", "0x10"})
    say(one, get("/", std::string("x-dunlin-load: ") + absurd + "\r\n"));
  say(one, get("/", "x-dunlin-load: 1e308\r\n") + get("/", "x-dunlin-load: 1e308\r\n") +
               get("/", "x-dunlin-load: 1e308\r\n"));
  EXPECT_EQ(leg()->counts().requests, 15u);
  EXPECT_DOUBLE_EQ(leg()->counts().declared, 1e308 + 12.5);
  EXPECT_EQ(counts
                .counter("dunlin_http_absurd_loads_total",
                         "Values of x-dunlin-load that were no load, and ignored.")
                .value(),
            10);
}

TEST_F(LegEntry, DrainClosesIdleLegsAndThoseThatHaveNotShownTheirToken) {
  start();
  const auto idle = open(1);
  const auto arriving = dial();
  const auto busy = open(2);
  hold_all();
  say(busy, get("/busy"));
  entry->begin_drain();
  pass(100ms);
  EXPECT_TRUE(idle->end);
  EXPECT_TRUE(arriving->end);
  EXPECT_FALSE(busy->end);
  answer_held("last words");
  pass(3s);
  EXPECT_THAT(busy->heard, HasSubstr("Connection: close"));
  EXPECT_THAT(busy->heard, EndsWith("last words"));
  EXPECT_TRUE(busy->end);
  EXPECT_EQ(entry->connections(), 0u);
  EXPECT_EQ(book.ended.size(), 2u);
}

TEST_F(LegEntry, CloseSoonEndsIt) {
  start();
  const auto one = open();
  leg()->close_soon();
  pass(100ms);
  EXPECT_TRUE(one->end);
  EXPECT_EQ(book.ended.count(1), 1u);
  EXPECT_EQ(leg(), nullptr);
}

TEST_F(LegEntry, AThrottledLegWaitsForItsPartOfTheTimeBeforeItReadsOn_B9_R10) {
  options.now = [this] { return loop.now(); };
  verb = [this](http::exchange_ptr asked) {
    loop.after(100ms, [asked] { reply(asked, 200, asked->request().target); });
  };
  start();
  const auto one = open();
  leg()->throttle(0.75);
  say(one, get("/first") + get("/second"), 150ms);
  EXPECT_THAT(one->heard, EndsWith("/first"));
  pass(200ms);  // of the 300 ms that it has to wait
  EXPECT_EQ(leg()->counts().requests, 1u);
  pass(200ms);
  EXPECT_THAT(one->heard, EndsWith("/second"));
  leg()->throttle(0);
  pass(1s);
  say(one, get("/third") + get("/fourth"), 250ms);
  EXPECT_THAT(one->heard, EndsWith("/fourth"));
}

TEST_F(LegEntry, ALegThatWaitsIsGivenBackAtOnceOrEnds_R10) {
  options.now = [this] { return loop.now(); };
  verb = [this](http::exchange_ptr asked) {
    loop.after(1s, [asked] { reply(asked, 200, asked->request().target); });
  };
  start();
  const auto one = open(1);
  const auto two = open(2);
  leg(1)->throttle(0.9);
  leg(2)->throttle(0.9);
  say(one, get("/first") + get("/second"), 0ms);
  say(two, get("/first"), 1100ms);
  EXPECT_THAT(one->heard, EndsWith("/first"));
  hand_over(one);
  leg(2)->close_soon();
  pass(20ms);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->value(), get("/second"));
  EXPECT_TRUE(two->end);
  EXPECT_EQ(book.ended.count(2), 1u);
}

TEST_F(LegEntry, AThrottledLegThatWasClosedBehindItsAnswerLeavesNothingBehind) {
  options.now = [this] { return loop.now(); };
  verb = [this](http::exchange_ptr asked) {
    loop.after(100ms, [this, asked] {
      asked->respond({200, {}, 2}, std::make_shared<const std::string>("ok"),
                     [this, asked](result<void>) { leg()->close_soon(); });
    });
  };
  start();
  const auto one = open();
  leg()->throttle(0.75);
  say(one, get("/first"));
  pass(5s);
  EXPECT_EQ(leg(), nullptr);
  EXPECT_EQ(book.ended.count(1), 1u);
  EXPECT_EQ(entry->connections(), 0u);
}

namespace {
struct world_of_legs final : LegEntry {
  using LegEntry::LegEntry;
  void TestBody() override {}
};
}  // namespace

// A last chunk that came in a packet of its own was awaited once more (found by AnyHandOver, seed
// 32903).
TEST(ChunkedBody, EndsWhereverItsPiecesAreCut) {
  const std::string chunked =
      "PUT /0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";
  for (const auto& all : {chunked, chunked + LegEntry::get("/0")}) {
    const std::string last = all == chunked ? "PUT /0 7" : "GET /0 0";
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
      SCOPED_TRACE(cut);
      world_of_legs world;
      world.start();
      const auto one = world.open();
      world.say(one, all.substr(0, cut), 10ms);
      world.say(one, all.substr(cut));
      EXPECT_THAT(one->heard, EndsWith(last));
    }
  }
}
