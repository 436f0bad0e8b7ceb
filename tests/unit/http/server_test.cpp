#include "tests/unit/http/server_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;

static std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

static std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}

TEST_F(HttpServer, AnswersOneRequestAfterAnotherOnOneConnection) {
  start();
  raw_socket client{server->port()};
  client.say(get("/one"));
  EXPECT_NE(client.hear("GET /one ").find("HTTP/1.1 200 OK\r\n"), std::string::npos);
  client.forget();
  client.say("PUT /two HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_NE(client.hear("PUT /two hello").find("Connection: keep-alive"), std::string::npos);
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  start();
  raw_socket client{server->port()};
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "PUT /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  client.say(all);
  const auto heard = client.hear("PUT /49 abc");
  EXPECT_EQ(count(heard, "HTTP/1.1 200 OK"), 50u);
  for (int i = 1; i < 50; ++i)
    EXPECT_LT(heard.find("PUT /" + std::to_string(i - 1) + " abc"),
              heard.find("PUT /" + std::to_string(i) + " abc"));
}

TEST_F(HttpServer, ReadsARequestThatComesByteByByte) {
  start();
  raw_socket client{server->port()};
  for (const auto c : std::string("PUT /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    ASSERT_TRUE(client.say({&c, 1}));
  EXPECT_NE(client.hear("PUT /slow abc").find("200 OK"), std::string::npos);
}

TEST_F(HttpServer, TellsTheVerbWhatWasAsked) {
  http::request seen;
  verb = [&](http::exchange_ptr asked) {
    view.change([&] { seen = asked->request(); });
    reply(asked, 200, "");
  };
  start();
  raw_socket client{server->port()};
  client.say(
      "PUT /b/%20k?x=1 HTTP/1.1\r\nHost: a\r\nX-Amz-Meta-A: \xe4\xf6\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n");
  client.hear("\r\n\r\n");
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/b/%20k?x=1");
  EXPECT_EQ(*seen.find("x-amz-meta-a"), "\xe4\xf6");
  EXPECT_EQ(seen.content_length, std::nullopt);
  EXPECT_TRUE(seen.peer.starts_with("127.0.0.1:"));
  EXPECT_EQ(seen.id.size(), 16u);
  EXPECT_FALSE(seen.secure);
}

TEST_F(HttpServer, TakesTwoHundredHeaders) {
  start();
  std::string headers;
  for (int i = 0; i < 200; ++i)
    headers += "x-amz-meta-" + std::to_string(i) + ": v\r\n";
  raw_socket client{server->port()};
  client.say(get("/many", headers));
  EXPECT_NE(client.hear("GET /many").find("200 OK"), std::string::npos);
}

TEST_F(HttpServer, SaysContinueWhenTheBodyIsFirstReadAndNotBefore) {
  verb = [this](http::exchange_ptr asked) {
    if (asked->request().target == "/refused") return reply(asked, 403, "no");
    echo(asked);
  };
  start();
  raw_socket client{server->port()};
  client.say("PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.say("hi");
  EXPECT_NE(client.hear("PUT /k hi").find("200 OK"), std::string::npos);

  raw_socket refused{server->port()};
  refused.say(
      "PUT /refused HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(refused.hear("no").starts_with("HTTP/1.1 403"));
  EXPECT_NE(refused.heard().find("Connection: close"), std::string::npos);
}

TEST_F(HttpServer, SaysContinueEvenIfThereIsNoBody) {
  start();
  raw_socket client{server->port()};
  for (int i = 0; i < 2; ++i) {
    client.say("PUT /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    const auto heard = client.hear("PUT /k ");
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << heard;
    EXPECT_NE(heard.find("Connection: keep-alive"), std::string::npos);
    client.forget();
  }
}

TEST_F(HttpServer, AnswersHeadWithoutABodyAndGoesOn) {
  verb = [](http::exchange_ptr asked) { reply(asked, 200, "not to be seen"); };
  start();
  raw_socket client{server->port()};
  client.say("HEAD /k HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
  const auto heard = client.hear("not to be seen");
  EXPECT_EQ(count(heard, "HTTP/1.1 200 OK"), 2u);
  EXPECT_EQ(count(heard, "Content-Length: 14"), 2u);
  EXPECT_EQ(count(heard, "not to be seen"), 1u);
}

TEST_F(HttpServer, WritesALongBodyInPartsToASlowReader) {
  const std::string part(1u << 20, 'x');
  verb = [&](http::exchange_ptr asked) {
    auto next = std::make_shared<std::function<void(int)>>();
    *next = [asked, next, &part](int left) {
      if (left == 0) {
        *next = nullptr;
        return;
      }
      asked->write(bytes(part), [next, left](result<void> sent) {
        if (sent && *next) (*next)(left - 1);
      });
    };
    asked->respond({200, {}, 8u << 20}, bytes(""), [next](result<void>) { (*next)(8); });
  };
  start();
  raw_socket client{server->port(), 4096};
  client.say(get("/long"));
  const auto head = client.hear("\r\n\r\n").find("\r\n\r\n") + 4;
  EXPECT_EQ(client.hear_bytes(head + (8u << 20)).size(), head + (8u << 20));
}

TEST_F(HttpServer, ReadsNoMoreThanAsked) {
  std::vector<std::size_t> sizes;
  verb = [&](http::exchange_ptr asked) {
    asked->read(10, [&, asked](result<std::string> first) {
      asked->read(1u << 20, [&, asked, first](result<std::string> second) {
        view.change([&] { sizes = {first->size(), second->size()}; });
        reply(asked, 200, "done");
      });
    });
  };
  start();
  raw_socket client{server->port()};
  client.say("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  client.hear("done");
  EXPECT_EQ(sizes.at(0), 10u);
  EXPECT_LE(sizes.at(1), 90u);
}

TEST_F(HttpServer, DoesNotReceiveABodyThatNobodyReads) {
  verb = [this](http::exchange_ptr asked) { hold(std::move(asked)); };
  start();
  raw_socket client{server->port()};
  client.say("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  // Kernel buffers take some; far less than this without anybody reading.
  std::thread writer{[&] { client.say(std::string(64u << 20, 'x')); }};
  EXPECT_TRUE(view.soon([&] {
    const auto lock = std::scoped_lock{held_guard};
    return held.size() == 1;
  }));
  {
    const auto lock = std::scoped_lock{held_guard};
    held.front()->cut();
  }
  writer.join();
}

TEST_F(HttpServer, DrainsALittleOfAnUnreadBodyAndClosesOnMuch) {
  verb = [](http::exchange_ptr asked) { reply(asked, 404, "gone"); };
  start();
  raw_socket little{server->port()};
  little.say("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x') +
             get("/next"));
  // Both answers are of one length, and may come in one piece.
  const auto answer = little.hear("gone").find("gone") + 4;
  little.hear_bytes(2 * answer);
  EXPECT_EQ(count(little.heard(), "HTTP/1.1 404"), 2u);
  raw_socket much{server->port()};
  much.say("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
           std::string(100000, 'x'));
  EXPECT_NE(much.hear("gone").find("Connection: close"), std::string::npos);
  much.no_more();
  EXPECT_TRUE(much.ends());
}

TEST_F(HttpServer, CutsTheConnectionWhenAnExchangeIsDroppedUnanswered) {
  verb = [](http::exchange_ptr) {};
  start();
  raw_socket client{server->port()};
  client.say(get("/"));
  EXPECT_TRUE(client.ends());
  EXPECT_EQ(client.heard(), "");
}

TEST_F(HttpServer, CutsInMidBodySoThatHalfAnObjectNeverLooksWhole) {
  verb = [](http::exchange_ptr asked) {
    asked->respond({200, {}, 100}, bytes("half"), [asked](result<void>) { asked->cut(); });
  };
  start();
  raw_socket client{server->port()};
  client.say(get("/"));
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(client.heard().ends_with("half"));
}

TEST_F(HttpServer, RefusesToWriteMoreThanWasAnnounced) {
  std::optional<result<void>> outcome;
  verb = [&](http::exchange_ptr asked) {
    asked->respond({200, {}, 3}, bytes("four"),
                   [&, asked](result<void> sent) { view.change([&] { outcome = sent; }); });
  };
  start();
  raw_socket client{server->port()};
  client.say(get("/"));
  EXPECT_TRUE(client.ends());
  ASSERT_TRUE(view.soon([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->error(), ec::invalid_argument);
}

TEST_F(HttpServer, TellsTheVerbThatTheClientWentAwayInMidBody) {
  std::optional<result<std::string>> body;
  verb = [&](http::exchange_ptr asked) {
    read_all(asked, 1000,
             [&, asked](result<std::string> got) { view.change([&] { body = got; }); });
  };
  start();
  {
    raw_socket client{server->port()};
    client.say("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  }
  ASSERT_TRUE(view.soon([&] { return body.has_value(); }));
  EXPECT_EQ(body->error(), ec::closed);
}

TEST_F(HttpServer, AnswersASlowBodyWithRequestTimeout) {
  options.body_timeout = 100ms;
  start();
  raw_socket client{server->port()};
  client.say("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_TRUE(client.hear("bad body").starts_with("HTTP/1.1 408"));
  EXPECT_NE(client.heard().find("Connection: close"), std::string::npos);
}

TEST_F(HttpServer, AnswersSlowHeadersWithRequestTimeoutAndClosesIdleOnes) {
  options.header_timeout = 100ms;
  options.idle_timeout = 100ms;
  start();
  raw_socket slow{server->port()};
  raw_socket idle{server->port()};
  slow.say("GET / HT");
  EXPECT_TRUE(slow.hear("</Error>").starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(idle.ends());
  EXPECT_EQ(idle.heard(), "");
  raw_socket other{server->port()};
  other.say(get("/fine"));
  EXPECT_NE(other.hear("GET /fine").find("200 OK"), std::string::npos);
}

// Bad input, row 14.
TEST_F(HttpServer, ServesNewClientsThoughIdleOnesHoldEveryPlace) {
  options.connections_max = 8;
  start();
  std::vector<std::unique_ptr<raw_socket>> idle;
  for (int i = 0; i < 30; ++i) {
    idle.push_back(std::make_unique<raw_socket>(server->port()));
    idle.back()->say(get("/" + std::to_string(i)));
    ASSERT_NE(idle.back()->hear("GET /" + std::to_string(i)).find("200 OK"), std::string::npos)
        << i;
  }
}

TEST_F(HttpServer, SaysSlowDownWhenEveryPlaceIsBusy) {
  options.connections_max = 1;
  verb = [this](http::exchange_ptr asked) { hold(std::move(asked)); };
  start();
  raw_socket busy{server->port()};
  busy.say(get("/"));
  EXPECT_TRUE(view.soon([&] {
    const auto lock = std::scoped_lock{held_guard};
    return held.size() == 1;
  }));
  raw_socket late{server->port()};
  EXPECT_NE(late.hear("</Error>").find("<Code>SlowDown</Code>"), std::string::npos);
}

TEST_F(HttpServer, DrainsAtRequestBoundaries) {
  verb = [this](http::exchange_ptr asked) { hold(std::move(asked)); };
  start();
  raw_socket idle{server->port()};
  raw_socket busy{server->port()};
  busy.say(get("/busy"));
  EXPECT_TRUE(view.soon([&] {
    const auto lock = std::scoped_lock{held_guard};
    return held.size() == 1;
  }));
  std::thread drainer{[&] { server->drain(5); }};
  EXPECT_TRUE(idle.ends());
  {
    const auto lock = std::scoped_lock{held_guard};
    reply(held.front(), 200, "last words");
    held.clear();
  }
  EXPECT_NE(busy.hear("last words").find("Connection: close"), std::string::npos);
  busy.no_more();
  EXPECT_TRUE(busy.ends());
  drainer.join();
  raw_socket late{server->port()};
  EXPECT_FALSE(late.connected());
}

TEST_F(HttpServer, CutsWhatDoesNotEndWhileItDrains) {
  verb = [this](http::exchange_ptr asked) { hold(std::move(asked)); };
  start();
  raw_socket stuck{server->port()};
  stuck.say(get("/"));
  EXPECT_TRUE(view.soon([&] {
    const auto lock = std::scoped_lock{held_guard};
    return held.size() == 1;
  }));
  server->drain(0);
  EXPECT_TRUE(stuck.ends());
}

TEST_F(HttpServer, FailsCallsOfExchangesThatOutliveIt) {
  verb = [this](http::exchange_ptr asked) { hold(std::move(asked)); };
  start();
  raw_socket client{server->port()};
  client.say(get("/"));
  EXPECT_TRUE(view.soon([&] {
    const auto lock = std::scoped_lock{held_guard};
    return held.size() == 1;
  }));
  server->stop();
  server.reset();
  std::optional<result<void>> outcome;
  held.front()->respond({200, {}, 0}, nullptr, [&](result<void> sent) { outcome = sent; });
  EXPECT_EQ(outcome->error(), ec::closed);
}

TEST_F(HttpServer, ClosesAfterHttp10AndWhenTheClientWishes) {
  start();
  raw_socket old{server->port()};
  old.say("GET /old HTTP/1.0\r\nHost: a\r\n\r\n");
  old.hear("GET /old");
  old.no_more();
  EXPECT_TRUE(old.ends());
  raw_socket polite{server->port()};
  polite.say(get("/", "Connection: close\r\n"));
  polite.hear("GET /");
  polite.no_more();
  EXPECT_TRUE(polite.ends());
}

TEST_F(HttpServer, NeverBindsAWildcardUnasked) {
  options.listen = {"::", 0};
  server = http::make_server(options, random, counts).value();
  EXPECT_EQ(server->serve([](http::exchange_ptr) {}).error(), ec::invalid_argument);
}
