#include "runtime/http/guard.hpp"

#include <gtest/gtest.h>

using namespace dunlin::http;

struct line_case {
  const char* what;
  std::string head;
  int status;  // 0: passes
};

class CheckLines : public testing::TestWithParam<line_case> {};

TEST_P(CheckLines, RefusesWhatTwoParsersCouldReadDifferently) {
  const auto wrong = check_lines(GetParam().head, 256);
  EXPECT_EQ(wrong ? wrong->status : 0, GetParam().status) << GetParam().what;
}

static std::string with(const std::string& line) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n";
}

static std::string many(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += "x-amz-meta-" + std::to_string(i) + ": v\r\n";
  return with(lines);
}

INSTANTIATE_TEST_SUITE_P(
    Guard, CheckLines,
    testing::Values(
        line_case{"plain", with(""), 0},
        line_case{"folded with space", with("A: b\r\n c\r\n"), 400},
        line_case{"folded with tab", with("A: b\r\n\tc\r\n"), 400},
        line_case{"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        line_case{"bare LF", with("A: b\nC: d\r\n"), 400},
        line_case{"bare CR", with("A: b\rC: d\r\n"), 400},
        line_case{"space before the colon", with("A : b\r\n"), 400},
        line_case{"empty name", with(": b\r\n"), 400}, line_case{"no colon", with("A b\r\n"), 400},
        line_case{"name of 8-bit bytes", with("\xe4: b\r\n"), 400},
        line_case{"NUL in a value", with(std::string("A: \0\r\n", 6)), 400},
        line_case{"control character in a value", with("A: \x01\r\n"), 400},
        line_case{"tab in a value", with("A: a\tb\r\n"), 0},
        line_case{"8-bit bytes in a value", with("A: \xc3\xa4\xff\r\n"), 0},
        line_case{"empty value", with("A:\r\n"), 0}, line_case{"200 headers", many(200), 0},
        line_case{"257 headers", many(256), 431}, line_case{"nothing first", "\r\n\r\n", 400}));

struct request_case {
  const char* what;
  std::string method;
  std::string target;
  std::vector<header> headers;
  bool http_1_0;
  int status;
};

class CheckRequest : public testing::TestWithParam<request_case> {};

TEST_P(CheckRequest, RefusesEveryLineOfTheList) {
  const auto& given = GetParam();
  request parsed{.method = given.method, .target = given.target, .headers = given.headers};
  const auto wrong = check_request(parsed, given.http_1_0);
  EXPECT_EQ(wrong ? wrong->status : 0, given.status) << given.what;
}

static std::vector<header> host_and(std::vector<header> more = {}) {
  more.insert(more.begin(), {"Host", "a"});
  return more;
}

INSTANTIATE_TEST_SUITE_P(
    Guard, CheckRequest,
    testing::Values(
        request_case{"plain", "GET", "/b/k?x=%20", host_and(), false, 0},
        request_case{"length", "PUT", "/", host_and({{"Content-Length", "5"}}), false, 0},
        request_case{"chunked", "PUT", "/", host_and({{"Transfer-Encoding", "Chunked"}}), false, 0},
        request_case{"gzip, then a length", "PUT", "/",
                     host_and({{"Transfer-Encoding", "gzip"}, {"Content-Length", "5"}}), false,
                     400},
        request_case{"chunked and a length", "PUT", "/",
                     host_and({{"Content-Length", "5"}, {"transfer-encoding", "chunked"}}), false,
                     400},
        request_case{"xchunked", "PUT", "/", host_and({{"Transfer-Encoding", "xchunked"}}), false,
                     400},
        request_case{"chunked, identity", "PUT", "/",
                     host_and({{"Transfer-Encoding", "chunked, identity"}}), false, 400},
        request_case{"two chunked", "PUT", "/",
                     host_and({{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}),
                     false, 400},
        request_case{"chunked on 1.0", "PUT", "/", host_and({{"Transfer-Encoding", "chunked"}}),
                     true, 400},
        request_case{"no host", "GET", "/", {}, false, 400},
        request_case{"empty host", "GET", "/", {{"Host", ""}}, false, 400},
        request_case{"two hosts", "GET", "/", host_and({{"host", "a"}}), false, 400},
        request_case{"host with a path", "GET", "/", {{"Host", "a/b"}}, false, 400},
        request_case{"host with user", "GET", "/", {{"Host", "u@a"}}, false, 400},
        request_case{"host with port", "GET", "/", {{"Host", "[::1]:80"}}, false, 0},
        request_case{"list of lengths", "PUT", "/", host_and({{"Content-Length", "5, 5"}}), false,
                     400},
        request_case{"two lengths", "PUT", "/",
                     host_and({{"Content-Length", "5"}, {"Content-Length", "5"}}), false, 400},
        request_case{"+5", "PUT", "/", host_and({{"Content-Length", "+5"}}), false, 400},
        request_case{"-1", "PUT", "/", host_and({{"Content-Length", "-1"}}), false, 400},
        request_case{"2^64", "PUT", "/", host_and({{"Content-Length", "18446744073709551616"}}),
                     false, 400},
        request_case{"empty length", "PUT", "/", host_and({{"Content-Length", ""}}), false, 400},
        request_case{"absolute, same host", "GET", "http://a/k", host_and(), false, 0},
        request_case{"absolute, other host", "GET", "http://b/k", host_and(), false, 400},
        request_case{"absolute, user", "GET", "http://u@a/k", host_and(), false, 400},
        request_case{"other scheme", "GET", "ftp://a/k", host_and(), false, 400},
        request_case{"authority form", "GET", "a:80", host_and(), false, 400},
        request_case{"asterisk", "OPTIONS", "*", host_and(), false, 400},
        request_case{"fragment", "GET", "/a#b", host_and(), false, 400},
        request_case{"8-bit target", "GET", "/\xc3\xa4", host_and(), false, 400},
        request_case{"lower-case method", "get", "/", host_and(), false, 405},
        request_case{"unknown method", "BREW", "/", host_and(), false, 405},
        request_case{"CONNECT", "CONNECT", "a:80", host_and(), false, 405},
        request_case{"TRACE", "TRACE", "/", host_and(), false, 405},
        request_case{"100-continue", "PUT", "/", host_and({{"Expect", "100-continue"}}), false, 0},
        request_case{"other expectation", "PUT", "/", host_and({{"Expect", "coffee"}}), false,
                     417}));

TEST(CheckRequest, LeavesTheTargetInOriginForm) {
  for (const auto& [given, left] : {std::pair{"http://A/b/k?x=1", "/b/k?x=1"},
                                    {"http://a", "/"},
                                    {"HTTP://a?list", "/?list"},
                                    {"/%2e%2e//x", "/%2e%2e//x"}}) {
    request parsed{.method = "GET", .target = given, .headers = host_and()};
    EXPECT_FALSE(check_request(parsed, false)) << given;
    EXPECT_EQ(parsed.target, left);
  }
}

TEST(CheckRequest, SaysHowMuchBodyThereIs) {
  request none{.method = "GET", .target = "/", .headers = host_and()};
  request some{.method = "PUT", .target = "/", .headers = host_and({{"Content-Length", "0123"}})};
  request chunked{
      .method = "PUT", .target = "/", .headers = host_and({{"Transfer-Encoding", "chunked"}})};
  EXPECT_FALSE(check_request(none, false));
  EXPECT_FALSE(check_request(some, false));
  EXPECT_FALSE(check_request(chunked, false));
  EXPECT_EQ(none.content_length, 0u);
  EXPECT_EQ(some.content_length, 123u);
  EXPECT_EQ(chunked.content_length, std::nullopt);
}
