#include "runtime/links/tls_wire.hpp"

#include "tests/support/raw_socket.hpp"
#include "tests/support/soon.hpp"
#include "tests/unit/links/two_nodes.hpp"

#include <vector>

using namespace dunlin;
using namespace dunlin::links;
using namespace dunlin::tests;
using namespace std::chrono_literals;

static buffer bytes(std::string of) { return std::make_shared<const std::string>(std::move(of)); }

struct TlsWire : TwoNodes {
  struct side {
    wire_ptr wire;
    std::vector<std::string> frames;
    std::optional<ec> closed;
  };

  tls_wire_options options(const node_id& self) {
    return {.self = self,
            .listen = local(),
            .peers = {{"n1", local()}, {"n2", local()}},
            .identity = of(self)};
  }

  void start_listener(tls_wire_options with) {
    listener = make_tls_wire(std::move(with), counts).value();
    ASSERT_TRUE(listener->listen([this](wire_ptr wire) { attach(there, std::move(wire)); }));
  }

  void attach(side& to, wire_ptr wire) {
    view.change([&] { to.wire = wire; });
    wire->start({[this, &to](std::string frame) {
                   view.change([&] { to.frames.push_back(std::move(frame)); });
                 },
                 [this, &to](ec reason) { view.change([&] { to.closed = reason; }); }});
  }

  result<wire_ptr> dial(tls_wire_options with, const node_id& to) {
    with.peers[to] = local(listener->port());
    dialler = make_tls_wire(std::move(with), counts).value();
    std::optional<result<wire_ptr>> answer;
    dialler->dial(to, [&](result<wire_ptr> got) { view.change([&] { answer = std::move(got); }); });
    EXPECT_TRUE(view.soon([&] { return answer.has_value(); }));
    return *answer;
  }

  void connect() {
    start_listener(options("n1"));
    auto dialled = dial(options("n2"), "n1");
    ASSERT_TRUE(dialled) << to_string(dialled.error());
    attach(here, *dialled);
    ASSERT_TRUE(view.soon([&] { return there.wire != nullptr; }));
  }

  bool soon_refused(const std::string& reason) {
    return view.soon([&] { return refused("wire", reason) >= 1; });
  }

  shared_view view;
  side here, there;
  std::unique_ptr<tls_wire_port> listener, dialler;

  void TearDown() override {
    if (dialler) dialler->stop();
    if (listener) listener->stop();
  }
};

TEST_F(TlsWire, CarriesFramesOfAllSizesInOrderBothWays) {
  connect();
  const std::vector<std::string> sent{"",
                                      "a",
                                      std::string(1000, 'b'),
                                      std::string(65536, 'c'),
                                      std::string(65532, 'd'),
                                      std::string(70000, 'e'),
                                      std::string(frame_bytes_max, 'f'),
                                      "last"};
  for (const auto& frame : sent) {
    EXPECT_TRUE(here.wire->send(bytes(frame)));
    EXPECT_TRUE(there.wire->send(bytes(frame)));
  }
  EXPECT_TRUE(view.soon([&] { return there.frames.size() == sent.size(); }));
  EXPECT_TRUE(view.soon([&] { return here.frames.size() == sent.size(); }));
  EXPECT_TRUE(there.frames == sent);
  EXPECT_TRUE(here.frames == sent);
}

TEST_F(TlsWire, KeepsTheOrderOfThousandsOfSmallFrames) {
  connect();
  for (int i = 0; i < 20000; ++i)
    ASSERT_TRUE(here.wire->send(bytes(std::to_string(i))));
  ASSERT_TRUE(view.soon([&] { return there.frames.size() == 20000; }));
  for (int i = 0; i < 20000; ++i)
    ASSERT_EQ(there.frames[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(TlsWire, CarriesFramesInTwoPartsAmongOthersInOrder) {
  connect();
  std::vector<std::string> sent;
  const auto small = bytes(std::string(3'000, 's')), large = bytes(std::string(300'000, 'l'));
  for (int i = 0; i < 60; ++i) {
    const auto head = "frame " + std::to_string(i) + " ";
    const auto& body = i % 3 == 1 ? small : large;
    sent.push_back(head + (i % 3 == 0 ? "" : *body));
    ASSERT_TRUE(i % 3 == 0 ? here.wire->send(bytes(head)) : here.wire->send(bytes(head), body));
  }
  ASSERT_TRUE(view.soon([&] { return there.frames.size() == sent.size(); }));
  EXPECT_TRUE(there.frames == sent);
  EXPECT_FALSE(here.wire->send(bytes("head"), bytes(std::string(frame_bytes_max, 'x'))));
}

TEST_F(TlsWire, ShowsEachSideTheCertificateOfTheOther) {
  connect();
  EXPECT_EQ(crypto::certificate_name(here.wire->peer_certificate()).value(), "n1");
  EXPECT_EQ(crypto::certificate_name(there.wire->peer_certificate()).value(), "n2");
}

TEST_F(TlsWire, SendsWhatWasQueuedBeforeItCloses) {
  connect();
  here.wire->send(bytes("goodbye"));
  here.wire->close();
  EXPECT_FALSE(here.wire->send(bytes("too late")));
  EXPECT_TRUE(view.soon([&] { return there.closed.has_value() && here.closed.has_value(); }));
  EXPECT_EQ(there.frames, std::vector<std::string>{"goodbye"});
}

TEST_F(TlsWire, TellsBothSidesOnceWhenAPortStops) {
  connect();
  listener->stop();
  EXPECT_TRUE(view.soon([&] { return here.closed.has_value() && there.closed.has_value(); }));
}

TEST_F(TlsWire, RefusesFramesOverTheLimitBeforeTheyLeave) {
  connect();
  EXPECT_FALSE(here.wire->send(bytes(std::string(frame_bytes_max + 1, 'x'))));
}

TEST_F(TlsWire, RefusesToQueueMoreThanItsBound) {
  auto small = options("n2");
  small.unsent_bytes_max = 1000;
  start_listener(options("n1"));
  auto wire = dial(small, "n1");
  ASSERT_TRUE(wire);
  EXPECT_FALSE((*wire)->send(bytes(std::string(1000, 'x'))));
  EXPECT_TRUE((*wire)->send(bytes(std::string(900, 'x'))));
}

TEST_F(TlsWire, RefusesANodeThatTheTopologyDoesNotKnow) {
  start_listener(options("n1"));
  auto unknown = options("n7");
  auto dialled = dial(unknown, "n1");
  EXPECT_TRUE(soon_refused("name"));
  EXPECT_EQ(there.wire, nullptr);
}

TEST_F(TlsWire, F1LetsANodeInThatWasAddedWhileItListens) {
  start_listener(options("n1"));
  listener->add_peer("n7", local(1));
  auto fresh = options("n7");
  auto dialled = dial(fresh, "n1");
  ASSERT_TRUE(dialled);
  attach(here, *dialled);
  EXPECT_TRUE(view.soon([&] { return there.wire != nullptr; }));
  EXPECT_EQ(refused("wire", "name"), 0);
}

TEST_F(TlsWire, F1DialsANodeThatWasAdded) {
  start_listener(options("n7"));
  dialler = make_tls_wire(options("n2"), counts).value();
  dialler->add_peer("n7", local(listener->port()));
  std::optional<result<wire_ptr>> answer;
  dialler->dial("n7", [&](result<wire_ptr> got) { view.change([&] { answer = std::move(got); }); });
  ASSERT_TRUE(view.soon([&] { return answer.has_value(); }));
  EXPECT_TRUE(answer->has_value());
}

TEST_F(TlsWire, RefusesACertificateOfAnotherCluster) {
  start_listener(options("n1"));
  auto stranger_options = options("n2");
  stranger_options.identity = stranger("n2");
  auto dialled = dial(stranger_options, "n1");
  EXPECT_TRUE(dialled.has_error());  // our CA is not theirs, either
  EXPECT_TRUE(soon_refused("handshake"));
  EXPECT_EQ(there.wire, nullptr);
}

TEST_F(TlsWire, RefusesToTalkToAnotherNodeThanTheDialledOne) {
  start_listener(options("n1"));
  auto lost = options("n2");
  lost.peers["n3"] = local();
  auto dialled = dial(lost, "n3");  // the address leads to n1
  EXPECT_EQ(dialled.error(), ec::refused);
  EXPECT_EQ(refused("wire", "dialled_name"), 1);
}

TEST_F(TlsWire, AnswersADialOnceWhenNobodyListensOrKnowsThePeer) {
  start_listener(options("n1"));
  auto with = options("n2");
  EXPECT_EQ(dial(with, "n1").has_value(), true);
  listener->stop();
  listener = make_tls_wire(options("n1"), counts).value();  // port() is 0: nobody there
  with.peers["n1"] = local(1);
  dialler = make_tls_wire(with, counts).value();
  std::vector<ec> answers;
  for (const auto* peer : {"n1", "nobody"})
    dialler->dial(
        peer, [&](result<wire_ptr> got) { view.change([&] { answers.push_back(got.error()); }); });
  EXPECT_TRUE(view.soon([&] { return answers.size() == 2; }));
}

// Bad input, row 25.
TEST_F(TlsWire, ClosesOnHttpAndRandomBytesAndCountsThem) {
  start_listener(options("n1"));
  for (const auto& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(4096, '\xff'), std::string(64, '\0')}) {
    raw_socket socket{listener->port()};
    socket.say(garbage);
    EXPECT_TRUE(socket.ends());
  }
  EXPECT_TRUE(view.soon([&] { return refused("wire", "handshake") == 3; }));
  EXPECT_EQ(there.wire, nullptr);
}

TEST_F(TlsWire, EndsAHandshakeThatNeverFinishes) {
  auto quick = options("n1");
  quick.handshake_timeout = 100ms;
  start_listener(quick);
  raw_socket silent{listener->port()};
  raw_socket half{listener->port()};
  half.say(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(silent.ends());
  EXPECT_TRUE(half.ends());
  EXPECT_TRUE(view.soon([&] { return refused("wire", "handshake_timeout") == 2; }));
}

TEST_F(TlsWire, LetsANodeInThoughStrangersHoldEveryHandshake) {
  auto few = options("n1");
  few.handshakes_max = 4;
  start_listener(few);
  std::vector<std::unique_ptr<raw_socket>> idle;
  for (int i = 0; i < 20; ++i)
    idle.push_back(std::make_unique<raw_socket>(listener->port()));
  ASSERT_TRUE(dial(options("n2"), "n1"));
  EXPECT_TRUE(view.soon([&] { return refused("wire", "handshakes_max") >= 16; }));
}

struct PlainWire : TlsWire {
  void start_plain() {
    auto plain = options("n1");
    plain.identity.reset();
    start_listener(plain);
  }
};

TEST_F(PlainWire, ClosesOnAnAnnouncedLengthOverTheLimit) {
  start_plain();
  raw_socket socket{listener->port()};
  socket.say(std::string("\xff\xff\xff\xff", 4));
  EXPECT_TRUE(socket.ends());
  EXPECT_TRUE(view.soon([&] { return there.closed.has_value(); }));
  EXPECT_EQ(*there.closed, ec::bad_message);
}

TEST_F(PlainWire, DeliversNothingOfATruncatedFrame) {
  start_plain();
  raw_socket socket{listener->port()};
  socket.say(std::string("\0\0\0\2ok\0\0\0\x9half", 14));
  socket.no_more();
  EXPECT_TRUE(view.soon([&] { return there.closed.has_value(); }));
  EXPECT_EQ(there.frames, std::vector<std::string>{"ok"});
  EXPECT_EQ(*there.closed, ec::closed);
}

TEST_F(PlainWire, CarriesFramesToo) {
  start_plain();
  auto plain = options("n2");
  plain.identity.reset();
  auto dialled = dial(plain, "n1");
  ASSERT_TRUE(dialled);
  (*dialled)->send(bytes("hello"));
  EXPECT_TRUE(view.soon([&] { return there.frames.size() == 1; }));
  EXPECT_EQ((*dialled)->peer_certificate(), "");
}

TEST_F(TlsWire, NeverBindsAWildcardUnasked) {
  auto wide = options("n1");
  wide.listen = {"0.0.0.0", 0};
  auto port = make_tls_wire(wide, counts).value();
  EXPECT_EQ(port->listen([](wire_ptr) {}).error(), ec::invalid_argument);
  wide.wildcard = true;
  port = make_tls_wire(wide, counts).value();
  EXPECT_TRUE(port->listen([](wire_ptr) {}));
}

TEST_F(TlsWire, SaysThatItsAddressIsTaken) {
  start_listener(options("n1"));
  auto second = options("n2");
  second.listen = local(listener->port());
  EXPECT_EQ(make_tls_wire(second, counts).value()->listen([](wire_ptr) {}).error(),
            ec::unavailable);
}

TEST_F(TlsWire, RefusesABundleThatDoesNotFit) {
  auto broken = options("n1");
  broken.identity->key = of("n1").key;
  EXPECT_EQ(make_tls_wire(broken, counts).error(), ec::damaged);
}
