// What every DISK promises, held by the real one and the simulated one.
#include "tests/unit/disk/disk_fixture.hpp"

#include <gtest/gtest.h>

namespace dunlin {

using names = std::vector<std::string>;

class Disk : public testing::TestWithParam<disk_kind> {
protected:
  temporary_folder folder;
  std::unique_ptr<disk> storage = GetParam().make(folder.path());
};

TEST(PosixDisk, IsClaimedByOneUntilThatOneEnds) {
  const temporary_folder folder;
  auto first = posix_disk::open(folder.path()).value();
  auto second = posix_disk::open(folder.path()).value();
  EXPECT_TRUE(first->claim());
  EXPECT_EQ(second->claim().error(), ec::already_exists);
  first.reset();
  EXPECT_TRUE(second->claim());
}

TEST_P(Disk, ReadsBackWhatWasWritten) {
  auto file = storage->open("a", disk::mode::create).value();
  ASSERT_TRUE(file->pwrite(3, "hello"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(file->size().value(), 8u);
  EXPECT_EQ(file->pread(0, 100).value(), std::string("\0\0\0hello", 8));
  EXPECT_EQ(file->pread(4, 2).value(), "el");
  EXPECT_EQ(file->pread(8, 5).value(), "");
  EXPECT_EQ(storage->open("a", disk::mode::read).value()->pread(3, 5).value(), "hello");
}

TEST_P(Disk, CreateKeepsWhatIsThere) {
  ASSERT_TRUE(storage->open("a", disk::mode::create).value()->pwrite(0, "kept"));
  EXPECT_EQ(storage->open("a", disk::mode::create).value()->pread(0, 9).value(), "kept");
}

TEST_P(Disk, AMissingFileIsNotFound) {
  EXPECT_EQ(storage->open("a", disk::mode::read).error(), ec::not_found);
  EXPECT_EQ(storage->open("a", disk::mode::read_write).error(), ec::not_found);
  EXPECT_EQ(storage->open("no/a", disk::mode::create).error(), ec::not_found);
  EXPECT_EQ(storage->remove("a").error(), ec::not_found);
  EXPECT_EQ(storage->rename("a", "b").error(), ec::not_found);
  EXPECT_EQ(storage->list("no").error(), ec::not_found);
  EXPECT_EQ(storage->sync_folder("no").error(), ec::not_found);
  EXPECT_FALSE(storage->exists("a").value());
}

TEST_P(Disk, RefusesPathsThatLeaveTheTree) {
  for (const std::string path : {"../a", "a/../../b", "/etc/passwd", "a//b", "./a", "a/", ".."}) {
    EXPECT_EQ(storage->open(path, disk::mode::create).error(), ec::invalid_argument) << path;
    EXPECT_EQ(storage->exists(path).error(), ec::invalid_argument) << path;
    EXPECT_EQ(storage->remove(path).error(), ec::invalid_argument) << path;
    EXPECT_EQ(storage->rename("x", path).error(), ec::invalid_argument) << path;
    EXPECT_EQ(storage->make_folder(path).error(), ec::invalid_argument) << path;
    EXPECT_EQ(storage->list(path).error(), ec::invalid_argument) << path;
  }
  EXPECT_EQ(storage->open("", disk::mode::create).error(), ec::invalid_argument);
}

TEST_P(Disk, AFileOpenedForReadingIsNotWritten) {
  ASSERT_TRUE(storage->open("a", disk::mode::create));
  EXPECT_FALSE(storage->open("a", disk::mode::read).value()->pwrite(0, "x"));
}

TEST_P(Disk, FoldersHoldFilesAndFolders) {
  ASSERT_TRUE(storage->make_folder("x/y/z"));
  ASSERT_TRUE(storage->make_folder("x/y/z"));
  ASSERT_TRUE(storage->open("x/b", disk::mode::create));
  ASSERT_TRUE(storage->open("x/a", disk::mode::create));
  EXPECT_EQ(storage->list("").value(), names{"x"});
  EXPECT_EQ(storage->list("x").value(), (names{"a", "b", "y"}));
  EXPECT_EQ(storage->list("x/y/z").value(), names{});
  EXPECT_TRUE(storage->exists("x/y").value());
  EXPECT_TRUE(storage->sync_folder("x"));
  EXPECT_TRUE(storage->sync_folder(""));
}

TEST_P(Disk, RenameReplacesAndRemoveForgets) {
  ASSERT_TRUE(storage->open("a", disk::mode::create).value()->pwrite(0, "new"));
  ASSERT_TRUE(storage->open("b", disk::mode::create).value()->pwrite(0, "old"));
  ASSERT_TRUE(storage->rename("a", "b"));
  EXPECT_EQ(storage->list("").value(), names{"b"});
  auto held = storage->open("b", disk::mode::read).value();
  EXPECT_EQ(held->pread(0, 9).value(), "new");
  ASSERT_TRUE(storage->remove("b"));
  EXPECT_FALSE(storage->exists("b").value());
  EXPECT_EQ(held->pread(0, 9).value(), "new");  // an open file outlives its name
}

TEST_P(Disk, TruncateCutsAndGrowsWithZeros) {
  auto file = storage->open("a", disk::mode::create).value();
  ASSERT_TRUE(file->pwrite(0, "hello"));
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->truncate(5));
  EXPECT_EQ(file->pread(0, 9).value(), std::string("he\0\0\0", 5));
}

TEST_P(Disk, PunchedBytesReadAsZeros) {
  auto file = storage->open("a", disk::mode::create).value();
  ASSERT_TRUE(file->pwrite(0, std::string(20000, 'x')));
  ASSERT_TRUE(file->punch(4000, 9000));
  EXPECT_EQ(file->size().value(), 20000u);
  EXPECT_EQ(file->pread(0, 20000).value(),
            std::string(4000, 'x') + std::string(9000, '\0') + std::string(7000, 'x'));
}

TEST_P(Disk, KnowsItsSpace) {
  const auto space = storage->space().value();
  EXPECT_GT(space.total_bytes, 0u);
  EXPECT_LE(space.free_bytes, space.total_bytes);
}

INSTANTIATE_TEST_SUITE_P(Either, Disk, testing::Values(posix_kind(), simulated_kind()),
                         [](const auto& info) { return info.param.name; });

}  // namespace dunlin
