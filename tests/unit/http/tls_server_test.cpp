// S3 over TLS, with a certificate of a CA of our own and OpenSSL's own client.
#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/proxy/proxy_header.hpp"
#include "runtime/sockets/byte_stream.hpp"
#include "tests/unit/http/server_fixture.hpp"

#include <stdlib.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <future>

using namespace dunlin;
using namespace dunlin::tests;
namespace asio = boost::asio;

struct TlsServer : HttpServer {
  TlsServer() {
    char pattern[] = "/tmp/dunlin-https-XXXXXX";
    folder = ::mkdtemp(pattern);
    EXPECT_TRUE(crypto::cluster_ca::create(folder, "test").value().write_bundle("s3"));
    options.tls = {folder + "/s3/certificate.pem", folder + "/s3/key.pem"};
  }
  ~TlsServer() override { std::filesystem::remove_all(folder); }

  std::string ask(std::string bytes, std::string until) {
    asio::io_context context;
    auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    auto stream = std::make_shared<sockets::byte_stream>(sockets::tcp::socket{context}, tls);
    std::string heard;
    asio::co_spawn(
        context, [&] { return talk_to(stream, server->port(), bytes, until, heard); },
        asio::detached);
    context.run();
    return heard;
  }

  asio::awaitable<void> talk_to(sockets::byte_stream_ptr stream, std::uint16_t port,
                                const std::string& bytes, const std::string& until,
                                std::string& heard) {
    stream->expires_after(5s);
    const auto to = sockets::endpoint{"127.0.0.1", port};
    co_await stream->connect(to);
    co_await stream->handshake(false);
    co_await stream->write(asio::buffer(bytes));
    std::string part(65536, '\0');
    while (heard.find(until) == std::string::npos) {
      const auto got = co_await stream->read_some(asio::buffer(part));
      if (!got) break;
      heard.append(part, 0, got.bytes);
    }
    stream->close();
  }

  /// Says that, then nothing; did the server end the session before it closed?
  bool ends_in_order(const std::string& bytes, bool and_ends) {
    asio::io_context context;
    auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    auto stream = std::make_shared<sockets::byte_stream>(sockets::tcp::socket{context}, tls);
    asio::co_spawn(
        context, [&] { return listen_to_the_end(stream, bytes, and_ends); }, asio::detached);
    context.run();
    return stream->at_end();
  }

  asio::awaitable<void> listen_to_the_end(sockets::byte_stream_ptr stream, const std::string& bytes,
                                          bool and_ends) {
    stream->expires_after(5s);
    const auto to = sockets::endpoint{"127.0.0.1", server->port()};
    co_await stream->connect(to);
    co_await stream->handshake(false);
    co_await stream->write(asio::buffer(bytes));
    std::string part(65536, '\0');
    const auto first = co_await stream->read_some(asio::buffer(part));
    if (first && and_ends) stream->shutdown_send();
    for (auto got = first; got;)
      got = co_await stream->read_some(asio::buffer(part));
    stream->expires_never();
  }

  std::string folder;
};

TEST_F(TlsServer, AnEndBetweenRequestsIsToldFromACut_R11) {
  options.idle_timeout = 200ms;
  start();
  const std::string get = "GET /k HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_TRUE(ends_in_order(get, true));                   // the client goes
  EXPECT_TRUE(ends_in_order(get + "GET /half HT", true));  // in the middle of a head
  EXPECT_TRUE(ends_in_order(get, false));                  // nobody says anything any more
  verb = [](http::exchange_ptr asked) {
    asked->respond({200, {}, 100}, bytes("half"), [asked](result<void>) { asked->cut(); });
  };
  EXPECT_FALSE(ends_in_order(get, false));
}

TEST_F(TlsServer, AnswersOverTlsAndSaysThatItIsSecure) {
  verb = [this](http::exchange_ptr asked) {
    if (!asked->request().secure) return reply(asked, 500, "plain");
    echo(std::move(asked));
  };
  start();
  const std::string body(300000, 'x');
  const auto heard = ask("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body +
                             "GET /end HTTP/1.1\r\nHost: a\r\n\r\n",
                         "GET /end");
  EXPECT_NE(heard.find("PUT /k " + body), std::string::npos);
}

TEST_F(TlsServer, ClosesOnPlainTextAndCountsIt) {
  start();
  raw_socket client{server->port()};
  client.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.ends());
  EXPECT_TRUE(view.soon([&] { return refused("tls") == 1; }));
}

TEST_F(TlsServer, RefusesToStartWithoutItsCertificate) {
  options.tls->key = folder + "/missing.pem";
  EXPECT_EQ(http::make_server(options, random, counts).error(), ec::invalid_argument);
}

// ---- legs ----

namespace {

struct one_token final : http::leg_book {
  std::optional<std::uint64_t> redeem(std::string_view token) override {
    if (token != "token") return std::nullopt;
    return 7;
  }
  void turned_away() override {}
  void opened(std::uint64_t, std::weak_ptr<http::leg> made, const std::string&) override {
    leg.set_value(made.lock());
  }
  void closed(std::uint64_t, const http::leg_counts&) override { ++ended; }
  bool honours_declared_load() const override { return false; }
  std::atomic<int> ended = 0;
  std::promise<std::shared_ptr<http::leg>> leg;  // of the first and only one
};

}  // namespace

struct TlsLegs : TlsServer {
  TlsLegs() {
    tls = sockets::peer_context(crypto::load_bundle(folder, "s3").value()).value();
    options.tls.reset();
    options.direct = false;
    options.legs = http::leg_options{{"127.0.0.1", 0}, false, tls, &book, 500ms};
    verb = [this](http::exchange_ptr asked) {
      const auto& seen = asked->request();
      reply(asked, 200, seen.peer + (seen.secure ? " secure" : " plain"));
    };
  }
  ~TlsLegs() override { server.reset(); }

  std::string ask_leg(sockets::tls_context with, std::string bytes) {
    asio::io_context context;
    auto stream = std::make_shared<sockets::byte_stream>(sockets::tcp::socket{context}, with);
    const std::string until = "plain";  // the coroutine keeps a reference
    std::string heard;
    asio::co_spawn(
        context, [&] { return talk_to(stream, server->leg_port(), bytes, until, heard); },
        asio::detached);
    context.run();
    return heard;
  }

  one_token book;
  sockets::tls_context tls;
};

TEST_F(TlsLegs, ANodeOfTheClusterWithATokenIsLetInAndTellsOfTheClient_B7) {
  start();
  EXPECT_EQ(server->port(), 0);
  const proxy::header header{false, "192.0.2.1:5", "", "token", 7, false};
  const auto heard = ask_leg(tls, proxy::encode(header) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(heard.find("200 OK"), std::string::npos);
  EXPECT_NE(heard.find("192.0.2.1:5 plain"), std::string::npos) << heard;
  EXPECT_TRUE(view.soon([&] { return book.ended == 1; }));
}

TEST_F(TlsLegs, WhoShowsNoCertificateOrSpeaksNoTlsIsAStranger) {
  start();
  const proxy::header header{false, "192.0.2.1:5", "", "token", 7, false};
  const auto anonymous = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  EXPECT_EQ(ask_leg(anonymous, proxy::encode(header) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_TRUE(view.soon([&] { return refused("stranger") == 1; }));
  raw_socket plain{server->leg_port()};
  plain.say(proxy::encode(header) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(plain.ends());
  EXPECT_TRUE(view.soon([&] { return refused("stranger") == 2; }));
  raw_socket silent{server->leg_port()};
  EXPECT_TRUE(silent.ends());
  EXPECT_TRUE(view.soon([&] { return refused("stranger") == 3; }));
  EXPECT_EQ(book.ended, 0);
}

TEST_F(TlsLegs, ItIsGivenBackOverRealSocketsToo_B11) {
  options.legs->tls = nullptr;
  options.threads = 2;
  verb = [this](http::exchange_ptr asked) { hold(std::move(asked)); };
  start();
  const std::string get = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string rest(20'000, 'x');
  raw_socket line{server->leg_port()};
  line.say(proxy::encode({false, "192.0.2.1:5", "", "token", 7, false}) + get + rest);
  const auto leg = book.leg.get_future().get();
  std::promise<result<std::string>> given;
  leg->hand_over(get.size() + rest.size() + 1, 5s,
                 [&](result<std::string> unread) { given.set_value(std::move(unread)); });
  EXPECT_TRUE(view.soon([&] {
    const auto lock = std::scoped_lock{held_guard};
    return held.size() == 1;
  }));
  {
    const auto lock = std::scoped_lock{held_guard};
    reply(held.front(), 200, "last words");
    held.clear();
  }
  line.hear("last words");
  line.say("y");
  EXPECT_EQ(given.get_future().get().value(), rest + "y");
  EXPECT_TRUE(line.ends());
  EXPECT_TRUE(line.heard().ends_with("last words"));
  line.no_more();
  EXPECT_TRUE(view.soon([&] { return book.ended == 1; }));
}
