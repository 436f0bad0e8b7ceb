#include "tests/unit/disk/wal_fixture.hpp"

#include "runtime/disk/wal/record.hpp"

namespace dunlin::wal {

using strings = std::vector<std::string>;

TEST_F(Wal, IsEmptyWhenNew) {
  auto log = open();
  EXPECT_TRUE(log->recovered().empty());
  EXPECT_EQ(log->bytes(), 2 * config.segment_bytes);
  EXPECT_FALSE(log->full());
}

TEST_F(Wal, RecoversWhatWasFlushed) {
  auto log = open();
  ASSERT_TRUE(log->append_hard(3, 7, "n2"));
  ASSERT_TRUE(log->append_entries(3, std::vector{entry_of(6, 1, "a"), entry_of(7, 2, "")}));
  ASSERT_TRUE(log->append_hard(9, 1, ""));
  ASSERT_TRUE(log->flush());
  storage.crash();
  log = open();
  EXPECT_EQ(text_of(log->recovered()), "3=7/n2/0.0 6:1:a 7:2:\n9=1//0.0\n");
  EXPECT_EQ(log->recovered().at(3).entries[0].kind, 1);
  EXPECT_EQ(log->recovered().at(3).entries[1].data, nullptr);
}

TEST_F(Wal, HandsRecoveredGroupsOverOnce) {
  auto log = open();
  ASSERT_TRUE(log->append_hard(3, 7, "n2"));
  ASSERT_TRUE(log->append_hard(4, 7, "n2"));
  ASSERT_TRUE(log->flush());
  log = open();
  EXPECT_EQ(log->take_recovered(3).term, 7u);
  EXPECT_EQ(log->take_recovered(3).term, 0u);
  EXPECT_EQ(log->recovered().size(), 1u);
  log->release_recovered();
  EXPECT_TRUE(log->recovered().empty());
}

TEST_F(Wal, AnEntryCutsWhatWasAtAndAboveIt) {
  auto log = open();
  ASSERT_TRUE(log->append_entries(
      1, std::vector{entry_of(1, 1, "a"), entry_of(1, 2, "b"), entry_of(1, 3, "c")}));
  ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(2, 2, "B")}));
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(texts(open()->recovered().at(1).entries), (strings{"1:1:a", "2:2:B"}));
}

TEST_F(Wal, CompactingForgetsUpToTheIndex) {
  auto log = open();
  ASSERT_TRUE(log->append_entries(
      1, std::vector{entry_of(1, 1, "a"), entry_of(1, 2, "b"), entry_of(1, 3, "c")}));
  ASSERT_TRUE(log->compact(1, 2, 1));
  ASSERT_TRUE(log->compact(1, 1, 1));  // older: changes nothing
  ASSERT_TRUE(log->flush());
  log = open();
  EXPECT_EQ(text_of(log->recovered().at(1)), "0//2.1 1:3:c");
  ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, 4, "d")}));
  EXPECT_EQ(log->append_entries(1, std::vector{entry_of(1, 2, "x")}).error(), ec::invalid_argument);
}

TEST_F(Wal, ASnapshotOfAnotherHistoryForgetsAll) {
  auto log = open();
  ASSERT_TRUE(log->append_entries(
      1, std::vector{entry_of(1, 1, "a"), entry_of(1, 2, "b"), entry_of(1, 3, "c")}));
  ASSERT_TRUE(log->compact(1, 2, 5));
  ASSERT_TRUE(log->compact(2, 100, 5));
  ASSERT_TRUE(log->append_entries(2, std::vector{entry_of(5, 101, "n")}));
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(text_of(open()->recovered()), "1=0//2.5\n2=0//100.5 5:101:n\n");
}

TEST_F(Wal, RefusesGapsAndWhatIsTooLarge) {
  auto log = open();
  const auto refused = [&](std::vector<entry> entries) {
    return log->append_entries(1, entries).error() == ec::invalid_argument;
  };
  EXPECT_TRUE(refused({entry_of(1, 2, "a")}));
  EXPECT_TRUE(refused({entry_of(1, 0, "a")}));
  EXPECT_TRUE(refused({entry_of(1, 1, "a"), entry_of(1, 3, "c")}));
  EXPECT_TRUE(
      refused({entry_of(1, 1, "a"), entry_of(1, 2, std::string(log->entry_bytes_max() + 1, 'x'))}));
  ASSERT_TRUE(log->append_entries(
      1, std::vector{entry_of(1, 1, std::string(log->entry_bytes_max(), 'x'))}));
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(open()->recovered().at(1).entries.size(), 1u);
}

TEST_F(Wal, FlushesOneWriteAndOneSyncForAllGroups) {
  auto log = open();
  const auto before = storage.counted();
  for (group_id group = 1; group <= 20; ++group)
    ASSERT_TRUE(log->append_entries(group, std::vector{entry_of(1, 1, "a")}));
  ASSERT_TRUE(log->flush());
  ASSERT_TRUE(log->flush());  // nothing new
  EXPECT_EQ(storage.counted().writes - before.writes, 1u);
  EXPECT_EQ(storage.counted().syncs - before.syncs, 1u);
}

TEST_F(Wal, AppendsMoreThanASegmentInOneFlush) {
  auto log = open();
  std::vector<entry> many;
  for (std::uint64_t index = 1; index <= 40; ++index)
    many.push_back(entry_of(1, index, std::string(1000, static_cast<char>('a' + index % 26))));
  ASSERT_TRUE(log->append_entries(1, many));
  ASSERT_TRUE(log->flush());
  storage.crash();
  EXPECT_EQ(texts(open()->recovered().at(1).entries), texts(many));
}

TEST_F(Wal, RecyclesSegmentsAndNeverGrowsOneOfThem) {
  auto log = open();
  for (std::uint64_t index = 1; index <= 2000; ++index) {
    ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, index, std::string(100, 'x'))}));
    if (index % 10 == 0) {
      ASSERT_TRUE(log->compact(1, index - 5, 1));
    }
    ASSERT_TRUE(log->flush());
  }
  EXPECT_LE(log->bytes(), 3 * config.segment_bytes);  // of some 300 kB that were written
  EXPECT_EQ(storage.used_bytes(), log->bytes());
  storage.crash();
  const auto group = open()->take_recovered(1);
  EXPECT_EQ(group.compacted_index, 1995u);
  EXPECT_EQ(group.entries.size(), 5u);
}

TEST_F(Wal, ALaggingGroupPinsNoSegment) {
  auto log = open();
  ASSERT_TRUE(log->append_hard(7, 3, "n1"));
  ASSERT_TRUE(log->append_entries(7, std::vector{entry_of(3, 1, "old"), entry_of(3, 2, "older")}));
  ASSERT_TRUE(log->compact(8, 50, 2));
  for (std::uint64_t index = 1; index <= 2000; ++index) {
    ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, index, std::string(100, 'x'))}));
    ASSERT_TRUE(log->compact(1, index, 1));
    ASSERT_TRUE(log->flush());
  }
  EXPECT_EQ(log->bytes(), 2 * config.segment_bytes);
  storage.crash();
  log = open();
  EXPECT_EQ(text_of(log->recovered().at(7)), "3/n1/0.0 3:1:old 3:2:older");
  EXPECT_EQ(text_of(log->recovered().at(8)), "0//50.2");
}

TEST_F(Wal, WhatWasCopiedForwardIsStillCutAndFollowedRightly) {
  auto log = open();
  ASSERT_TRUE(log->append_entries(
      7, std::vector{entry_of(1, 1, "a"), entry_of(1, 2, "b"), entry_of(1, 3, "c")}));
  const auto turn = [&](std::uint64_t from) {  // drives the ring round by another group
    for (auto index = from + 1; index <= from + 400; ++index) {
      ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, index, std::string(100, 'x'))}));
      ASSERT_TRUE(log->compact(1, index, 1));
      ASSERT_TRUE(log->flush());
    }
  };
  turn(0);
  ASSERT_TRUE(log->append_entries(7, std::vector{entry_of(2, 3, "C"), entry_of(2, 4, "D")}));
  turn(400);
  ASSERT_TRUE(log->append_entries(7, std::vector{entry_of(2, 5, "E")}));
  ASSERT_TRUE(log->flush());
  storage.crash();
  EXPECT_EQ(texts(open()->recovered().at(7).entries),
            (strings{"1:1:a", "1:2:b", "2:3:C", "2:4:D", "2:5:E"}));
}

TEST_F(Wal, IsFullAtItsBytesMaxAndHasRoomOnceGroupsCompact) {
  config.bytes_max = 4 * config.segment_bytes;
  auto log = open();
  std::uint64_t index = 0;
  while (!log->full()) {
    ASSERT_TRUE(
        log->append_entries(1, std::vector{entry_of(1, index + 1, std::string(1000, 'x'))}));
    ++index;
    ASSERT_TRUE(log->flush());
    ASSERT_LT(index, 1000u);
  }
  EXPECT_EQ(log->bytes(), config.bytes_max);
  EXPECT_GT(index, 10u);
  // The little room kept for the largest entry is used up, then the refusal leaves no trace.
  while (log->append_entries(1, std::vector{entry_of(1, index + 1, std::string(1000, 'x'))}))
    ++index;
  EXPECT_EQ(
      log->append_entries(1, std::vector{entry_of(1, index + 1, std::string(1000, 'x'))}).error(),
      ec::disk_full);
  // Terms and votes are never refused, however long that lasts.
  for (std::uint64_t term = 1; term <= 3000; ++term) {
    ASSERT_TRUE(log->append_hard(1, term, "n1"));
    ASSERT_TRUE(log->flush());
  }
  ASSERT_TRUE(log->compact(1, index - 1, 1));
  EXPECT_FALSE(log->full());
  ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, index + 1, "y")}));
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(log->bytes(), config.bytes_max);
  storage.crash();
  EXPECT_EQ(open()->recovered().at(1).entries.size(), 2u);
  EXPECT_EQ(open()->recovered().at(1).term, 3000u);
}

TEST_F(Wal, RefusesEntriesOnAFullDiskBeforeAnythingIsAppended) {
  auto log = open();
  storage.set_capacity(storage.used_bytes());
  std::uint64_t index = 0;
  while (log->append_entries(1, std::vector{entry_of(1, index + 1, std::string(1000, 'x'))}))
    ++index;
  EXPECT_GT(index, 3u);
  EXPECT_TRUE(log->full());
  ASSERT_TRUE(log->flush());
  storage.crash();
  EXPECT_EQ(open()->recovered().at(1).entries.size(), index);
  storage.set_capacity(1 << 30);
  EXPECT_FALSE(open()->full());
}

TEST_F(Wal, KeepsTheReserveOfTheDiskFree) {
  config.reserve_bytes = 1 << 20;
  storage.set_capacity((1 << 20) + 3 * config.segment_bytes);
  auto log = open();
  std::uint64_t index = 0;
  while (log->append_entries(1, std::vector{entry_of(1, index + 1, std::string(1000, 'x'))}))
    ++index;
  EXPECT_EQ(log->bytes(), 3 * config.segment_bytes);
}

TEST_F(Wal, DoesNotStartWithoutRoomForItsFirstSegments) {
  storage.set_capacity(config.segment_bytes);
  EXPECT_EQ(try_open().error(), ec::disk_full);
  storage.set_capacity(1 << 30);
  EXPECT_TRUE(try_open());
}

TEST_F(Wal, StopsForGoodAfterAFailedFlush) {
  auto log = open();
  ASSERT_TRUE(log->append_hard(1, 1, "a"));
  storage.set_fault([](simulation::disk_call what, const std::string&) -> std::optional<ec> {
    if (what == simulation::disk_call::sync) return ec::io_error;
    return std::nullopt;
  });
  EXPECT_EQ(log->flush().error(), ec::io_error);
  storage.set_fault({});
  EXPECT_EQ(log->flush().error(), ec::io_error);
  EXPECT_EQ(log->append_hard(1, 2, "a").error(), ec::io_error);
  EXPECT_EQ(log->append_entries(1, std::vector{entry_of(1, 1, "a")}).error(), ec::io_error);
  EXPECT_EQ(log->compact(1, 1, 1).error(), ec::io_error);
  EXPECT_EQ(log->tidy().error(), ec::io_error);
}

TEST_F(Wal, ADiskThatIsFullInTheMiddleOfAWriteIsAFailureAndNoRefusal) {
  auto log = open();
  storage.set_fault([](simulation::disk_call what, const std::string&) -> std::optional<ec> {
    if (what == simulation::disk_call::pwrite) return ec::disk_full;
    return std::nullopt;
  });
  std::uint64_t index = 0;
  result<void> appended;
  while ((appended =
              log->append_entries(1, std::vector{entry_of(1, ++index, std::string(1000, 'x'))})))
    ASSERT_TRUE(log->compact(1, index, 1));  // there is always room, until the segment ends
  EXPECT_EQ(appended.error(), ec::io_error);
  storage.set_fault({});
  EXPECT_EQ(log->flush().error(), ec::io_error);
}

TEST_F(Wal, TidyPreparesTheNextSegmentSoThatNoCommitDoes) {
  auto log = open();
  std::uint64_t index = 0;
  std::uint64_t most = 0;
  while (log->bytes() < 6 * config.segment_bytes) {
    const auto before = storage.counted().writes;
    ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, ++index, std::string(1000, 'x'))}));
    ASSERT_TRUE(log->flush());
    most = std::max(most, storage.counted().writes - before);
    while (log->tidy().value())
      continue;
  }
  EXPECT_LE(most, 3u);  // a roll: seal, head, batch
}

namespace {

/// Counts the bytes that are read.
class counting_file final : public file {
public:
  counting_file(std::unique_ptr<file> of, std::uint64_t& bytes)
      : of_(std::move(of)), bytes_(bytes) {}
  result<std::string> pread(std::uint64_t offset, std::size_t size) override {
    bytes_ += size;
    return of_->pread(offset, size);
  }
  result<std::size_t> pread(std::uint64_t offset, char* target, std::size_t size) override {
    bytes_ += size;
    return of_->pread(offset, target, size);
  }
  result<void> pwrite(std::uint64_t offset, std::string_view data) override {
    return of_->pwrite(offset, data);
  }
  result<void> sync() override { return of_->sync(); }
  result<std::uint64_t> size() override { return of_->size(); }
  result<void> truncate(std::uint64_t size) override { return of_->truncate(size); }
  result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    return of_->punch(offset, size);
  }

private:
  std::unique_ptr<file> of_;
  std::uint64_t& bytes_;
};

class counting_disk final : public disk {
public:
  explicit counting_disk(disk& of) : of_(of) {}
  std::uint64_t bytes = 0;

  result<std::unique_ptr<file>> open(const std::string& path, mode how) override {
    auto opened = of_.open(path, how);
    if (!opened) return opened.error();
    return std::unique_ptr<file>(new counting_file(std::move(*opened), bytes));
  }
  result<bool> exists(const std::string& path) override { return of_.exists(path); }
  result<void> remove(const std::string& path) override { return of_.remove(path); }
  result<void> rename(const std::string& a, const std::string& b) override {
    return of_.rename(a, b);
  }
  result<void> sync_folder(const std::string& folder) override { return of_.sync_folder(folder); }
  result<void> make_folder(const std::string& folder) override { return of_.make_folder(folder); }
  result<std::vector<std::string>> list(const std::string& folder) override {
    return of_.list(folder);
  }
  result<disk_space> space() override { return of_.space(); }

private:
  disk& of_;
};

}  // namespace

TEST_F(Wal, AStartReadsWhatIsNeededAndNotWhatWasLoggedSince) {
  config = {.segment_bytes = 1u << 20, .bytes_max = 32u << 20, .reserve_bytes = 0};
  {
    auto log = open();
    ASSERT_TRUE(log->append_hard(1, 1, "quiet"));
    ASSERT_TRUE(log->append_entries(1, std::vector{entry_of(1, 1, "kept")}));
    for (std::uint64_t index = 1; log->live_bytes() < 14u << 20; ++index)
      ASSERT_TRUE(log->append_entries(2, std::vector{entry_of(1, index, std::string(50000, 'x'))}));
    ASSERT_TRUE(log->compact(2, 1u << 20, 1));
    ASSERT_TRUE(log->flush());
    while (log->tidy().value())
      continue;
    EXPECT_GT(log->bytes(), 25u << 20);
  }
  storage.crash();
  counting_disk counted(storage);
  auto log = log::open(counted, "wal", config).value();
  EXPECT_EQ(texts(log->recovered().at(1).entries), (std::vector<std::string>{"1:1:kept"}));
  EXPECT_EQ(log->recovered().at(1).vote, "quiet");
  EXPECT_EQ(log->recovered().at(2).compacted_index, 1u << 20);
  EXPECT_LT(counted.bytes, 8u << 20);
}

TEST_F(Wal, KeepsTheSegmentSizeItWasMadeWith) {
  ASSERT_TRUE(open()->append_hard(1, 1, "a"));
  config.segment_bytes = 65536;
  EXPECT_EQ(open()->bytes(), 2 * 16384u);
}

TEST_F(Wal, RefusesSegmentSizesThatCannotWork) {
  for (const std::uint64_t bytes : {0ull, 1024ull, 5000ull, 1ull << 31}) {
    config.segment_bytes = bytes;
    EXPECT_EQ(try_open().error(), ec::invalid_argument) << bytes;
  }
}

}  // namespace dunlin::wal
