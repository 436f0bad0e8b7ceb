#include "runtime/proxy/request_tracker.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace {

using dunlin::proxy::request_tracker;

const std::string get = "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string head = "HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n";

std::string put(const std::string& body, const std::string& more = {}) {
  return "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more + "\r\n" + body;
}

std::string answer(const std::string& body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Words\r\nDate: today\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

struct RequestTracker : testing::Test {
  void client(const std::string& bytes) { tracker.from_client(bytes); }
  void leg(const std::string& bytes) { tracker.from_leg(bytes); }
  std::string replay() { return std::string(tracker.replayable().value_or("")); }
  request_tracker tracker;
};

TEST_F(RequestTracker, AWholeGetWithoutAnAnswerCanBeAskedAgain_B11_R11) {
  EXPECT_TRUE(tracker.at_boundary());
  client(get);
  EXPECT_EQ(replay(), get);
  EXPECT_FALSE(tracker.at_boundary());
  EXPECT_EQ(tracker.begun(), 1u);
}

TEST_F(RequestTracker, AHeadIsAnsweredWithoutABody) {
  client(head);
  EXPECT_EQ(replay(), head);
  leg("HTTP/1.1 200 OK\r\nContent-Length: 4711\r\n\r\n");
  EXPECT_TRUE(tracker.at_boundary());
  client(get);
  EXPECT_EQ(replay(), get);
}

TEST_F(RequestTracker, ByteByByteIsTheSameAsAtOnce) {
  for (int i = 0; i < 3; ++i) {
    for (const auto c : get) {
      EXPECT_EQ(replay(), "");
      client(std::string(1, c));
    }
    EXPECT_EQ(replay(), get);
    const auto said = answer("hello");
    for (const auto c : said) {
      EXPECT_FALSE(tracker.at_boundary());
      leg(std::string(1, c));
      EXPECT_EQ(replay(), "");
    }
    EXPECT_TRUE(tracker.at_boundary());
  }
}

TEST_F(RequestTracker, HalfAGetCannotBeAskedAgain) {
  client(get.substr(0, get.size() - 1));
  EXPECT_EQ(replay(), "");
  client("\n");
  EXPECT_EQ(replay(), get);
}

TEST_F(RequestTracker, OneByteOfAnAnswerIsEnoughNotToAskAgain) {
  client(get);
  leg("H");
  EXPECT_EQ(replay(), "");
}

TEST_F(RequestTracker, APutIsNeverAskedAgain) {
  client(put("body"));
  EXPECT_EQ(replay(), "");
  EXPECT_TRUE(tracker.follows());
  leg(answer(""));
  EXPECT_TRUE(tracker.at_boundary());
}

TEST_F(RequestTracker, APutBodyThatLooksLikeAGetIsABody) {
  const auto all = put(get);
  client(all.substr(0, all.size() - get.size()));
  client(get);
  EXPECT_EQ(replay(), "");
  EXPECT_EQ(tracker.begun(), 1u);
  leg(answer(""));
  client(get);
  EXPECT_EQ(replay(), get);
  EXPECT_EQ(tracker.begun(), 2u);
}

TEST_F(RequestTracker, AGetWithABodyOrADeleteIsNotAskedAgain) {
  client("GET /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(replay(), "");
  leg(answer("x"));
  client("DELETE /b/k HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(replay(), "");
}

TEST_F(RequestTracker, PipelinedRequestsAreNotAskedAgainUntilOneIsLeft) {
  client(get + head + get);
  EXPECT_EQ(replay(), "");
  EXPECT_EQ(tracker.unanswered(), 3u);
  leg(answer("first") + "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(tracker.unanswered(), 1u);
  EXPECT_EQ(replay(), get);
}

// The next answer would be taken for the rest of this one.
TEST_F(RequestTracker, AGetAskedDuringAnAnswerWaitsForItsEnd) {
  client(get);
  leg(answer("hello").substr(0, 50));
  client(head);
  EXPECT_EQ(replay(), "");
  leg(answer("hello").substr(50));
  EXPECT_EQ(replay(), head);
}

// Of two open requests the newer one alone would be answered in the place of the older one.
TEST_F(RequestTracker, AGetBehindAnUnansweredOneIsNotAskedAlone) {
  client(get + get);
  leg(answer("x"));
  client(head);
  EXPECT_EQ(replay(), "");
}

TEST_F(RequestTracker, ChunkedBodiesEndWhereTheyEnd) {
  const std::string chunked =
      "PUT /b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "20\r\nGET /b/k HTTP/1.1\r\nHost: h\r\n\r\n..\r\n0\r\nTrailer: x\r\n\r\n";
  client(chunked + get);
  EXPECT_EQ(tracker.begun(), 2u);
  EXPECT_EQ(replay(), "");
  leg(answer(""));
  EXPECT_EQ(replay(), get);
}

TEST_F(RequestTracker, ChunkedBodiesInAnyPiecesEndWhereTheyEnd) {
  const std::string body(40'000, 'x');
  const auto chunked =
      "PUT /b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n" + body +
      "\r\n3\r\nabc\r\n0\r\n\r\n" + get;
  for (const std::size_t step : {1, 7, 1000, 16384, 30000}) {
    request_tracker fresh;
    for (std::size_t at = 0; at < chunked.size(); at += step)
      fresh.from_client(std::string_view(chunked).substr(at, step));
    EXPECT_EQ(fresh.begun(), 2u) << step;
    fresh.from_leg(answer(""));
    EXPECT_EQ(fresh.replayable().value_or(""), get) << step;
  }
}

TEST_F(RequestTracker, AContinueIsHeardButIsNoAnswer) {
  client("GET /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n");
  leg("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(tracker.unanswered(), 1u);
  EXPECT_EQ(replay(), "");
  leg(answer("x"));
  EXPECT_TRUE(tracker.at_boundary());
}

TEST_F(RequestTracker, AnExpectingPutGoesOnAfterItsContinue) {
  const auto all = put("body", "Expect: 100-continue\r\n");
  client(all.substr(0, all.size() - 4));
  leg("HTTP/1.1 100 Continue\r\n\r\n");
  client("body");
  leg(answer(""));
  client(get);
  EXPECT_EQ(replay(), get);
}

// Whether the body still comes, nobody knows: these four bytes may be it.
TEST_F(RequestTracker, AFinalAnswerToAnExpectingPutEndsAllKnowledge) {
  const auto all = put("GET ", "Expect: 100-continue\r\n");
  client(all.substr(0, all.size() - 4));
  leg(answer("no", 403));
  EXPECT_FALSE(tracker.follows());
  client(get);
  EXPECT_EQ(replay(), "");
}

TEST_F(RequestTracker, AnEarlyAnswerLeavesTheBodyABody) {
  const auto all = put(get);
  client(all.substr(0, all.size() - get.size()));
  leg(answer("no", 403));
  client(get);
  EXPECT_EQ(replay(), "");
  client(get);
  EXPECT_EQ(replay(), get);
}

TEST_F(RequestTracker, AnAnswerToHalfAHeadEndsAllKnowledge) {
  client("GET /b/k HTTP/1.1\r\nHo");
  leg(answer("slow", 408));
  EXPECT_FALSE(tracker.follows());
  client("st: h\r\n\r\n" + get);
  EXPECT_EQ(replay(), "");
}

TEST_F(RequestTracker, WhatIsRefusedForItsFramingIsNeverTrustedAgain) {
  const std::string smuggled =
      "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& bad :
       {smuggled, std::string("GET / HTTP/1.1\nHost: h\n\r\n\r\n"),
        std::string("\x16\x03\x01 no HTTP\r\n\r\n"), "GET /" + std::string(20'000, 'x')}) {
    request_tracker fresh;
    fresh.from_client(bad);
    EXPECT_FALSE(fresh.follows());
    fresh.from_client(get);
    fresh.from_leg(answer("x"));
    fresh.from_client(get);
    EXPECT_FALSE(fresh.replayable().has_value());
    EXPECT_FALSE(fresh.at_boundary());
  }
}

TEST_F(RequestTracker, AnAnswerThatCannotBeFollowedEndsAllKnowledge) {
  for (const auto& odd : {std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                          std::string("HTTP/1.1 200 OK\r\n\r\n"), std::string("SSH-2.0\r\n\r\n")}) {
    request_tracker fresh;
    fresh.from_client(get);
    fresh.from_leg(odd);
    EXPECT_FALSE(fresh.follows());
    fresh.from_client(get);
    EXPECT_FALSE(fresh.replayable().has_value());
  }
}

TEST_F(RequestTracker, AnAnswerNobodyAskedForEndsAllKnowledge) {
  leg(answer("x"));
  EXPECT_FALSE(tracker.follows());
}

TEST_F(RequestTracker, MoreThanItCountsAtOnceIsNotFollowed) {
  std::string many;
  for (unsigned i = 0; i <= request_tracker::pipelined_max; ++i)
    many += get;
  client(many);
  EXPECT_FALSE(tracker.follows());
}

TEST_F(RequestTracker, AnyCutsOfAnyConversationGiveTheSameVerdicts) {
  const auto seed = 4711u;
  SCOPED_TRACE(seed);
  std::mt19937 random{seed};
  const std::string asked = get + put("12345") + head + get;
  const std::string said = answer("one") + answer("", 204) +
                           "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\n" + answer("four");
  for (int round = 0; round < 200; ++round) {
    request_tracker one;
    for (std::size_t at = 0; at < asked.size();) {
      const auto size = 1 + random() % 40;
      one.from_client(std::string_view(asked).substr(at, size));
      at += size;
    }
    EXPECT_EQ(one.unanswered(), 4u);
    for (std::size_t at = 0; at < said.size();) {
      const auto size = 1 + random() % 40;
      one.from_leg(std::string_view(said).substr(at, size));
      at += size;
    }
    EXPECT_TRUE(one.at_boundary());
    EXPECT_EQ(one.begun(), 4u);
  }
}

}  // namespace
