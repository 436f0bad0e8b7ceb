#include "actors/s3_gateway/times.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

TEST(Times, AreWrittenAsS3WritesThem) {
  EXPECT_EQ(iso_time(1'440'938'160'123), "2015-08-30T12:36:00.123Z");
  EXPECT_EQ(http_time(1'440'938'160'123), "Sun, 30 Aug 2015 12:36:00 GMT");
  EXPECT_EQ(amz_time(1'440'938'160'123), "20150830T123600Z");
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00.000Z");
}

TEST(Times, AreReadBack) {
  EXPECT_EQ(parse_amz_time("20150830T123600Z"), 1'440'938'160'000);
  EXPECT_EQ(parse_http_time("Sun, 30 Aug 2015 12:36:00 GMT"), 1'440'938'160'000);
  EXPECT_EQ(parse_amz_time("20240229T000000Z"), 1'709'164'800'000);
}

TEST(Times, NonsenseIsNoTime) {
  for (const auto* bad : {"", "20150830", "20150830T123600", "20150830t123600Z", "20150230T000000Z",
                          "20151330T123600Z", "20150830T243600Z", "2015083xT123600Z"})
    EXPECT_FALSE(parse_amz_time(bad)) << bad;
  for (const auto* bad : {"", "Sun, 30 Aug 2015 12:36:00 CET", "Sun, 30 Xxx 2015 12:36:00 GMT",
                          "Sunday, 30-Aug-15 12:36:00 GMT", "Sun, 31 Feb 2015 12:36:00 GMT"})
    EXPECT_FALSE(parse_http_time(bad)) << bad;
}

}  // namespace dunlin::s3::test
