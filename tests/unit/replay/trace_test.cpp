#include "apps/replay/trace.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

using namespace dunlin::replay;

namespace {

trace good(const std::string& text, std::size_t rows = 0) {
  std::istringstream from(text);
  auto read = read_trace(from, rows);
  EXPECT_TRUE(std::holds_alternative<trace>(read));
  return std::get<trace>(std::move(read));
}

trace_mistake bad(const std::string& text) {
  std::istringstream from(text);
  auto read = read_trace(from);
  EXPECT_TRUE(std::holds_alternative<trace_mistake>(read));
  return std::get<trace_mistake>(std::move(read));
}

}  // namespace

TEST(Trace, OfAFileHasItsRequestsInTheirOrder) {
  const auto read = good("# where it is from\ntime_ms,op,key,size\n0.5,R,12:34.5,120\n2,w,x,7\r\n");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].time_ms, 0.5);
  EXPECT_FALSE(read[0].write);
  EXPECT_EQ(read[0].key, "12:34.5");
  EXPECT_EQ(read[0].bytes, 120u);
  EXPECT_TRUE(read[1].write);
  EXPECT_EQ(read[1].bytes, 7u);
}

TEST(Trace, IsReadAsFarAsItIsWanted) {
  EXPECT_EQ(good("time_ms,op,key,size\n1,r,a,1\n2,r,b,1\nnonsense\n", 2).size(), 2u);
}

TEST(Trace, ThatIsWrongNamesTheLine) {
  EXPECT_EQ(bad("time,op,key,size\n").line, 1u);
  EXPECT_EQ(bad("time_ms,op,key,size\n1,r,a,1\nx,r,a,1\n").line, 3u);
  EXPECT_EQ(bad("time_ms,op,key,size\n1,d,a,1\n").text, "'d' is no operation; R, W, r and w are");
  EXPECT_EQ(bad("time_ms,op,key,size\n1,r,,1\n").text, "there is no key");
  EXPECT_EQ(bad("time_ms,op,key,size\n1,r,a,-1\n").text, "'-1' is no size in bytes");
  EXPECT_EQ(bad("time_ms,op,key,size\n2,r,a,1\n1,r,a,1\n").line, 3u);
  EXPECT_EQ(bad("time_ms,op,key,size\n").text, "there is no request in it");
}

TEST(Trace, ThatIsGeneratedIsTheSameForTheSameSeed) {
  auto shape = orm_shape();
  shape.rows = 2'000;
  const auto one = generate_trace(shape, 11), other = generate_trace(shape, 11);
  ASSERT_EQ(one.size(), 2'000u);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].time_ms, other[i].time_ms);
    EXPECT_EQ(one[i].key, other[i].key);
  }
  EXPECT_NE(generate_trace(shape, 12)[0].time_ms, one[0].time_ms);
}

TEST(Trace, ThatIsGeneratedHasTheShapeThatWasAskedFor) {
  auto shape = orm_shape();
  shape.rows = 50'000;
  std::size_t writes = 0;
  std::set<std::string> keys;
  double last = 0;
  const auto made = generate_trace(shape, 11);
  for (const auto& one : made) {
    writes += one.write ? 1 : 0;
    keys.insert(one.key);
    EXPECT_GE(one.time_ms, last);
    last = one.time_ms;
    EXPECT_GE(one.bytes, 120u);
    EXPECT_LE(one.bytes, 599u);
  }
  EXPECT_NEAR(static_cast<double>(writes), 1'000, 120);
  EXPECT_NEAR(last, 50'000, 1'500);
  EXPECT_GT(keys.size(), 10'000u);
  EXPECT_LE(keys.size(), 35'631u);
}
