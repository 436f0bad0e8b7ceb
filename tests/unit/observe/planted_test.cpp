#include "runtime/observe/planted.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace dunlin;

// A build that users run knows no planted bug, whatever its environment says.
#ifndef DUNLIN_PLANTED
static_assert(!planted(bug::none));
static_assert(!planted(bug::old_term_commit_by_counting));

TEST(Planted, NoBugIsOnInANormalBuildWhateverTheEnvironmentNames) {
  ::setenv("DUNLIN_BUG", "read_without_checksum", 1);
  for (unsigned number = 0; number < 256; ++number)
    EXPECT_FALSE(planted(static_cast<bug>(number))) << number;
  ::unsetenv("DUNLIN_BUG");
}
#else
TEST(Planted, TheBugThatTheEnvironmentNamesIsOnAndNoOther) {
  ::setenv("DUNLIN_BUG", "read_without_checksum", 1);
  EXPECT_TRUE(planted(bug::read_without_checksum));
  EXPECT_FALSE(planted(bug::none));
  EXPECT_FALSE(planted(bug::seal_ignored));
}
#endif
