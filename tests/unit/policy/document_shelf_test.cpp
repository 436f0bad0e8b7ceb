#include "runtime/policy/document_shelf.hpp"

#include <gtest/gtest.h>

using namespace dunlin::policy;

namespace {

class PolicyShelf : public testing::Test {
protected:
  document_ptr get(const std::string& place, std::uint64_t tick) {
    return shelf.get(place, tick, [&] {
      ++reads;
      return std::make_shared<const document>();
    });
  }
  document_shelf shelf{8};
  int reads = 0;
};

}  // namespace

TEST_F(PolicyShelf, ADocumentIsReadOnceAsLongAsItIsTheSame) {
  const auto first = get("user p", 1);
  EXPECT_EQ(get("user p", 1), first);
  EXPECT_EQ(reads, 1);
  EXPECT_NE(get("user p", 2), first);
  EXPECT_NE(get("bucket p", 2), first);
  EXPECT_EQ(reads, 3);
}

TEST_F(PolicyShelf, HoldsSoManyAndKeepsThoseThatAreUsed) {
  const auto used = get("used", 1);
  for (int i = 0; i < 100; ++i) {
    get("p" + std::to_string(i), 1);
    EXPECT_EQ(get("used", 1), used) << i;
  }
  EXPECT_EQ(reads, 101);
  get("p0", 1);
  EXPECT_EQ(reads, 102) << "long gone";
}
