#include "runtime/http/body_reader.hpp"

#include <gtest/gtest.h>

#include <cstring>

using namespace dunlin;
using namespace dunlin::http;

static void put(receive_buffer& to, std::string_view bytes) {
  const auto room = to.free();
  ASSERT_GE(room.size, bytes.size());
  std::memcpy(room.data, bytes.data(), bytes.size());
  to.filled(bytes.size());
}

struct ChunkedBody : testing::Test {
  ChunkedBody() {
    head = parse_head("PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    reader = make_body_reader(*head, std::nullopt);
  }
  // As much as there is, `step` bytes at a time.
  result<std::string> take(std::size_t step) {
    std::string body;
    std::string part(step, '\0');
    for (;;) {
      const auto taken = reader->take(from, part.data(), step);
      if (!taken) return taken.error();
      if (*taken == 0) return body;
      body.append(part, 0, *taken);
    }
  }
  receive_buffer from{16u << 10};
  std::optional<parsed_head> head;
  std::unique_ptr<body_reader> reader;
};

TEST_F(ChunkedBody, IsTheSameHoweverItIsCutAndAsked) {
  const std::string wire =
      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-amz-checksum-crc32: a\r\n\r\nGET /";
  for (std::size_t cut = 0; cut <= wire.size(); ++cut)
    for (const std::size_t step : {1u, 3u, 100u}) {
      head = parse_head("PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      reader = make_body_reader(*head, std::nullopt);
      from = receive_buffer{16u << 10};
      put(from, wire.substr(0, cut));
      auto body = take(step).value();
      put(from, wire.substr(cut));
      body += take(step).value();
      EXPECT_EQ(body, "hello world") << cut << " " << step;
      EXPECT_TRUE(reader->done()) << cut << " " << step;
      EXPECT_EQ(from.view(), "GET /");
    }
}

TEST_F(ChunkedBody, KeepsTrailersOutOfTheHeaders) {
  put(from, "0\r\nAuthorization: stolen\r\n\r\n");
  EXPECT_EQ(take(10).value(), "");
  EXPECT_TRUE(reader->done());
  EXPECT_EQ(head->parsed.find("authorization"), nullptr);
}

TEST_F(ChunkedBody, RefusesBrokenFraming) {
  for (const auto* bad :
       {"x\r\n", "-1\r\n", "+5\r\nhello\r\n", "5\nhello\r\n", "5\r\nhelloXX0\r\n\r\n",
        "fffffffffffffffff\r\n", "5 \r\nhello\r\n;;;\r\n"}) {
    head = parse_head("PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    reader = make_body_reader(*head, std::nullopt);
    from = receive_buffer{16u << 10};
    put(from, bad);
    EXPECT_EQ(take(100).has_error(), true) << bad;
  }
}

TEST_F(ChunkedBody, RefusesLongExtensionsAndEndlessOnes) {
  put(from, "5;" + std::string(2000, 'x') + "\r\nhello\r\n");
  EXPECT_EQ(take(100).error(), ec::bad_message);
  from = receive_buffer{1000};
  head = parse_head("PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  reader = make_body_reader(*head, std::nullopt);
  put(from, "5;" + std::string(998, 'x'));
  EXPECT_EQ(take(100).error(), ec::bad_message);
}

TEST(CountedBody, TakesItsBytesAndLeavesTheNextRequest) {
  const auto head = parse_head("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  auto reader = make_body_reader(*head, 5);
  receive_buffer from{100};
  put(from, "helloGET /");
  char target[10];
  EXPECT_EQ(reader->take(from, target, 3).value(), 3u);
  EXPECT_EQ(reader->left(), 2u);
  EXPECT_EQ(reader->straight(), 2u);
  EXPECT_EQ(reader->take(from, target, 10).value(), 2u);
  EXPECT_TRUE(reader->done());
  EXPECT_EQ(from.view(), "GET /");
}

TEST(ParseHead, TakesWhatTheClientWroteUnchanged) {
  const auto head =
      parse_head("GET /b/%2e%2E/k?a=%20+ HTTP/1.1\r\nhOst: a\r\nx-amz-meta-A:  v w \r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->parsed.target, "/b/%2e%2E/k?a=%20+");
  EXPECT_EQ(head->parsed.headers.at(0).name, "hOst");
  EXPECT_EQ(*head->parsed.find("X-Amz-Meta-a"), "v w");
  EXPECT_TRUE(head->keep_alive);
}

TEST(ParseHead, RefusesWhatIsNotHttp) {
  for (const auto* bad : {"GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
                          "GET / a HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n"})
    EXPECT_FALSE(parse_head(bad)) << bad;
}
