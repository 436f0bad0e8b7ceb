#include "runtime/links/bulk/tls_bulk.hpp"

#include "tests/support/raw_socket.hpp"
#include "tests/support/soon.hpp"
#include "tests/unit/links/two_nodes.hpp"

#include <algorithm>
#include <vector>

using namespace dunlin;
using namespace dunlin::links;
using namespace dunlin::tests;
using namespace std::chrono_literals;

static buffer bytes(std::string of) { return std::make_shared<const std::string>(std::move(of)); }

struct TlsBulk : TwoNodes {
  tls_bulk_options options(const node_id& self) {
    tls_bulk_options made{
        .self = self, .listen = local(), .peers = {{"n1", local()}, {"n2", local()}}};
    if (secure) made.identity = of(self);
    return made;
  }

  void serve(bulk_port::handler requests) {
    there = make_tls_bulk(server_options.value_or(options("n1")), counts).value();
    ASSERT_TRUE(there->serve(std::move(requests)));
    auto mine = client_options.value_or(options("n2"));
    mine.peers["n1"] = local(there->port());
    here = make_tls_bulk(mine, counts).value();
  }

  void serve_echo() {
    serve([this](const node_id& peer, bulk_message request, bulk_port::answer reply) {
      view.change([&] { peers.push_back(peer); });
      reply(std::move(request));
    });
  }

  void ask(bulk_message request, std::chrono::milliseconds timeout = 5s,
           const node_id& peer = "n1") {
    here->exchange(peer, std::move(request), timeout, [this](result<bulk_message> got) {
      view.change([&] { answers.push_back(std::move(got)); });
    });
  }

  bool answered(std::size_t count) {
    return view.soon([&] { return answers.size() >= count; });
  }

  void TearDown() override {
    held.clear();
    if (here) here->stop();
    if (there) there->stop();
  }

  bool secure = true;
  std::optional<tls_bulk_options> server_options, client_options;
  shared_view view;
  std::vector<node_id> peers;
  std::vector<result<bulk_message>> answers;
  std::vector<bulk_port::answer> held;
  std::unique_ptr<tls_bulk_port> there, here;
};

TEST_F(TlsBulk, CarriesHeadsAndBodiesOfAllSizesBothWays) {
  serve_echo();
  std::size_t asked = 0;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{20000},
                                 std::size_t{1} << 20, bulk_body_bytes_max}) {
    const std::string body(size, 'b');
    ask({std::string(std::min<std::size_t>(size, bulk_head_bytes_max), 'h'), bytes(body)});
    ASSERT_TRUE(answered(++asked));
    ASSERT_TRUE(answers.back()) << to_string(answers.back().error());
    EXPECT_EQ(answers.back()->head.size(), std::min<std::size_t>(size, bulk_head_bytes_max));
    if (size == 0)
      EXPECT_EQ(answers.back()->body, nullptr);
    else
      EXPECT_TRUE(*answers.back()->body == body);
  }
  EXPECT_EQ(peers, std::vector<node_id>(5, "n2"));
}

TEST_F(TlsBulk, F1ReachesANodeThatWasAddedAndLetsItIn) {
  there = make_tls_bulk(options("n7"), counts).value();
  ASSERT_TRUE(there->serve([this](const node_id& peer, bulk_message request, auto reply) {
    view.change([&] { peers.push_back(peer); });
    reply(std::move(request));
  }));
  here = make_tls_bulk(options("n2"), counts).value();
  ask({"h", bytes("b")}, 5s, "n7");
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(answers.back().error(), ec::not_found);
  here->add_peer("n7", local(there->port()));
  ask({"h", bytes("b")}, 5s, "n7");
  ASSERT_TRUE(answered(2));
  EXPECT_TRUE(answers.back());
}

TEST_F(TlsBulk, RunsManyExchangesOverAFewConnections) {
  serve_echo();
  for (int i = 0; i < 200; ++i)
    ask({std::to_string(i), bytes(std::string(10000, 'x'))});
  ASSERT_TRUE(answered(200));
  EXPECT_TRUE(
      std::all_of(answers.begin(), answers.end(), [](const auto& one) { return one.has_value(); }));
}

TEST_F(TlsBulk, RefusesMessagesOverTheCapsBeforeTheyLeave) {
  serve_echo();
  ask({std::string(bulk_head_bytes_max + 1, 'h'), nullptr});
  ask({"", bytes(std::string(bulk_body_bytes_max + 1, 'b'))});
  ask({"", nullptr}, 1s, "n9");
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(answers[0].error(), ec::invalid_argument);
  EXPECT_EQ(answers[1].error(), ec::invalid_argument);
  EXPECT_EQ(answers[2].error(), ec::not_found);
}

struct HeldBulk : TlsBulk {
  void serve_held() {
    serve([this](const node_id&, bulk_message, bulk_port::answer reply) {
      view.change([&] { held.push_back(std::move(reply)); });
    });
  }
};

TEST_F(HeldBulk, BoundsItsConnectionsAndItsWaitingLine) {
  client_options = options("n2");
  client_options->connections_max = 2;
  client_options->waiting_max = 3;
  serve_held();
  for (int i = 0; i < 6; ++i)
    ask({"", nullptr});
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(answers[0].error(), ec::overloaded);
  ASSERT_TRUE(view.soon([&] { return held.size() == 2; }));
  for (std::size_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(view.soon([&] { return held.size() > i; }));
    held[i]({"ok", nullptr});
  }
  ASSERT_TRUE(answered(6));
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(),
                          [](const auto& one) { return one.has_value(); }),
            5);
}

TEST_F(HeldBulk, EndsWaitingAndRunningExchangesAtTheirDeadline) {
  client_options = options("n2");
  client_options->connections_max = 1;
  serve_held();
  ask({"runs", nullptr}, 300ms);
  ask({"waits", nullptr}, 100ms);
  ASSERT_TRUE(answered(2));
  EXPECT_EQ(answers[0].error(), ec::timed_out);
  EXPECT_EQ(answers[1].error(), ec::timed_out);
  ask({"fresh connection", nullptr});
  ASSERT_TRUE(view.soon([&] { return held.size() == 2; }));
  held[1]({"ok", nullptr});
  ASSERT_TRUE(answered(3));
  EXPECT_TRUE(answers[2]);
}

TEST_F(HeldBulk, TellsThatThePeerWasLost) {
  serve_held();
  ask({"", nullptr});
  ASSERT_TRUE(view.soon([&] { return held.size() == 1; }));
  there->stop();
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(answers[0].error(), ec::peer_lost);
  held[0]({"too late", nullptr});
}

TEST_F(HeldBulk, EndsExchangesWhenItStops) {
  client_options = options("n2");
  client_options->connections_max = 1;
  serve_held();
  ask({"", nullptr});
  ask({"", nullptr});
  ASSERT_TRUE(view.soon([&] { return held.size() == 1; }));
  here->stop();
  EXPECT_EQ(answers.size(), 2u);
}

TEST_F(TlsBulk, TellsAtOnceThatAHandlerForgotItsRequest) {
  serve([](const node_id&, bulk_message, bulk_port::answer) {});
  ask({"", nullptr}, 60s);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(answers[0].error(), ec::peer_lost);
}

TEST_F(TlsBulk, DoesNotUseAPooledConnectionThatThePeerHasClosed) {
  server_options = options("n1");
  server_options->accepted_idle_timeout = 50ms;
  serve_echo();
  for (std::size_t i = 1; i <= 5; ++i) {
    ask({"", nullptr});
    ASSERT_TRUE(answered(i));
    ASSERT_TRUE(answers.back()) << to_string(answers.back().error());
    if (i == 2) view.soon([] { return false; }, 120ms);  // until the server has closed it
  }
}

TEST_F(TlsBulk, SaysUnavailableWhenNobodyListens) {
  serve_echo();
  there->stop();
  there.reset();
  ask({"", nullptr});
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(answers[0].error(), ec::unavailable);
}

TEST_F(TlsBulk, RefusesStrangers) {
  client_options = options("n2");
  client_options->identity = stranger("n2");
  serve_echo();
  ask({"", nullptr});
  ASSERT_TRUE(answered(1));
  EXPECT_TRUE(answers[0].has_error());
  EXPECT_TRUE(peers.empty());
}

struct PlainBulk : TlsBulk {
  PlainBulk() { secure = false; }
};

// Bad input, row 25.
TEST_F(PlainBulk, ClosesOnLengthsOverTheCapsAndOnHttp) {
  serve_echo();
  for (const auto& garbage :
       {std::string("\0\0\x40\x01\0\0\0\0", 8), std::string("\0\0\0\0\0\x40\0\x01", 8),
        std::string(8, '\xff'), std::string("GET / HTTP/1.1\r\n\r\n")}) {
    raw_socket socket{there->port()};
    socket.say(garbage);
    EXPECT_TRUE(socket.ends());
  }
  EXPECT_TRUE(peers.empty());
}

TEST_F(PlainBulk, EndsConnectionsThatStallInMidMessage) {
  server_options = options("n1");
  server_options->transfer_timeout = 100ms;
  serve_echo();
  raw_socket socket{there->port()};
  socket.say(std::string("\0\0\0\x05\0\0\0\0he", 10));
  EXPECT_TRUE(socket.ends());
}

TEST_F(PlainBulk, CarriesBodiesToo) {
  serve_echo();
  ask({"h", bytes(std::string(1u << 20, 'p'))});
  ASSERT_TRUE(answered(1));
  ASSERT_TRUE(answers[0]);
  EXPECT_EQ(answers[0]->body->size(), 1u << 20);
}
