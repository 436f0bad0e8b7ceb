#include "runtime/policy/read_document.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace dunlin::policy;

namespace {

const std::string seeds[] = {
    R"({"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"One","Effect":"Allow","Action":["s3:Get*","iam:?etUser"],
        "NotResource":["arn:aws:s3:::b/*","arn:aws:iam::dunlin:user/a"]},{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}]})",
    R"({"Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::dunlin:user/alice","bob"]},"Action":"s3:*",
        "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*?*"]}})"};

std::string mutated(std::string text, std::mt19937_64& random) {
  const auto below = [&](std::size_t bound) { return random() % std::max<std::size_t>(bound, 1); };
  for (auto changes = below(5); changes > 0; --changes) {
    const auto at = below(text.size());
    switch (below(5)) {
      case 0: text[at] = static_cast<char>(random()); break;
      case 1: text.erase(at, 1 + below(20)); break;
      case 2: text.insert(at, text.substr(below(text.size()), below(60))); break;
      case 3: text[at] = "\"'[]{}:,*?$\\\n-0"[below(15)]; break;
      default:
        text =
            text.substr(0, at) + seeds[below(2)].substr(below(160), below(100)) + text.substr(at);
    }
    if (text.empty()) text = "x";
  }
  return text;
}

}  // namespace

TEST(PolicyFuzz, EveryTextIsADocumentOrHasAMistakeThatIsNamed) {
  std::mt19937_64 random{4711};
  const question asked("alice", "s3:GetObject", object_arn("b", "k\xc3\xbc"));
  int read = 0;
  for (int i = 0; i < 40'000; ++i) {
    const auto text = mutated(seeds[i % 2], random);
    for (const auto& got : {read_user_document(text), read_bucket_document(text, "b")}) {
      ASSERT_NE(got.read.has_value(), !got.mistake.empty()) << text;
      if (!got.read) continue;
      ++read;
      ASSERT_FALSE(got.read->statements.empty()) << text;
      judge(*got.read, asked);
    }
  }
  EXPECT_GT(read, 4000);
}
