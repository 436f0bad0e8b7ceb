// The log on a real file system: what a process writes its successor reads.
#include "tests/unit/disk/disk_fixture.hpp"
#include "tests/unit/disk/wal_fixture.hpp"

#include <filesystem>

namespace dunlin::wal {

TEST(WalOnPosix, AnotherOpeningReadsWhatWasFlushedThroughManySegments) {
  temporary_folder folder;
  auto storage = posix_disk::open(folder.path()).value();
  const options config{.segment_bytes = 16384, .bytes_max = 8 * 16384, .reserve_bytes = 0};
  model expected;
  {
    auto log = log::open(*storage, "node/wal", config).value();
    for (std::uint64_t index = 1; index <= 500; ++index) {
      const std::vector added{entry_of(2, index, std::string(200, 'x'))};
      ASSERT_TRUE(log->append_entries(4, added));
      expected.append(4, added);
      if (index % 50 != 0) continue;
      ASSERT_TRUE(log->append_hard(4, 2, "n1"));
      ASSERT_TRUE(log->compact(4, index - 10, 2));
      ASSERT_TRUE(log->flush());
      expected.hard(4, 2, "n1");
      expected.compact(4, index - 10, 2);
    }
  }
  auto log = log::open(*storage, "node/wal", config).value();
  EXPECT_EQ(text_of(log->recovered()), expected.text());
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path() + "/node/wal"))
    bytes += file.file_size();
  EXPECT_EQ(bytes, log->bytes());
}

}  // namespace dunlin::wal
