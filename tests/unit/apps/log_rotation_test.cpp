#include "apps/dunlin/log_rotation.hpp"

#include "tests/unit/apps/temp_folder.hpp"

#include <gtest/gtest.h>

using namespace dunlin::commands;

TEST(LogRotation, LeavesALogWithinItsBound) {
  temp_folder folder;
  const auto log = folder.write("log", "1234567890");
  EXPECT_FALSE(rotate_log(log, {10, 3}));
  EXPECT_EQ(temp_folder::read(log), "1234567890");
  EXPECT_FALSE(rotate_log(folder / "none", {10, 3}));
}

TEST(LogRotation, KeepsTheNewestOnly) {
  temp_folder folder;
  for (const auto* text : {"first", "second", "third", "fourth"}) {
    folder.write("log", text);
    EXPECT_TRUE(rotate_log(folder / "log", {1, 2}));
    EXPECT_EQ(temp_folder::read(folder / "log"), "");
  }
  EXPECT_EQ(temp_folder::read(folder / "log.1"), "fourth");
  EXPECT_EQ(temp_folder::read(folder / "log.2"), "third");
  EXPECT_FALSE(std::filesystem::exists(folder / "log.3"));
}

TEST(LogRotation, AWriterThatAppendsGoesOnInTheEmptiedFile) {
  temp_folder folder;
  std::ofstream writer{folder / "log", std::ios::app};
  writer << "before" << std::flush;
  EXPECT_TRUE(rotate_log(folder / "log", {1, 2}));
  writer << "after" << std::flush;
  EXPECT_EQ(temp_folder::read(folder / "log"), "after");
}

TEST(LogRotation, ShowsTheLastLines) {
  temp_folder folder;
  const auto log = folder.write("log", "a\nb\nc\n");
  EXPECT_EQ(log_tail(log, 2), "    b\n    c\n");
  EXPECT_EQ(log_tail(folder / "none", 2), "");
  EXPECT_EQ(log_tail(folder.write("empty", ""), 2), "");
}
