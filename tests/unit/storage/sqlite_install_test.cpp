// A received database takes the place of another: whole, or not at all, whenever the power fails.
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/storage/sqlite_store.hpp"

#include <gtest/gtest.h>

namespace dunlin {

class SqliteInstall : public testing::Test {
protected:
  using disk_type = simulation::sim_disk;

  static std::unique_ptr<sqlite_store> open(disk_type& storage, const std::string& path) {
    return sqlite_store::open(storage, path).value();
  }

  /// "p/db" holds rows that are in its log alone, "p/received" is a copy of another database.
  static void prepare(disk_type& storage) {
    storage.make_folder("p").value();
    auto other = open(storage, "p/other");
    for (int i = 0; i < 200; ++i)
      other->put(table::objects, std::to_string(i), "new" + std::string(100, 'n'));
    other->commit();
    const auto copy = other->background()->copy_to("p/received");
    while (!copy->step(1 << 20))
      continue;
    auto old = open(storage, "p/db");
    old->checkpoint();  // the tables
    for (int i = 0; i < 200; ++i)
      old->put(table::objects, std::to_string(i), "old" + std::string(100, 'o'));
    old->commit();
    const auto keeps = old->background()->copy_to("p/reader");  // the log is not moved
    old->checkpoint();
  }

  /// "old", "new", or what is wrong.
  static std::string holds(disk_type& storage) {
    auto store = open(storage, "p/db");
    std::map<std::string, int> kinds;
    int rows = 0;
    store->scan(table::objects, "", [&](std::string_view, std::string_view value) {
      ++rows;
      ++kinds[std::string(value.substr(0, 3))];
      return true;
    });
    if (kinds.size() != 1 || rows != 200) return "a mixture of " + std::to_string(rows) + " rows";
    return kinds.begin()->first;
  }

  disk_type storage{1};
};

TEST_F(SqliteInstall, PutsTheNewDatabaseInThePlaceOfTheOld) {
  prepare(storage);
  EXPECT_EQ(holds(storage), "old");
  ASSERT_TRUE(install(storage, "p/received", "p/db"));
  EXPECT_EQ(holds(storage), "new");
  storage.crash();
  EXPECT_EQ(holds(storage), "new");
  EXPECT_FALSE(storage.exists("p/received").value());
}

TEST_F(SqliteInstall, NeedsNoOldDatabase) {
  prepare(storage);
  storage.make_folder("q").value();
  ASSERT_TRUE(install(storage, "p/received", "q/db"));
  storage.crash();
  EXPECT_TRUE(open(storage, "q/db")->get(table::objects, "7"));
  EXPECT_FALSE(storage.exists("p/received").value());
}

TEST_F(SqliteInstall, LeavesTheOldOrTheNewDatabaseWhereverThePowerFails) {
  int old_ones = 0, new_ones = 0;
  for (std::uint64_t call = 1; call <= 40; ++call) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      disk_type storage(seed);
      prepare(storage);
      storage.crash_after(call);
      const auto done = install(storage, "p/received", "p/db");
      // The next life may end in the middle of finishing it, too.
      storage.crash();
      storage.crash_after(1 + seed % 8);
      (void)sqlite_store::open(storage, "p/db");
      storage.crash();
      const auto found = holds(storage);
      EXPECT_TRUE(found == "new" || (!done && found == "old"))
          << "call " << call << ", seed " << seed << ": " << found;
      ++(found == "new" ? new_ones : old_ones);
    }
  }
  EXPECT_GT(old_ones, 20);
  EXPECT_GT(new_ones, 20);
}

TEST_F(SqliteInstall, SaysWhichCallFailedAndLeavesOldOrNew) {
  for (std::uint64_t call = 1; call <= 20; ++call) {
    disk_type storage(call);
    prepare(storage);
    storage.fail_call(call);
    const auto done = install(storage, "p/received", "p/db");
    storage.fail_call(1u << 30);  // none of those that follow
    const auto found = holds(storage);
    EXPECT_TRUE(found == "new" || (!done && found == "old")) << "call " << call << ": " << found;
  }
}

TEST_F(SqliteInstall, RefusesWhatIsNoWholeDatabaseOfOurs) {
  prepare(storage);
  const auto refuses = [&](const char* why, const std::function<void(file&)>& spoil) {
    disk_type one(1);
    prepare(one);
    {
      auto received = one.open("p/received", disk::mode::read_write).value();
      spoil(*received);
    }
    EXPECT_EQ(install(one, "p/received", "p/db").error(), ec::damaged) << why;
    EXPECT_EQ(holds(one), "old") << why;
  };
  refuses("cut", [](file& it) { it.truncate(it.size().value() - 4096).value(); });
  refuses("cut in a page", [](file& it) { it.truncate(it.size().value() - 1).value(); });
  refuses("empty", [](file& it) { it.truncate(0).value(); });
  refuses("no database", [](file& it) { it.pwrite(0, std::string(16, 'x')).value(); });
  refuses("of another program", [](file& it) { it.pwrite(68, "abcd").value(); });
  refuses("no tables", [](file& it) { it.pwrite(60, std::string(4, '\0')).value(); });
  EXPECT_EQ(install(storage, "p/nothing", "p/db").error(), ec::not_found);
  storage.open("p/received", disk::mode::read_write).value()->pwrite(60, "\x7f").value();
  EXPECT_EQ(install(storage, "p/received", "p/db").error(), ec::unsupported);
}

}  // namespace dunlin
