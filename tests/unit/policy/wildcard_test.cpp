#include "runtime/policy/wildcard.hpp"

#include "runtime/policy/arn.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace dunlin::policy;

namespace {

struct matching {
  std::string pattern, text;
  bool matches;
};

/// The same, as plainly as it can be said.
bool plainly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return plainly(pattern.substr(1), text) || (!text.empty() && plainly(pattern, text.substr(1)));
  if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) return false;
  return plainly(pattern.substr(1), text.substr(1));
}

}  // namespace

TEST(PolicyWildcard, AStarIsAnyRunAndAQuestionMarkOneCharacter) {
  for (const auto& [pattern, text, matches] : std::initializer_list<matching>{
           {"", "", true},
           {"", "a", false},
           {"*", "", true},
           {"**", "a/b", true},
           {"a", "a", true},
           {"a", "ab", false},
           {"a*", "a", true},
           {"a*", "b", false},
           {"*a", "ba", true},
           {"*a", "ab", false},
           {"a*a", "a", false},
           {"a*a", "aa", true},
           {"a*b*c", "a-b-b-c", true},
           {"a*b*c", "acb", false},
           {"logs/*/2026?", "logs/x/y/20261", true},
           {"logs/*/2026?", "logs/x/y/2026", false},
           {"?", "\xc3\xbc", true},
           {"??", "\xc3\xbc", false},
           {"*?x", "\xe2\x82\xacx", true},
           {"?", "\xff", true},
           {"a?c*", "abc", true},
           {"A", "a", false},
       })
    EXPECT_EQ(wildcard(pattern).matches(text), matches) << pattern << " " << text;
}

TEST(PolicyWildcard, MatchesWhatThePlainRuleMatches) {
  std::mt19937_64 random{4711};
  const auto word = [&](std::string_view of, std::size_t size_max) {
    std::string out;
    for (auto left = random() % (size_max + 1); left > 0; --left)
      out += of[random() % of.size()];
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const auto pattern = word("ab*?", 8);
    const auto text = word("ab", 10);
    ASSERT_EQ(wildcard(pattern).matches(text), plainly(pattern, text)) << pattern << " " << text;
  }
}

TEST(PolicyArn, EachPartOfAPatternIsComparedWithItsPart) {
  const auto matches = [](std::string_view pattern, std::string_view arn) {
    return resource_pattern(split_arn(pattern).value()).matches(split_arn(arn).value());
  };
  EXPECT_TRUE(matches("arn:aws:s3:::b/*", object_arn("b", "x:y:z")));
  EXPECT_FALSE(matches("arn:aws:s3:::b/*", bucket_arn("b")));
  EXPECT_TRUE(matches("arn:*:s3:*:*:b", bucket_arn("b")));
  EXPECT_FALSE(matches("arn:*::::b", bucket_arn("b"))) << "a star does not reach into other parts";
  EXPECT_TRUE(matches("arn:aws:iam::*:user/a*", user_arn("alice")));
  EXPECT_FALSE(matches("arn:aws:iam::*:user/a*", policy_arn("alice")));
  EXPECT_FALSE(split_arn("arn:aws:s3::b"));
  EXPECT_EQ(policy_of_arn(policy_arn("p")), "p");
  EXPECT_EQ(policy_of_arn(user_arn("p")), "");
}
