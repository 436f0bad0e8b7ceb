// What a database on a disk can meet: reopening, faults, damage, crashes.
#include "runtime/storage/sqlite_store.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/storage/sqlite_connection.hpp"

#include <gtest/gtest.h>

namespace dunlin {

class SqliteStore : public testing::Test {
protected:
  simulation::sim_disk storage{1};
  sqlite_options config;
  std::unique_ptr<sqlite_store> open() {
    return sqlite_store::open(storage, "state.db", config).value();
  }

  static ec code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const store_error& error) {
      return error.code();
    }
    ADD_FAILURE() << "no store_error";
    return {};
  }
};

TEST_F(SqliteStore, AnotherOpeningSeesWhatWasCommittedOnly) {
  {
    auto store = open();
    store->put(table::objects, "a", "1");
    store->commit();
    store->put(table::objects, "b", "2");
  }
  auto store = open();
  EXPECT_EQ(store->get(table::objects, "a"), "1");
  EXPECT_EQ(store->get(table::objects, "b"), std::nullopt);
}

TEST_F(SqliteStore, ACommitWaitsForNoSync) {
  auto store = open();
  store->put(table::objects, "a", "0");
  store->commit();  // the first one starts the log
  const auto before = storage.counted().syncs;
  for (int i = 0; i < 100; ++i) {
    store->put(table::objects, "a", std::to_string(i));
    store->commit();
  }
  EXPECT_EQ(storage.counted().syncs, before);
}

TEST_F(SqliteStore, ACheckpointMakesCommittedRowsDurable) {
  auto store = open();
  store->put(table::objects, "a", "1");
  store->commit();
  store->checkpoint();
  storage.crash();
  store = open();
  EXPECT_EQ(store->get(table::objects, "a"), "1");
}

TEST_F(SqliteStore, ACheckpointWithinATransactionMakesWhatCameBeforeItDurable) {
  auto store = open();
  store->put(table::objects, "a", "1");
  store->commit();
  store->put(table::objects, "b", "2");
  store->checkpoint();
  storage.crash();
  store = open();
  EXPECT_EQ(store->get(table::objects, "a"), "1");
  EXPECT_EQ(store->get(table::objects, "b"), std::nullopt);
}

TEST_F(SqliteStore, MovesPagesByItselfBeforeTheLogGrowsOverItsBound) {
  config.log_pages_max = 50;
  auto store = open();
  for (int i = 0; i < 1000; ++i) {
    store->put(table::objects, std::to_string(i), std::string(1000, 'x'));
    store->commit();
  }
  EXPECT_LT(storage.open("state.db-wal", disk::mode::read).value()->size().value(), 200u * 4096);
}

TEST_F(SqliteStore, WantsACheckpointAfterSoMuchThatNoneHasMoved) {
  config.log_pages_a_checkpoint = 50;
  auto store = open();
  const auto background = store->background();
  background->checkpoint();
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(store->wants_checkpoint());
    int commits = 0;
    for (; commits < 1000 && !store->wants_checkpoint(); ++commits) {
      store->put(table::objects, std::to_string(commits), std::string(1000, 'x'));
      store->commit();
    }
    EXPECT_GT(commits, 10);
    EXPECT_LE(commits, 100);
    background->checkpoint();
  }
}

TEST_F(SqliteStore, KeepsTheSizeOfPageThatItWasMadeWith) {
  {
    sqlite_connection older(storage, std::make_shared<sqlite_shared>());
    older.open("older.db", true, 1 << 20);
    older.run("PRAGMA page_size=4096");
    older.run("PRAGMA journal_mode=WAL");
  }
  const auto page_bytes = [&](const std::string& path) {
    const auto bytes = storage.open(path, disk::mode::read).value()->pread(16, 2).value();
    return static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1]);
  };
  for (const std::string path : {"older.db", "newer.db"}) {
    auto store = sqlite_store::open(storage, path, config).value();
    store->put(table::objects, "a", std::string(60'000, 'x'));
    store->commit();
    const auto background = store->background();
    background->checkpoint();
    const auto copy = background->copy_to("copy-of-" + path);
    while (!copy->step(4096))
      continue;
  }
  EXPECT_EQ(page_bytes("older.db"), 4096);
  EXPECT_EQ(page_bytes("newer.db"), 2048);
  // Each takes the other's place.
  ASSERT_TRUE(install(storage, "copy-of-older.db", "newer.db"));
  ASSERT_TRUE(install(storage, "copy-of-newer.db", "older.db"));
  EXPECT_EQ(page_bytes("older.db"), 2048);
  for (const std::string path : {"older.db", "newer.db"})
    EXPECT_EQ(sqlite_store::open(storage, path, config).value()->get(table::objects, "a"),
              std::string(60'000, 'x'));
}

TEST_F(SqliteStore, StopsForGoodAfterAnError) {
  auto store = open();
  store->put(table::objects, "a", "1");
  storage.fail_call(1);
  EXPECT_EQ(code_of([&] { store->commit(); }), ec::io_error);
  EXPECT_EQ(code_of([&] { store->get(table::objects, "a"); }), ec::io_error);
  EXPECT_EQ(code_of([&] { store->put(table::objects, "a", "2"); }), ec::io_error);
  EXPECT_EQ(code_of([&] { store->commit(); }), ec::io_error);
  EXPECT_EQ(code_of([&] { store->checkpoint(); }), ec::io_error);
}

TEST_F(SqliteStore, SaysThatTheDiskIsFull) {
  auto store = open();
  storage.set_capacity(storage.used_bytes());
  EXPECT_EQ(code_of([&] {
              for (int i = 0; i < 1000; ++i) {
                store->put(table::objects, std::to_string(i), std::string(1000, 'x'));
                store->commit();
              }
            }),
            ec::disk_full);
}

TEST_F(SqliteStore, SaysThatTheDiskIsGone) {
  auto store = open();
  store->put(table::objects, "a", "1");
  storage.crash();
  EXPECT_EQ(code_of([&] { store->commit(); }), ec::closed);
}

TEST_F(SqliteStore, RefusesWhatIsNoDatabase) {
  auto file = storage.open("state.db", disk::mode::create).value();
  ASSERT_TRUE(file->pwrite(0, std::string(8192, 'x')));
  EXPECT_EQ(sqlite_store::open(storage, "state.db").error(), ec::damaged);
}

TEST_F(SqliteStore, NeedsItsFolder) {
  EXPECT_EQ(sqlite_store::open(storage, "no/state.db").error(), ec::not_found);
  EXPECT_EQ(sqlite_store::open(storage, "").error(), ec::invalid_argument);
  EXPECT_EQ(sqlite_store::open(storage, "../state.db").error(), ec::invalid_argument);
}

TEST_F(SqliteStore, LeavesNoFilesButTheDatabaseAndItsLog) {
  auto store = open();
  for (int i = 0; i < 5000; ++i)  // more than the cache holds
    store->put(table::objects, std::to_string(i * 7919 % 5000), std::string(500, 'x'));
  store->commit();
  EXPECT_EQ(storage.list("").value(), (std::vector<std::string>{"state.db", "state.db-wal"}));
  store->scan(table::objects, "", [](std::string_view, std::string_view) { return true; });
  store->checkpoint();
  EXPECT_EQ(storage.list("").value(), (std::vector<std::string>{"state.db", "state.db-wal"}));
}

TEST_F(SqliteStore, ManyOfThemShareAProcess) {
  std::vector<std::unique_ptr<sqlite_store>> stores;
  for (int i = 0; i < 50; ++i) {
    stores.push_back(sqlite_store::open(storage, "state" + std::to_string(i)).value());
    stores.back()->put(table::meta, "i", std::to_string(i));
    stores.back()->commit();
  }
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(stores[static_cast<std::size_t>(i)]->get(table::meta, "i"), std::to_string(i));
}

}  // namespace dunlin
