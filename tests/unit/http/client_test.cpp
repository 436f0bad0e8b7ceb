#include "runtime/http/client.hpp"

#include "tests/unit/http/server_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

using namespace dunlin;
using namespace dunlin::tests;

struct HttpClient : HttpServer {
  sockets::endpoint to() const { return {"127.0.0.1", server->port()}; }
};

TEST_F(HttpClient, SendsTokenAndBodyAndReadsTheAnswer) {
  std::string token;
  verb = [&](http::exchange_ptr asked) {
    if (const auto* given = asked->request().find("authorization")) token = *given;
    echo(std::move(asked));
  };
  start();
  const auto got =
      http::send(to(), {.method = "POST", .target = "/drain", .bearer_token = "t0", .body = "{}"});
  ASSERT_TRUE(got) << to_string(got.error());
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "POST /drain {}");
  EXPECT_EQ(token, "Bearer t0");
}

TEST_F(HttpClient, ReadsLargeAnswersUpToItsLimit) {
  verb = [](http::exchange_ptr asked) { reply(asked, 200, std::string(3u << 20, 'x')); };
  start();
  EXPECT_EQ(http::send(to(), {}).value().body.size(), 3u << 20);
  EXPECT_EQ(http::send(to(), {.body_bytes_max = 1u << 20}).error(), ec::bad_message);
}

TEST_F(HttpClient, TellsNobodyThereFromSilenceAndFromHangingUp) {
  verb = [this](http::exchange_ptr asked) {
    if (asked->request().target == "/silent") hold(std::move(asked));
  };
  start();
  EXPECT_EQ(http::send(to(), {.target = "/cut"}).error(), ec::peer_lost);
  EXPECT_EQ(http::send(to(), {.target = "/silent", .timeout = 100ms}).error(), ec::timed_out);
  // Bound and not listened at: nobody else can take the port meanwhile.
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket bound(
      io, {boost::asio::ip::address_v4::loopback(), boost::asio::ip::port_type{0}});
  const sockets::endpoint nobody{"127.0.0.1", bound.local_endpoint().port()};
  EXPECT_EQ(http::send(nobody, {}).error(), ec::unavailable);
}

TEST_F(HttpClient, RefusesToSendASecondHeaderInAToken) {
  EXPECT_EQ(http::send({"127.0.0.1", 1}, {.bearer_token = "a\r\nX: y"}).error(),
            ec::invalid_argument);
}
