#include "apps/check/history.hpp"

#include <gtest/gtest.h>

using namespace dunlin::check;

TEST(History, ALineSaysWhatAClientSaw) {
  const auto one = parse_operation(
      R"({"op":"put","bucket":"b","key":"k","node":"n1","sha":"s","etag":"e","if_match":"old",)"
      R"("start":5,"end":9,"outcome":"unknown","status":503})");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->op, verb::put);
  EXPECT_EQ(one->ended, outcome::unknown);
  EXPECT_EQ(one->bucket + one->key + one->sha + one->etag, "bkse");
  EXPECT_EQ(one->if_match, "old");
  EXPECT_EQ(one->start, 5);
  EXPECT_EQ(one->end, 9);
  EXPECT_EQ(one->status, 503);
  EXPECT_FALSE(one->if_absent);
}

TEST(History, AListNamesKeysAndETags) {
  const auto one =
      parse_operation(R"({"op":"list","bucket":"b","key":"p/","found":[["p/a","1"],["p/b","2"]],)"
                      R"("start":1,"end":2,"outcome":"ok","status":200})");
  ASSERT_TRUE(one);
  ASSERT_EQ(one->found.size(), 2u);
  EXPECT_EQ(one->found[1].second, "2");
}

TEST(History, WhatIsNoOperationIsRefused) {
  for (const auto* line :
       {"", "{", "[]", "{}", R"({"op":"put"})",
        R"({"op":"fly","start":1,"end":2,"outcome":"ok","status":200})",
        R"({"op":"delete","start":1,"end":2,"outcome":"perhaps","status":200})",
        R"({"op":"delete","start":2,"end":1,"outcome":"ok","status":204})",
        R"({"op":"delete","start":"1","end":2,"outcome":"ok","status":204})",
        R"({"op":"list","start":1,"end":2,"outcome":"ok","status":200,"found":[["a"]]})",
        // What a put wrote and what a read got must be known.
        R"({"op":"put","start":1,"end":2,"outcome":"ok","status":200})",
        R"({"op":"get","start":1,"end":2,"outcome":"ok","status":200,"etag":"e"})"})
    EXPECT_FALSE(parse_operation(line)) << line;
  EXPECT_TRUE(parse_operation(R"({"op":"get","start":1,"end":2,"outcome":"ok","status":404})"));
}
