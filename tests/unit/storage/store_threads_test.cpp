// The owner, checkpoints and copies at once, each on a thread of its own and on a real disk.
#include "runtime/storage/sqlite_store.hpp"
#include "tests/unit/disk/disk_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

namespace dunlin {
namespace {

/// Every commit writes its number to some rows, so that rows of two commits betray themselves.
constexpr int rows_a_commit = 10;

void write(kv_store& store, int commit) {
  for (int row = 0; row < rows_a_commit; ++row)
    store.put(table::objects, "last" + std::to_string(row), std::to_string(commit));
  store.put(table::objects, "k" + std::to_string(commit % 5000), std::string(300, 'x'));
  store.commit();
}

std::map<std::string, int> commits_in(kv_store& store) {
  std::map<std::string, int> found;
  store.scan(table::objects, "last", [&](std::string_view, std::string_view value) {
    ++found[std::string(value)];
    return true;
  });
  return found;
}

}  // namespace

TEST(SqliteThreads, TheOwnerWritesWhileOthersCheckpointAndCopy) {
  temporary_folder folder;
  const auto storage = posix_disk::open(folder.path()).value();
  sqlite_options config;
  config.log_pages_wanted = 100;
  config.log_pages_max = 1000;
  auto store = sqlite_store::open(*storage, "state.db", config).value();
  write(*store, 0);
  std::atomic<bool> done{false};
  std::atomic<int> committed{0}, checkpoints{0}, copies{0};
  std::atomic<std::uint64_t> log_bytes_max{0};

  std::thread checkpointing([&, background = store->background()] {
    while (!done) {
      background->checkpoint();
      ++checkpoints;
      log_bytes_max = std::max<std::uint64_t>(
          log_bytes_max, storage->open("state.db-wal", disk::mode::read).value()->size().value());
    }
  });
  std::thread copying([&, background = store->background()] {
    while (!done || copies < 3) {
      const int before = committed;
      int after = 0;
      try {
        auto copy = background->copy_to("copy");
        after = committed + 1;
        while (!copy->step(64 << 10))
          continue;
      } catch (const store_error&) {
        // The writer was so much faster that the log would not wait: its owner tries again.
        for (const auto* name : {"copy", "copy-wal"})
          (void)storage->remove(name);
        continue;
      }
      auto found = commits_in(*sqlite_store::open(*storage, "copy").value());
      EXPECT_EQ(found.size(), 1u);
      EXPECT_EQ(found.begin()->second, rows_a_commit);
      EXPECT_GE(std::stoi(found.begin()->first), before);
      EXPECT_LE(std::stoi(found.begin()->first), after);
      for (const auto* name : {"copy", "copy-wal"})
        EXPECT_TRUE(storage->remove(name));
      ++copies;
    }
  });
  for (int commit = 1; commit <= 20000 || checkpoints < 3; ++commit) {
    write(*store, commit);
    committed = commit;
  }
  done = true;
  checkpointing.join();
  copying.join();

  store.reset();
  store = sqlite_store::open(*storage, "state.db", config).value();
  EXPECT_EQ(commits_in(*store), (std::map<std::string, int>{{std::to_string(committed), 10}}));
  // A copy may hold the log back; it does not grow with the number of commits.
  EXPECT_LT(log_bytes_max, 128u << 20);
}

}  // namespace dunlin
