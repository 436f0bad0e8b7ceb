// What is torn and cut off, and what is damage and refused (decision 9).
#include "runtime/disk/wal/record.hpp"
#include "runtime/observe/log.hpp"
#include "tests/unit/disk/wal_fixture.hpp"

namespace dunlin::wal {

class WalDamage : public Wal {
protected:
  static constexpr const char* first = "wal/000001.wal";
  static constexpr const char* second = "wal/000002.wal";
  // A segment starts with its head, whose payload is empty.
  static constexpr std::uint64_t start = record_head_bytes;
  static constexpr std::uint64_t size = record_bytes(100);

  void SetUp() override {
    dunlin::log::set_sink([this](dunlin::log::level, const std::string& line) { lines += line; });
  }
  void TearDown() override { dunlin::log::set_sink({}); }

  /// Entries from `from` on, each flushed alone.
  void write(std::uint64_t from, std::uint64_t count) {
    auto log = open();
    for (auto index = from; index < from + count; ++index) {
      ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, index, std::string(100, 'x'))}));
      ASSERT_TRUE(log->flush());
    }
  }
  std::size_t recovered() { return open()->recovered().at(1).entries.size(); }

  std::string lines;
};

TEST_F(WalDamage, ABadLastRecordIsCutOff) {
  write(1, 5);
  storage.flip_bit(first, start + 4 * size + 60, 3);
  EXPECT_EQ(recovered(), 4u);
  EXPECT_NE(lines.find("wal.cut_torn_tail"), std::string::npos);
  write(5, 3);
  EXPECT_EQ(recovered(), 7u);
}

TEST_F(WalDamage, ABadRecordBeforeSyncedOnesRefusesTheStart) {
  for (std::uint64_t at = 0; at < 4; ++at) {
    storage = simulation::sim_disk(1);
    write(1, 5);
    storage.flip_bit(first, start + at * size + 60, 3);
    lines.clear();
    EXPECT_EQ(try_open().error(), ec::damaged) << at;
    EXPECT_NE(
        lines.find("\"file\":\"wal/000001.wal\",\"offset\":" + std::to_string(start + at * size)),
        std::string::npos)
        << lines;
  }
}

TEST_F(WalDamage, ABadRecordInAnEarlierSegmentRefusesTheStart) {
  write(1, 150);  // into the second segment
  storage.flip_bit(first, start + 100 * size + 10, 0);
  EXPECT_EQ(try_open().error(), ec::damaged);
  EXPECT_NE(
      lines.find("\"file\":\"wal/000001.wal\",\"offset\":" + std::to_string(start + 100 * size)),
      std::string::npos)
      << lines;
}

TEST_F(WalDamage, AnUnreadableHeadRefusesTheStart) {
  for (const auto* path : {first, second}) {
    storage = simulation::sim_disk(1);
    write(1, 150);
    storage.flip_bit(path, 10, 0);
    EXPECT_EQ(try_open().error(), ec::damaged) << path;
  }
}

TEST_F(WalDamage, AMissingSegmentRefusesTheStart) {
  for (const auto* path : {first, second}) {
    storage = simulation::sim_disk(1);
    write(1, 250);  // three segments
    ASSERT_TRUE(storage.remove(path));
    EXPECT_EQ(try_open().error(), ec::damaged) << path;
  }
}

TEST_F(WalDamage, ATruncatedSegmentRefusesTheStart) {
  write(1, 5);
  ASSERT_TRUE(storage.open(first, disk::mode::read_write).value()->truncate(8192));
  EXPECT_EQ(try_open().error(), ec::damaged);
}

TEST_F(WalDamage, AFlipAnywhereIsNoticedOrHarmless) {
  for (std::uint64_t bit = 0; bit < (start + 5 * size) * 8; bit += 7) {
    storage = simulation::sim_disk(1);
    write(1, 5);
    storage.flip_bit(first, bit / 8, static_cast<int>(bit % 8));
    const auto again = try_open();
    if (!again) {
      EXPECT_EQ(again.error(), ec::damaged);
      continue;
    }
    // The last flush may have been torn for all that the log can tell; or padding was hit.
    const auto& entries = (*again)->recovered().at(1).entries;
    EXPECT_GE(entries.size(), 4u) << bit;
    for (const auto& one : entries)
      EXPECT_EQ(*one.data, std::string(100, 'x')) << bit;
  }
}

TEST_F(WalDamage, GoodRecordsBehindATornOneNeverComeBack) {
  auto log = open();
  ASSERT_TRUE(log->append_entries(
      1, std::vector{entry_of(1, 1, std::string(100, 'a')), entry_of(1, 2, std::string(100, 'b')),
                     entry_of(1, 3, std::string(100, 'c'))}));
  ASSERT_TRUE(log->flush());
  storage.flip_bit(first, start + size + 60, 3);  // the second of one flush
  log = open();
  EXPECT_EQ(log->recovered().at(1).entries.size(), 1u);
  // Exactly as long as the torn one: the third would be next.
  ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(2, 2, std::string(100, 'B'))}));
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(texts(open()->recovered().at(1).entries).back(), "2:2:" + std::string(100, 'B'));
}

TEST_F(WalDamage, AnotherFormatIsRefusedByName) {
  write(1, 1);
  std::string head;
  encode({.sequence = 1, .term = 99, .index = config.segment_bytes, .kind = record_kind::head},
         head);
  ASSERT_TRUE(storage.open(first, disk::mode::read_write).value()->pwrite(0, head));
  EXPECT_EQ(try_open().error(), ec::unsupported);
}

TEST_F(WalDamage, AHalfMadeSegmentIsMadeAnew) {
  write(1, 5);
  ASSERT_TRUE(storage.open("wal/000003.wal", disk::mode::create)
                  .value()
                  ->pwrite(0, std::string(100, '\0')));
  EXPECT_EQ(recovered(), 5u);
  EXPECT_EQ(storage.list("wal").value(), (std::vector<std::string>{"000001.wal", "000002.wal"}));
}

TEST_F(WalDamage, OtherFilesInTheFolderAreLeftAlone) {
  write(1, 5);
  ASSERT_TRUE(storage.open("wal/README", disk::mode::create).value()->pwrite(0, "x"));
  EXPECT_EQ(recovered(), 5u);
  EXPECT_TRUE(storage.exists("wal/README").value());
}

}  // namespace dunlin::wal
