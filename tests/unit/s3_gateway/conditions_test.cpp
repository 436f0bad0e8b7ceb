#include "actors/s3_gateway/conditions.hpp"

#include "actors/s3_gateway/error.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

http::request with(std::vector<http::header> headers) {
  http::request out;
  out.headers = std::move(headers);
  return out;
}

constexpr std::int64_t modified = 1'440'938'160'500;  // half a second past 12:36:00
const std::string at = "Sun, 30 Aug 2015 12:36:00 GMT";
const std::string before = "Sun, 30 Aug 2015 12:35:59 GMT";

verdict judge(std::vector<http::header> headers) {
  return judge_read(with(std::move(headers)), "e", modified);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> range(const std::string& text,
                                                             std::uint64_t size) {
  const auto found = read_range(with({{"Range", text}}), "e", modified, size);
  if (!found) return {};
  return std::pair(found->offset, found->length);
}

std::string range_refusal(const std::string& text, std::uint64_t size) {
  try {
    range(text, size);
  } catch (const failure& what) {
    return what.code;
  }
  return "";
}

}  // namespace

TEST(Conditions, OfReadsFollowRfc9110) {
  EXPECT_EQ(judge({}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Match", "\"e\""}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Match", "\"a\", W/\"e\""}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Match", "*"}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Match", "\"a\""}}), verdict::failed);
  EXPECT_EQ(judge({{"If-None-Match", "e"}}), verdict::not_modified);
  EXPECT_EQ(judge({{"If-None-Match", "\"a\""}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Modified-Since", at}}), verdict::not_modified);
  EXPECT_EQ(judge({{"If-Modified-Since", before}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Unmodified-Since", at}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-Unmodified-Since", before}}), verdict::failed);
  EXPECT_EQ(judge({{"If-Unmodified-Since", "yesterday"}}), verdict::go_on);
}

TEST(Conditions, EntityTagsBeatDates) {
  EXPECT_EQ(judge({{"If-Match", "\"e\""}, {"If-Unmodified-Since", before}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-None-Match", "\"a\""}, {"If-Modified-Since", at}}), verdict::go_on);
  EXPECT_EQ(judge({{"If-None-Match", "\"e\""}, {"If-Modified-Since", before}}),
            verdict::not_modified);
}

TEST(Conditions, OfWritesBecomeAPrecondition) {
  const auto wanted = write_precondition(with({{"If-Match", "\"a\", b"}, {"If-None-Match", "*"}}));
  EXPECT_EQ(wanted.if_match_size(), 2);
  EXPECT_EQ(wanted.if_match(1), "b");
  EXPECT_EQ(wanted.if_none_match(0), "*");
  EXPECT_TRUE(empty(write_precondition(with({}))));
  for (const auto* bad : {"", ",", "\"a", "\"\""})
    EXPECT_THROW(write_precondition(with({{"If-Match", bad}})), failure) << bad;
  std::string many = "e0";
  for (int i = 1; i < 65; ++i)
    many += ",e" + std::to_string(i);
  EXPECT_THROW(write_precondition(with({{"If-Match", many}})), failure);
}

TEST(Ranges, AreClippedToTheObject) {
  EXPECT_EQ(range("bytes=0-4", 10), std::pair(0ul, 5ul));
  EXPECT_EQ(range("bytes=4-", 10), std::pair(4ul, 6ul));
  EXPECT_EQ(range("bytes=-3", 10), std::pair(7ul, 3ul));
  EXPECT_EQ(range("bytes=-30", 10), std::pair(0ul, 10ul));
  EXPECT_EQ(range("bytes=9-9999", 10), std::pair(9ul, 1ul));
  EXPECT_EQ(range("Bytes=0-0", 10), std::pair(0ul, 1ul));
}

TEST(Ranges, NonsenseMeansTheWholeObject) {
  for (const auto* bad :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=3-2", "bytes=1-2,4-5", "lines=1-2",
        "bytes=1--2", "bytes=18446744073709551616-"})
    EXPECT_FALSE(range(bad, 10)) << bad;
}

TEST(Ranges, PastTheEndCannotBeSatisfied) {
  EXPECT_EQ(range_refusal("bytes=10-", 10), "InvalidRange");
  EXPECT_EQ(range_refusal("bytes=10-20", 10), "InvalidRange");
  EXPECT_EQ(range_refusal("bytes=-0", 10), "InvalidRange");
  EXPECT_EQ(range_refusal("bytes=0-", 0), "InvalidRange");
  EXPECT_EQ(range_refusal("bytes=-1", 0), "InvalidRange");
}

TEST(Ranges, OnlyOfTheVersionThatIfRangeNames) {
  const auto of = [](const std::string& condition) {
    return read_range(with({{"Range", "bytes=0-0"}, {"If-Range", condition}}), "e", modified, 10)
        .has_value();
  };
  EXPECT_TRUE(of("\"e\""));
  EXPECT_FALSE(of("\"a\""));
  EXPECT_TRUE(of(at));
  EXPECT_FALSE(of(before));
}

}  // namespace dunlin::s3::test
