// Lines over real sockets, in front of a real HTTP entry.
#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/proxy/line_listener.hpp"
#include "runtime/sockets/byte_stream.hpp"
#include "runtime/sockets/socket_port.hpp"
#include "tests/unit/http/server_fixture.hpp"

#include <stdlib.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>

#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

namespace dunlin::proxy {
namespace {

using namespace tests;
using testing::HasSubstr;

/// Its owner attaches each client to the server, without a header: the server knows no legs.
struct RealLine : HttpServer, testing::WithParamInterface<int> {
  ~RealLine() override {
    lines.reset();
    if (threads) threads->stop();
  }

  void open(int count, sockets::tls_context tls = nullptr) {
    start();
    to = server->port();
    threads = std::make_shared<sockets::io_threads>(count);
    port = std::make_unique<sockets::socket_port>(threads, std::move(tls), nullptr);
    lines = std::make_unique<line_listener>(*port, *port);
    line_events events;
    events.first_bytes = [this](line_number number, const line_client&) { attach(number); };
    events.leg_lost = [this](line_number number, const leg_loss& loss) {
      view.change([&] { ++losses; });
      if (loss.replayable) attach(number);
    };
    events.ended = [this](line_number) { view.change([&] { ++ended; }); };
    lines->serve(std::move(events));
    listening = lines->listen({"127.0.0.1", 0}, false).value();
  }
  void attach(line_number number) {
    if (const auto one = lines->find(number))
      one->attach({"127.0.0.1", to}, {}, [](result<void>) {});
  }
  static std::string put(const std::string& body) {
    return "PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  static std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }

  std::atomic<std::uint16_t> to = 0;
  std::shared_ptr<sockets::io_threads> threads;
  std::unique_ptr<sockets::socket_port> port;
  std::unique_ptr<line_listener> lines;
  std::uint16_t listening = 0;
  int losses = 0;
  int ended = 0;
};

TEST_P(RealLine, ManyClientsAtOnceGetTheirOwnAnswers_B7) {
  open(GetParam());
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      raw_socket client{listening};
      for (int j = 0; j < 20; ++j) {
        const std::string body(static_cast<std::size_t>(1 + (i * 37 + j * 4'567) % 90'000),
                               static_cast<char>('a' + (i + j) % 26));
        client.forget();
        client.say(put(body) + get("/end"));
        const auto& heard = client.hear("GET /end ");
        right += heard.find("PUT /k " + body) != std::string::npos ? 1 : 0;
      }
    });
  for (auto& each : clients)
    each.join();
  EXPECT_EQ(right, 160);
  EXPECT_TRUE(view.soon([&] { return lines->size() == 0; }));
}

TEST_P(RealLine, LongAnswersPassWholeBesideShortOnes_B7) {
  const auto body = [](std::size_t i) {
    std::string made(300'000 + 77'777 * (i % 7), '\0');
    for (std::size_t j = 0; j < made.size(); ++j)
      made[j] = static_cast<char>('a' + (i + j / 7) % 26);
    return made;
  };
  verb = [&](http::exchange_ptr asked) {
    const auto i = std::stoul(asked->request().target.substr(1));
    reply(asked, 200, i % 3 == 0 ? std::to_string(i) : body(i));
  };
  open(GetParam());
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (std::size_t one = 0; one < 6; ++one)
    clients.emplace_back([&, one] {
      raw_socket client{listening};
      for (std::size_t i = one * 20; i < one * 20 + 20; ++i) {
        client.forget();
        client.say(get("/" + std::to_string(i)));
        const auto expected = i % 3 == 0 ? std::to_string(i) : body(i);
        const auto head = client.hear("\r\n\r\n").find("\r\n\r\n") + 4;
        right += client.hear_bytes(head + expected.size()).substr(head) == expected ? 1 : 0;
      }
    });
  for (auto& each : clients)
    each.join();
  EXPECT_EQ(right, 120);
}

TEST_P(RealLine, ALongAnswerThatIsCutIsNotEndedInOrderNorAskedAgain_R11) {
  verb = [](http::exchange_ptr asked) {
    asked->respond({200, {}, 3'000'000}, bytes(std::string(1'000'000, 'x')),
                   [asked](result<void>) { asked->cut(); });
  };
  open(GetParam());
  raw_socket client{listening};
  client.say(get("/cut"));
  EXPECT_TRUE(client.ends());
  EXPECT_LT(client.heard().size(), 1'001'000u);
  EXPECT_THAT(client.heard(), testing::StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(view.soon([&] { return ended == 1; }));
  EXPECT_EQ(losses, 1);
}

TEST_P(RealLine, AClientMayEndItsSendingAndStillHear) {
  open(GetParam());
  raw_socket client{listening};
  client.say(get("/last"));
  client.no_more();
  EXPECT_THAT(client.hear("GET /last "), HasSubstr("200 OK"));
  EXPECT_TRUE(client.ends());
}

TEST_P(RealLine, AGetIsAskedAgainWhereItsAccessNodeWentAway_R11) {
  open(GetParam());
  verb = [this](http::exchange_ptr asked) {
    if (view.soon([&] { return losses == 0; }, 1ms)) return asked->cut();
    echo(std::move(asked));
  };
  raw_socket client{listening};
  client.say(get("/again"));
  EXPECT_THAT(client.hear("GET /again "), HasSubstr("200 OK"));
  client.say(put("never twice"));
  EXPECT_THAT(client.hear("never twice"), HasSubstr("PUT /k never twice"));
}

TEST_P(RealLine, ThreeHundredHalfOpenAndSlowClientsHurtNobody) {
  open(GetParam());
  lines->limits().lines_max = 320;
  std::vector<std::unique_ptr<raw_socket>> bad;
  for (int i = 0; i < 300; ++i) {
    bad.push_back(std::make_unique<raw_socket>(listening));
    if (i % 3 == 0) bad.back()->say("GET /slow HT");
  }
  for (int i = 0; i < 50; ++i) {
    raw_socket client{listening};
    client.say(get("/served"));
    EXPECT_THAT(client.hear("GET /served "), HasSubstr("200 OK"));
    if (i % 3 == 0) bad[static_cast<std::size_t>(i)]->say("T");
  }
  EXPECT_TRUE(view.soon([&] { return lines->size() <= 320; }));
}

TEST_P(RealLine, AClientThatDoesNotReadIsHeldBackAndLosesNothing) {
  verb = [](http::exchange_ptr asked) { reply(asked, 200, std::string(30'000'000, 'z') + "end"); };
  open(GetParam());
  raw_socket client{listening};
  client.say(get("/large"));
  EXPECT_TRUE(view.soon([&] { return lines->counts().to_client > 1'000; }));
  EXPECT_LT(lines->counts().to_client, 25'000'000u);
  const auto head = client.hear("\r\n\r\n").find("\r\n\r\n") + 4;
  EXPECT_EQ(client.hear_bytes(head + 30'000'003).substr(head + 29'999'999), "zend");
}

TEST_P(RealLine, ItsEndEndsItsClients) {
  open(GetParam());
  raw_socket talking{listening};
  talking.say(get("/x"));
  talking.hear("GET /x ");
  raw_socket silent{listening};
  EXPECT_TRUE(view.soon([&] { return lines->size() == 2; }));
  lines.reset();
  EXPECT_TRUE(talking.ends());
  EXPECT_TRUE(silent.ends());
}

TEST_P(RealLine, TlsEndsHere_B1) {
  char pattern[] = "/tmp/dunlin-line-XXXXXX";
  const std::string folder = ::mkdtemp(pattern);
  EXPECT_TRUE(crypto::cluster_ca::create(folder, "test").value().write_bundle("s3"));
  open(GetParam(),
       sockets::server_context(folder + "/s3/certificate.pem", folder + "/s3/key.pem").value());
  std::filesystem::remove_all(folder);
  boost::asio::io_context context;
  auto tls = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_client);
  const auto client =
      std::make_shared<sockets::byte_stream>(sockets::tcp::socket{context}, std::move(tls));
  std::string heard;
  const auto body = std::string(300'000, 'x');
  const auto talk = [&]() -> boost::asio::awaitable<void> {
    client->expires_after(5s);
    const sockets::endpoint where{"127.0.0.1", listening};
    co_await client->connect(where);
    co_await client->handshake(false);
    const auto said = put(body) + get("/end");
    co_await client->write(boost::asio::buffer(said));
    std::string part(65'536, '\0');
    while (heard.find("GET /end ") == std::string::npos) {
      const auto got = co_await client->read_some(boost::asio::buffer(part));
      if (!got) break;
      heard.append(part, 0, got.bytes);
    }
    client->close();
  };
  boost::asio::co_spawn(context, talk, boost::asio::detached);
  context.run();
  EXPECT_NE(heard.find("PUT /k " + body), std::string::npos);
  // Plain text at a port that wants TLS costs a socket for a moment.
  raw_socket plain{listening};
  plain.say(get("/plain"));
  EXPECT_TRUE(plain.ends());
}

INSTANTIATE_TEST_SUITE_P(Threads, RealLine, testing::Values(1, 3));

}  // namespace
}  // namespace dunlin::proxy
