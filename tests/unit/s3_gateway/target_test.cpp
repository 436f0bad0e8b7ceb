#include "actors/s3_gateway/target.hpp"
#include "actors/s3_gateway/error.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

std::string refusal_of(std::string_view raw) {
  try {
    parse_target(raw);
  } catch (const failure& what) {
    return what.code;
  }
  return "";
}

struct split_case {
  std::string raw, bucket, key;
};
class Target : public testing::TestWithParam<split_case> {};

}  // namespace

TEST_P(Target, SplitsAndDecodesOnceAndNormalisesNothing) {
  const auto& [raw, bucket, key] = GetParam();
  const auto where = parse_target(raw);
  EXPECT_EQ(where.bucket, bucket);
  EXPECT_EQ(where.key, key);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Target,
    testing::Values(split_case{"/", "", ""}, split_case{"/?x-id=ListBuckets", "", ""},
                    split_case{"/b", "b", ""}, split_case{"/b/", "b", ""},
                    split_case{"/b//", "b", "/"}, split_case{"/b//k", "b", "/k"},
                    split_case{"/b/../../etc/passwd", "b", "../../etc/passwd"},
                    split_case{"/b/%2e%2e%2fx", "b", "../x"}, split_case{"/b/%252e", "b", "%2e"},
                    split_case{"/b/a%2Fb", "b", "a/b"}, split_case{"/b/a+b", "b", "a+b"},
                    split_case{"/b/a\\b.", "b", "a\\b."}, split_case{"/b/%C3%A4", "b", "\xc3\xa4"},
                    split_case{"/b/%ff", "b", "\xff"}, split_case{"/..", "..", ""},
                    split_case{"/b/k?prefix=a/b", "b", "k"}));

TEST(Target, DecodesParametersWithPlusAsBlank) {
  const auto where = parse_target("/b?prefix=a%2Bb+c&uploads&empty=&&x=1=2");
  EXPECT_EQ(where.value("prefix"), "a+b c");
  ASSERT_TRUE(where.find("uploads"));
  EXPECT_EQ(where.value("uploads"), "");
  EXPECT_EQ(where.value("x"), "1=2");
  EXPECT_FALSE(where.find("other"));
  EXPECT_EQ(where.parameters.size(), 4u);
}

TEST(Target, RefusesBadEscapesAndLongKeys) {
  EXPECT_EQ(refusal_of(""), "InvalidURI");
  EXPECT_EQ(refusal_of("b/k"), "InvalidURI");
  EXPECT_EQ(refusal_of("/b/%"), "InvalidURI");
  EXPECT_EQ(refusal_of("/b/%4"), "InvalidURI");
  EXPECT_EQ(refusal_of("/b/%zz"), "InvalidURI");
  EXPECT_EQ(refusal_of("/b?prefix=%g0"), "InvalidURI");
  EXPECT_EQ(refusal_of("//k"), "InvalidBucketName");
  EXPECT_EQ(refusal_of("/b/" + std::string(1024, 'k')), "");
  EXPECT_EQ(refusal_of("/b/" + std::string(1025, 'k')), "KeyTooLongError");
}

TEST(Target, BucketNamesFollowS3) {
  const std::string longest(63, 'a');
  for (const auto& good : {std::string("abc"), std::string("a-b.c"), std::string("0ab"),
                           std::string("1.2.3"), longest})
    EXPECT_TRUE(valid_bucket_name(good)) << good;
  for (const auto* bad :
       {"", "ab", "..", "Abc", "a_b", "-ab", "ab-", "a..b", ".ab", "1.2.3.4", "a/b", "a b"})
    EXPECT_FALSE(valid_bucket_name(bad)) << bad;
  EXPECT_FALSE(valid_bucket_name(longest + "a"));
}

TEST(Target, NumbersAreDigitsOnly) {
  EXPECT_EQ(parse_number("0", 5), 0u);
  EXPECT_EQ(parse_number("5", 5), 5u);
  for (const auto* bad : {"", "-1", "+1", "6", " 1", "1 ", "0x1", "99999999999999999999999"})
    EXPECT_FALSE(parse_number(bad, 5)) << bad;
}

TEST(Target, EncodesAllButTheUnreserved) {
  EXPECT_EQ(percent_encode("aZ0-._~/ +\xff", true), "aZ0-._~/%20%2B%FF");
  EXPECT_EQ(percent_encode("/", false), "%2F");
}

}  // namespace dunlin::s3::test
