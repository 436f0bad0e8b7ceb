// What the simulated disk loses, and what it must not.
#include "runtime/simulation/sim_disk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace dunlin::simulation {

using mode = disk::mode;

static std::unique_ptr<file> durable_file(sim_disk& storage, const std::string& path) {
  auto made = storage.open(path, mode::create).value();
  storage.sync_folder("").value();
  return made;
}

static std::string content(sim_disk& storage, const std::string& path) {
  return storage.open(path, mode::read).value()->pread(0, 1 << 20).value();
}

TEST(SimDisk, KeepsWhatWasSyncedThroughEveryCrash) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim_disk storage(seed);
    auto file = durable_file(storage, "a");
    ASSERT_TRUE(file->pwrite(0, "synced"));
    ASSERT_TRUE(file->sync());
    storage.crash();
    EXPECT_EQ(content(storage, "a"), "synced") << seed;
  }
}

TEST(SimDisk, KeepsLosesOrTearsUnsyncedWritesAtSectors) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    sim_disk storage(seed);
    auto file = durable_file(storage, "a");
    ASSERT_TRUE(file->pwrite(0, std::string(1024, 'o')));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(file->pwrite(256, std::string(512, 'n')));
    storage.crash();
    outcomes.insert(content(storage, "a"));
  }
  const auto expected = [](std::size_t from, std::size_t to) {
    return std::string(from, 'o') + std::string(to - from, 'n') + std::string(1024 - to, 'o');
  };
  EXPECT_EQ(outcomes,
            (std::set{expected(0, 0), expected(256, 768), expected(256, 512), expected(512, 768)}));
}

TEST(SimDisk, MayForgetACreationUntilTheFolderIsSynced) {
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim_disk storage(seed);
    auto file = storage.open("a", mode::create).value();
    ASSERT_TRUE(file->pwrite(0, "x"));
    ASSERT_TRUE(file->sync());
    storage.crash();
    lost += storage.exists("a").value() ? 0 : 1;
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 45);
}

TEST(SimDisk, ARenameIsTheOldOrTheNewNameNeverBothNorNeither) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim_disk storage(seed);
    auto file = durable_file(storage, "a");
    ASSERT_TRUE(storage.rename("a", "b"));
    storage.crash();
    EXPECT_NE(storage.exists("a").value(), storage.exists("b").value()) << seed;
  }
}

TEST(SimDisk, ClosesTheFilesOfAFormerLife) {
  sim_disk storage(1);
  auto file = durable_file(storage, "a");
  storage.crash();
  EXPECT_EQ(file->pwrite(0, "x").error(), ec::closed);
  EXPECT_EQ(file->pread(0, 1).error(), ec::closed);
  EXPECT_EQ(file->sync().error(), ec::closed);
}

TEST(SimDisk, PowerFailsDuringTheCallThatWasNamed) {
  int reached = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    sim_disk storage(seed);
    auto file = durable_file(storage, "a");
    int told = 0;
    storage.crash_after(2, [&] { ++told; });
    EXPECT_TRUE(file->size());
    EXPECT_EQ(told, 0);
    EXPECT_EQ(file->pwrite(0, "x").error(), ec::closed);
    EXPECT_EQ(told, 1);
    EXPECT_TRUE(storage.is_down());
    EXPECT_EQ(storage.exists("a").error(), ec::closed);
    storage.crash();
    reached += content(storage, "a") == "x" ? 1 : 0;
  }
  EXPECT_GT(reached, 5);
  EXPECT_LT(reached, 55);
}

TEST(SimDisk, AFailedSyncIsNotHealedByTheNextOne) {
  int lost = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    sim_disk storage(seed);
    auto file = durable_file(storage, "a");
    ASSERT_TRUE(file->pwrite(0, "x"));
    storage.fail_call(1);
    EXPECT_EQ(file->sync().error(), ec::io_error);
    EXPECT_TRUE(file->sync());
    storage.crash();
    lost += content(storage, "a") == "x" ? 0 : 1;
  }
  EXPECT_GT(lost, 5);
}

TEST(SimDisk, FailsTheCallsThatAFaultNames) {
  sim_disk storage(1);
  auto file = durable_file(storage, "a");
  storage.set_fault([](disk_call what, const std::string& path) -> std::optional<ec> {
    if (what == disk_call::pread && path == "a") return ec::io_error;
    return std::nullopt;
  });
  EXPECT_EQ(file->pread(0, 1).error(), ec::io_error);
  EXPECT_TRUE(file->pwrite(0, "x"));
  storage.set_fault({});
  EXPECT_TRUE(file->pread(0, 1));
}

TEST(SimDisk, IsFullAtItsCapacityAndHasRoomAfterAPunch) {
  sim_disk storage(1, 8192);
  auto file = durable_file(storage, "a");
  ASSERT_TRUE(file->pwrite(0, std::string(8192, '\0')));  // zeros take space as well
  EXPECT_EQ(file->pwrite(8192, "x").error(), ec::disk_full);
  EXPECT_TRUE(file->pwrite(100, "overwriting needs no space"));
  EXPECT_EQ(storage.space().value().free_bytes, 0u);
  ASSERT_TRUE(file->punch(0, 4096));
  EXPECT_TRUE(file->pwrite(8192, "x"));
}

TEST(SimDisk, FlipsABitForGood) {
  sim_disk storage(1);
  auto file = durable_file(storage, "a");
  ASSERT_TRUE(file->pwrite(0, "a"));
  ASSERT_TRUE(file->sync());
  storage.flip_bit("a", 0, 1);
  EXPECT_EQ(content(storage, "a"), "c");
  storage.crash();
  EXPECT_EQ(content(storage, "a"), "c");
}

TEST(SimDisk, CountsWhatItDid) {
  sim_disk storage(1);
  auto file = durable_file(storage, "a");
  ASSERT_TRUE(file->pwrite(0, "abc"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(storage.counted().writes, 1u);
  EXPECT_EQ(storage.counted().written_bytes, 3u);
  EXPECT_EQ(storage.counted().syncs, 1u);
}

TEST(SimDisk, LosesTheSameWithTheSameSeed) {
  const auto run = [] {
    sim_disk storage(7);
    auto file = durable_file(storage, "a");
    for (int i = 0; i < 20; ++i)
      file->pwrite(static_cast<std::uint64_t>(i) * 700,
                   std::string(1500, static_cast<char>('a' + i)))
          .value();
    storage.crash();
    return content(storage, "a");
  };
  EXPECT_EQ(run(), run());
}

// Against a string for what is written and one for what is durable: blocks are shared between the
// two, and neither may see what happens to the other.
TEST(SimDisk, WhatIsDurableIsWhatWasThereAtTheLastSync) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    sim_disk storage(seed);
    auto file = durable_file(storage, "a");
    std::string now, durable;
    for (int step = 0; step < 60; ++step) {
      const auto offset = random() % 100'000, size = 1 + random() % (step % 5 == 0 ? 80'000 : 600);
      switch (random() % 6) {
        case 0:
          ASSERT_TRUE(file->sync());
          durable = now;
          break;
        case 1:
          ASSERT_TRUE(file->truncate(offset));
          now.resize(offset, '\0');
          break;
        case 2:
          ASSERT_TRUE(file->punch(offset, size));
          for (auto at = offset; at < std::min<std::uint64_t>(offset + size, now.size()); ++at)
            now[at] = '\0';
          break;
        default: {
          const std::string bytes(size, random() % 4 == 0 ? '\0' : static_cast<char>(random()));
          ASSERT_TRUE(file->pwrite(offset, bytes));
          if (now.size() < offset + size) now.resize(offset + size, '\0');
          now.replace(offset, size, bytes);
        }
      }
      ASSERT_EQ(content(storage, "a"), now) << seed << " step " << step;
    }
    ASSERT_TRUE(file->sync());
    storage.crash();
    ASSERT_EQ(content(storage, "a"), now) << seed;
    // In the next life nothing is synced: each write is there, torn or not, over what was durable.
    file = storage.open("a", mode::read_write).value();
    durable = now;
    ASSERT_TRUE(file->pwrite(0, std::string(64'000, 'n')));
    storage.crash();
    const auto left = content(storage, "a");
    for (std::size_t at = 0; at < std::max<std::size_t>(left.size(), durable.size()); ++at)
      ASSERT_TRUE((at < durable.size() && left[at] == durable[at]) ||
                  (at < 64'000 && (left[at] == 'n' || left[at] == '\0')))
          << seed << " at " << at;
  }
}

}  // namespace dunlin::simulation
