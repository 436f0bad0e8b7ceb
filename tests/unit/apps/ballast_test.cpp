#include "apps/assembly/ballast.hpp"

#include "runtime/simulation/sim_disk.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using assembly::ballast;

namespace {

constexpr std::uint64_t mib = 1u << 20;
const assembly::ballast_options two_mib{2 * mib, mib};

void write(simulation::sim_disk& disk, const std::string& path, std::uint64_t bytes) {
  auto made = disk.open(path, disk::mode::create);
  ASSERT_TRUE(made);
  ASSERT_TRUE((*made)->pwrite(0, std::string(bytes, 'x')));
  ASSERT_TRUE((*made)->sync());
}

}  // namespace

TEST(Ballast, GivesItsBytesBackWhenSomebodyElseFillsTheDisk) {
  simulation::sim_disk disk{1, 10 * mib};
  ballast kept{disk, two_mib};
  EXPECT_TRUE(kept.has_room());
  EXPECT_TRUE(disk.exists("node/ballast").value());
  write(disk, "filler", disk.space().value().free_bytes);
  EXPECT_FALSE(kept.has_room());
  EXPECT_FALSE(disk.exists("node/ballast").value());
  EXPECT_GE(disk.space().value().free_bytes, 2 * mib);
  EXPECT_FALSE(kept.has_room() && disk.space().value().free_bytes < mib);
}

TEST(Ballast, IsThrownOffBeforeANodeStartsOnAFullDisk) {
  simulation::sim_disk disk{1, 10 * mib};
  { ballast kept{disk, two_mib}; }
  write(disk, "filler", disk.space().value().free_bytes);
  ballast again{disk, two_mib};
  EXPECT_GE(disk.space().value().free_bytes, 2 * mib);
}

TEST(Ballast, IsTakenUpAgainWhenThereIsRoom) {
  simulation::sim_disk disk{1, 10 * mib};
  ballast kept{disk, two_mib};
  write(disk, "filler", disk.space().value().free_bytes);
  kept.has_room();
  ASSERT_TRUE(disk.remove("filler"));
  ASSERT_TRUE(disk.sync_folder(""));
  EXPECT_TRUE(kept.has_room());
  EXPECT_TRUE(disk.exists("node/ballast").value());
}

TEST(Ballast, IsNotTakenWhereItWouldLeaveTooLittle) {
  simulation::sim_disk disk{1, 4 * mib};
  ballast kept{disk, two_mib};
  EXPECT_TRUE(kept.has_room());
  EXPECT_FALSE(disk.exists("node/ballast").value());
}
