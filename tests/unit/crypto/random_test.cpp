#include "runtime/crypto/random.hpp"

#include <gtest/gtest.h>

using namespace dunlin::crypto;

TEST(Random, RepeatsFromOneSeedOnEveryMachine) {
  seeded_random a{4711};
  seeded_random b{4711};
  EXPECT_EQ(a.next(), b.next());
  EXPECT_EQ(a.bytes(13), b.bytes(13));
  // The 10,000th number of mt19937_64 with its default seed is fixed by the C++ standard.
  seeded_random standard{5489};
  for (int i = 0; i < 9999; ++i)
    standard.next();
  EXPECT_EQ(standard.next(), 9981545732273789042ull);
}

TEST(Random, DiffersFromSeedToSeed) {
  EXPECT_NE(seeded_random{1}.bytes(16), seeded_random{2}.bytes(16));
}

TEST(Random, MakesAsManySecretBytesAsAskedFor) {
  system_random random;
  EXPECT_EQ(random.bytes(0).size(), 0u);
  EXPECT_EQ(random.bytes(33).size(), 33u);
  EXPECT_NE(random.bytes(16), random.bytes(16));
  EXPECT_NE(random.next(), random.next());
}

TEST(SystemWallClock, IsInThisCentury) {
  EXPECT_GT(system_wall_clock{}.now_ms(), 1'600'000'000'000);
  EXPECT_LT(system_wall_clock{}.now_ms(), 4'000'000'000'000);
}
