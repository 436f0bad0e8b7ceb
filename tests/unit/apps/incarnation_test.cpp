#include "apps/assembly/incarnation.hpp"

#include "runtime/simulation/sim_disk.hpp"

#include <gtest/gtest.h>

#include <random>

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

// Found by a trial: the disk failed in one start after the other, and then in the last call of one.
TEST(Incarnation, SurvivesADiskThatFailsInOneStartAfterTheOther) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    simulation::sim_disk disk{seed};
    ASSERT_TRUE(next_incarnation(disk));
    std::mt19937_64 luck{seed};
    disk.set_fault([&](simulation::disk_call, const std::string&) {
      return luck() % 6 == 0 ? std::optional<ec>(ec::io_error) : std::nullopt;
    });
    for (int start = 0; start < 60; ++start) {
      const auto number = next_incarnation(disk);
      ASSERT_TRUE(number || number.error() == ec::io_error) << to_string(number.error());
      disk.crash();
    }
  }
}
