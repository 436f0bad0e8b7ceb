// Histories made by hand: what must be found, is found, and nothing else.

#include "apps/check/verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin::check;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

operation make(verb op, std::string what, std::int64_t from, std::int64_t to, int status) {
  operation one;
  one.op = op;
  one.bucket = "b";
  one.key = "k";
  one.start = from;
  one.end = to;
  one.status = status;
  one.ended = status == 0 || status >= 500                         ? outcome::unknown
              : status < 300 || (status == 404 && op == verb::get) ? outcome::ok
                                                                   : outcome::none;
  if (!what.empty()) {
    one.sha = "sha of " + what;
    one.etag = "etag of " + what;
  }
  return one;
}
operation put(std::string what, int from, int to, int status = 200) {
  return make(verb::put, std::move(what), from, to, status);
}
operation get(std::string what, int from, int to) {
  return make(verb::get, what, from, to, what.empty() ? 404 : 200);
}
operation removal(int from, int to, int status = 204) {
  return make(verb::remove, "", from, to, status);
}
operation create(std::string what, int from, int to, int status = 200) {
  auto one = put(std::move(what), from, to, status);
  one.if_absent = true;
  return one;
}
operation replace(const std::string& old, std::string what, int from, int to, int status = 200) {
  auto one = put(std::move(what), from, to, status);
  one.if_match = "etag of " + old;
  return one;
}
operation list(std::vector<std::pair<std::string, std::string>> found, int from, int to) {
  auto one = make(verb::list, "", from, to, 200);
  one.key = "";
  for (auto& [key, what] : found)
    one.found.emplace_back(key, "etag of " + what);
  return one;
}

}  // namespace

TEST(Verdict, AHistoryThatOneRegisterExplainsPasses) {
  const auto said = judge({put("a", 1, 2), get("a", 3, 4), replace("a", "b", 5, 6),
                           replace("a", "c", 7, 8, 412), create("d", 9, 10, 412), removal(11, 12),
                           get("", 13, 14), replace("b", "e", 15, 16, 404), create("f", 17, 18),
                           get("f", 19, 20), list({{"k", "f"}}, 21, 22)});
  EXPECT_TRUE(said.passed()) << to_json(said);
  EXPECT_EQ(said.operations, 11u);
  EXPECT_EQ(said.acknowledged, 8u);
  EXPECT_EQ(said.refused, 3u);
  EXPECT_EQ(said.keys, 1u);
}

TEST(Verdict, WhatMayHaveHappenedIsNoMistake) {
  EXPECT_TRUE(judge({put("a", 1, 2), put("b", 3, 4, 0), get("a", 5, 6), get("b", 7, 8)}).passed());
  EXPECT_TRUE(judge({put("a", 1, 2), removal(3, 4, 503), get("", 5, 6)}).passed());
  EXPECT_TRUE(judge({put("a", 1, 2, 0), create("b", 3, 4, 412), get("a", 5, 6)}).passed());
  EXPECT_TRUE(judge({put("a", 1, 9), put("b", 2, 8), get("a", 10, 11), get("a", 12, 13)}).passed());
}

TEST(Verdict, AnAcknowledgedObjectThatIsNotThereIsLost) {
  EXPECT_THAT(judge({put("a", 1, 2), get("", 3, 4)}).lost, SizeIs(1));
  EXPECT_THAT(judge({removal(1, 2), put("a", 3, 4), get("", 5, 6)}).lost, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), removal(3, 4, 403), get("", 5, 6)}).lost, SizeIs(1));
}

TEST(Verdict, AReplacedObjectThatIsReadAgainIsStale) {
  EXPECT_THAT(judge({put("a", 1, 2), put("b", 3, 4), get("a", 5, 6)}).stale, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), removal(3, 4), get("a", 5, 6)}).stale, SizeIs(1));
}

TEST(Verdict, BytesOfNobodyAreWrong) {
  EXPECT_THAT(judge({put("a", 1, 2), get("x", 3, 4)}).wrong, SizeIs(1));
  EXPECT_THAT(judge({get("a", 1, 2), put("a", 3, 4)}).wrong, SizeIs(1));
  // Refused, and yet it is there.
  EXPECT_THAT(judge({put("a", 1, 2), create("b", 3, 4, 412), get("b", 5, 6)}).wrong, SizeIs(1));
  auto elsewhere = put("a", 1, 2);
  elsewhere.key = "other";
  EXPECT_THAT(judge({elsewhere, get("a", 3, 4)}).wrong, SizeIs(1));
}

TEST(Verdict, AnETagIsThatOfItsBytes) {
  auto answered = put("a", 1, 2);
  answered.answered_etag = "another";
  EXPECT_THAT(judge({answered}).wrong, SizeIs(1));
  auto read = get("a", 3, 4);
  read.etag = "another";
  EXPECT_THAT(judge({put("a", 1, 2), read}).wrong, SizeIs(1));
}

TEST(Verdict, ConditionsThatNoOrderExplainsAreFound) {
  EXPECT_THAT(judge({create("a", 1, 5), create("b", 2, 6)}).order, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), create("b", 3, 4)}).order, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), replace("a", "b", 3, 9), replace("a", "c", 4, 8)}).order,
              SizeIs(1));
  EXPECT_THAT(judge({create("b", 3, 4, 412)}).order, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), replace("a", "b", 3, 4, 412)}).order, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), replace("a", "b", 3, 4, 404)}).order, SizeIs(1));
}

TEST(Verdict, ReadsThatGoBackAndForthAreFound) {
  EXPECT_THAT(judge({put("a", 1, 2), put("b", 3, 4, 0), get("b", 5, 6), get("a", 7, 8)}).order,
              SizeIs(1));
}

TEST(Verdict, AListShowsWhatIsThereThroughoutAndNothingElse) {
  EXPECT_THAT(judge({put("a", 1, 2), list({}, 3, 4)}).listings, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), removal(3, 4), list({{"k", "a"}}, 5, 6)}).listings, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), put("b", 3, 4), list({{"k", "a"}}, 5, 6)}).listings,
              SizeIs(1));
  EXPECT_THAT(judge({list({{"k", "a"}}, 1, 2), put("a", 3, 4)}).listings, SizeIs(1));
  EXPECT_THAT(judge({list({{"stranger", "a"}}, 1, 2)}).listings, SizeIs(1));
  EXPECT_THAT(judge({put("a", 1, 2), list({{"k", "a"}, {"k", "a"}}, 3, 4)}).listings, SizeIs(1));
  auto narrow = list({{"k", "a"}}, 3, 4);
  narrow.key = "other/";
  EXPECT_THAT(judge({put("a", 1, 2), narrow}).listings, SizeIs(1));
  // What changes meanwhile may be seen either way.
  for (const auto& found : {list({}, 1, 9), list({{"k", "a"}}, 1, 9), list({{"k", "b"}}, 1, 9)})
    EXPECT_THAT(judge({put("a", 2, 3), removal(4, 5), put("b", 6, 7), found}).listings, IsEmpty());
  EXPECT_THAT(judge({put("a", 1, 2), removal(3, 4, 0), list({}, 5, 6)}).listings, IsEmpty());
}

TEST(Verdict, ASearchThatIsGivenUpDoesNotPass) {
  std::vector<operation> history;
  for (int i = 0; i < 12; ++i)
    history.push_back(create("value " + std::to_string(i), 1, 100));
  EXPECT_THAT(judge(history, {0}).undecided, SizeIs(1));
  EXPECT_FALSE(judge(history, {0}).passed());
}
