#include "runtime/storage/sqlite_log_file.hpp"
#include "runtime/simulation/sim_disk.hpp"

#include <gtest/gtest.h>

namespace dunlin {
namespace {

constexpr std::size_t head_bytes = 24;
constexpr std::size_t page_bytes = 512;

/// As SQLite writes it (https://www.sqlite.org/fileformat2.html, 4.1).
std::string head(bool ends_commit) {
  std::string bytes(head_bytes, '\0');
  bytes[3] = 1;
  bytes[7] = ends_commit ? 1 : 0;
  return bytes;
}

struct SqliteLogFile : testing::Test {
  SqliteLogFile() : log(*storage.open("log", disk::mode::create)) {
    seen_by_others = *storage.open("log", disk::mode::read);
  }
  void append_frame(bool ends_commit, char fill) {
    ASSERT_TRUE(log.pwrite(end, head(ends_commit)));
    ASSERT_TRUE(log.pwrite(end + head_bytes, std::string(page_bytes, fill)));
    end += head_bytes + page_bytes;
  }
  std::string page_before(std::uint64_t frame_end) {
    return *seen_by_others->pread(frame_end - page_bytes, page_bytes);
  }

  simulation::sim_disk storage{1, 1u << 20};
  sqlite_log_file log;
  std::unique_ptr<file> seen_by_others;
  std::uint64_t end = 32;
};

TEST_F(SqliteLogFile, OthersSeeACommitOnceItHasEnded) {
  append_frame(false, 'a');
  EXPECT_EQ(page_before(end), "");
  append_frame(true, 'b');
  EXPECT_EQ(page_before(end), std::string(page_bytes, 'b'));
  EXPECT_TRUE(log.is_written());
}

// Trial seed 4289008838000813: after a restart a checkpoint moved a page of the log's last
// generation, and the rows on it were gone.
TEST_F(SqliteLogFile, ACommitThatEndsWhereRecoveryEndedIsWrittenWhole) {
  std::string frame(head_bytes + page_bytes, '\0');
  ASSERT_TRUE(log.pread(end + head_bytes + page_bytes, frame.data(), frame.size()));
  append_frame(false, 'a');
  append_frame(true, 'b');
  EXPECT_TRUE(log.is_written());
  EXPECT_EQ(page_before(end), std::string(page_bytes, 'b'));
}

TEST_F(SqliteLogFile, AHeadIsWrittenAnewAtOnce) {
  append_frame(true, 'a');
  std::string frame(head_bytes + page_bytes, '\0');
  ASSERT_TRUE(log.pread(32, frame.data(), frame.size()));
  auto renewed = head(true);
  renewed[20] = 'c';
  ASSERT_TRUE(log.pwrite(32, renewed));
  EXPECT_EQ(*seen_by_others->pread(32, head_bytes), renewed);
}

}  // namespace
}  // namespace dunlin
