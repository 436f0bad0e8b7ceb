#include "runtime/http/response_head.hpp"

#include <gtest/gtest.h>

using namespace dunlin::http;

static bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ResponseHead, AddsWhatTheEntryOwnsAndNothingTwice) {
  const response head{
      200, {{"ETag", "\"x\""}, {"content-length", "9"}, {"Connection", "upgrade"}}, 5};
  const auto text = format_head(head, false, "Dunlin");
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nDate: ")) << text;
  EXPECT_TRUE(has(text, "\r\nContent-Length: 5\r\n"));
  EXPECT_FALSE(has(text, "content-length"));
  EXPECT_FALSE(has(text, "upgrade"));
  EXPECT_TRUE(text.ends_with("Connection: keep-alive\r\n\r\n"));
}

TEST(ResponseHead, NeverLetsAValueStartAnotherLine) {
  const response head{
      200, {{"x-amz-meta-a", "b\r\nSet-Cookie: c"}, {"bad name", "x"}, {"", "y"}}, 0};
  const auto text = format_head(head, true, "Dunlin");
  EXPECT_TRUE(has(text, "x-amz-meta-a: b  Set-Cookie: c\r\n"));
  EXPECT_FALSE(has(text, "bad name"));
  EXPECT_TRUE(text.ends_with("Connection: close\r\n\r\n"));
}

TEST(ResponseHead, AnnouncesNoLengthWhereThereIsNoBody) {
  EXPECT_FALSE(has(format_head({204, {}, 0}, false, "d"), "Content-Length"));
  EXPECT_TRUE(has(format_head({304, {}, 7}, false, "d"), "Content-Length: 7"));
  EXPECT_TRUE(bodiless(204) && bodiless(304) && !bodiless(200) && !bodiless(404));
}

TEST(ResponseHead, RefusesInTheWordsOfS3) {
  server_options options;
  const auto text =
      format_refusal({400, "BadRequest", "a < b"}, "00000000000000AB", options, false);
  EXPECT_TRUE(has(text, "HTTP/1.1 400 Bad Request\r\nx-amz-request-id: 00000000000000AB\r\n"));
  EXPECT_TRUE(has(text, "<Code>BadRequest</Code><Message>a &lt; b</Message>"));
  EXPECT_TRUE(has(text, "<RequestId>00000000000000AB</RequestId>"));
  EXPECT_TRUE(format_refusal({400, "BadRequest", ""}, "1", options, true).ends_with("\r\n\r\n"));
}
