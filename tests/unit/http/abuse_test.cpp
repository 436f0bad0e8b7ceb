// Bad input, rows 12 and 13, through a real socket: what the guard refuses and what Beast does.
#include "tests/unit/http/server_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;

struct abuse {
  const char* what;
  std::string bytes;
  std::string status;
};

struct Abuse : HttpServer, testing::WithParamInterface<abuse> {};

TEST_P(Abuse, IsAnsweredWithAnErrorAndClosed) {
  bool reached = false;
  verb = [&](http::exchange_ptr asked) {
    view.change([&] { reached = true; });
    echo(std::move(asked));
  };
  start();
  raw_socket client{server->port()};
  client.say(GetParam().bytes);
  const auto heard = client.hear("</Error>");
  EXPECT_TRUE(heard.starts_with("HTTP/1.1 " + GetParam().status))
      << GetParam().what << ": " << heard;
  EXPECT_NE(heard.find("x-amz-request-id: "), std::string::npos);
  EXPECT_NE(heard.find("Connection: close"), std::string::npos);
  client.no_more();
  EXPECT_TRUE(client.ends());
  EXPECT_FALSE(reached);

  raw_socket next{server->port()};
  next.say("GET /fine HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(next.hear("GET /fine").find("200 OK"), std::string::npos);
}

static std::string put(const std::string& headers, const std::string& body = "") {
  return "PUT /k HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

INSTANTIATE_TEST_SUITE_P(
    Guard, Abuse,
    testing::Values(
        abuse{"gzip then length", put("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n", "abc"),
              "400"},
        abuse{"length then chunked",
              put("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400"},
        abuse{"chunked then length",
              put("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), "400"},
        abuse{"xchunked", put("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "400"},
        abuse{"chunked, identity", put("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
              "400"},
        abuse{"two chunked",
              put("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
              "400"},
        abuse{"chunked on 1.0",
              "PUT /k HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
        abuse{"folded", put("X: a\r\n b\r\n"), "400"},
        abuse{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
        abuse{"two hosts", put("Host: b\r\n"), "400"},
        abuse{"absolute to another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        abuse{"length list", put("Content-Length: 5, 5\r\n", "hello"), "400"},
        abuse{"differing lengths", put("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
              "400"},
        abuse{"+5", put("Content-Length: +5\r\n", "hello"), "400"},
        abuse{"-1", put("Content-Length: -1\r\n"), "400"},
        abuse{"2^64", put("Content-Length: 18446744073709551616\r\n"), "400"},
        abuse{"space before the colon", put("X : a\r\n"), "400"},
        abuse{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", "400"},
        abuse{"NUL in a value", put(std::string("X: a\0b\r\n", 8)), "400"},
        abuse{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        abuse{"8-bit target", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        abuse{"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "405"},
        abuse{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
        abuse{"HTTP/0.9", "GET /\r\n\r\n", "400"},
        abuse{"TLS to a plain port", std::string("\x16\x03\x01\x00\x0a\n", 6), "400"},
        abuse{"headers over the limit", put("X: " + std::string(17000, 'x') + "\r\n"), "431"},
        abuse{"too many headers", put([] {
                std::string lines;
                for (int i = 0; i < 400; ++i)
                  lines += "a: b\r\n";
                return lines;
              }()),
              "431"},
        abuse{"unknown expectation", put("Expect: tea\r\n"), "417"}),
    [](const auto& info) { return std::to_string(info.index); });

struct ChunkAbuse : HttpServer, testing::WithParamInterface<const char*> {};

TEST_P(ChunkAbuse, ReachesTheVerbAsABadBodyAndEndsTheConnection) {
  start();
  raw_socket client{server->port()};
  client.say("PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
             std::string(GetParam()));
  EXPECT_TRUE(client.hear("bad body").starts_with("HTTP/1.1 400")) << client.heard();
  EXPECT_NE(client.heard().find("Connection: close"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Guard, ChunkAbuse,
                         testing::Values("zz\r\n", "fffffffffffffffff\r\n", "3\r\nabcXYZ\r\n",
                                         "-3\r\nabc\r\n"));

TEST_F(HttpServer, EndsAChunkExtensionOfTwentyKilobytes) {
  start();
  raw_socket client{server->port()};
  client.say("PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
             std::string(20000, 'x') + "\r\nabc\r\n0\r\n\r\n");
  EXPECT_TRUE(client.hear("bad body").starts_with("HTTP/1.1 400")) << client.heard();
}
