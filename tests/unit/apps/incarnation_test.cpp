#include "apps/assembly/incarnation.hpp"

#include "runtime/simulation/sim_disk.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using assembly::next_incarnation;

TEST(Incarnation, GrowsWithEveryStart) {
  simulation::sim_disk disk{1};
  EXPECT_EQ(next_incarnation(disk).value(), 1u);
  EXPECT_EQ(next_incarnation(disk).value(), 2u);
}

TEST(Incarnation, NeverComesTwiceWhereverThePowerFails) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    simulation::sim_disk disk{seed};
    std::uint64_t last = 0;
    for (std::uint64_t calls = 1; calls <= 20; ++calls) {
      disk.crash_after(calls);
      if (const auto number = next_incarnation(disk)) {
        EXPECT_GT(*number, last) << "seed " << seed << ", call " << calls;
        last = *number;
      }
      disk.crash();
    }
    EXPECT_GT(next_incarnation(disk).value(), last) << "seed " << seed;
  }
}

TEST(Incarnation, RefusesAFileThatHoldsNoNumber) {
  simulation::sim_disk disk{1};
  ASSERT_TRUE(next_incarnation(disk));
  disk.flip_bit("node/incarnation", 0, 6);
  EXPECT_EQ(next_incarnation(disk).error(), ec::damaged);
}
