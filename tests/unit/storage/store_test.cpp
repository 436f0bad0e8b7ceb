// What every KEY-VALUE STORE promises, held by each of them on each disk.
#include "runtime/storage/memory_store.hpp"
#include "runtime/storage/sqlite_store.hpp"
#include "tests/unit/disk/disk_fixture.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace dunlin {

struct store_kind {
  std::string name;
  disk_kind on;
  std::function<std::unique_ptr<kv_store>(disk&)> make;
};

static std::unique_ptr<kv_store> make_memory(disk&) { return std::make_unique<memory_store>(); }

static std::unique_ptr<kv_store> make_sqlite(disk& on) {
  return sqlite_store::open(on, "state.db").value();
}

class Store : public testing::TestWithParam<store_kind> {
protected:
  using rows = std::vector<std::pair<std::string, std::string>>;

  rows scanned(table where, std::string_view from, std::size_t limit = 100) {
    rows found;
    store->scan(where, from, [&](std::string_view key, std::string_view value) {
      found.emplace_back(key, value);
      return found.size() < limit;
    });
    return found;
  }

  rows scanned_back(table where, std::string_view from, std::size_t limit = 100) {
    rows found;
    store->scan_back(where, from, [&](std::string_view key, std::string_view value) {
      found.emplace_back(key, value);
      return found.size() < limit;
    });
    return found;
  }

  temporary_folder folder;
  std::unique_ptr<disk> storage = GetParam().on.make(folder.path());
  std::unique_ptr<kv_store> store = GetParam().make(*storage);
};

TEST_P(Store, GetsWhatWasPutLast) {
  EXPECT_EQ(store->get(table::objects, "k"), std::nullopt);
  store->put(table::objects, "k", "one");
  EXPECT_EQ(store->get(table::objects, "k"), "one");
  store->put(table::objects, "k", "two");
  EXPECT_EQ(store->get(table::objects, "k"), "two");
  store->commit();
  EXPECT_EQ(store->get(table::objects, "k"), "two");
}

TEST_P(Store, ForgetsWhatWasErased) {
  store->put(table::objects, "k", "v");
  store->commit();
  store->erase(table::objects, "k");
  EXPECT_EQ(store->get(table::objects, "k"), std::nullopt);
  store->erase(table::objects, "never there");
  store->commit();
  EXPECT_EQ(store->get(table::objects, "k"), std::nullopt);
}

TEST_P(Store, KeepsTablesApart) {
  for (int number = 0; number < table_count; ++number)
    store->put(static_cast<table>(number), "k", std::to_string(number));
  store->commit();
  for (int number = 0; number < table_count; ++number)
    EXPECT_EQ(store->get(static_cast<table>(number), "k"), std::to_string(number));
}

TEST_P(Store, TakesAnyBytesAndEmptyOnes) {
  const std::string key("\0\xff'\"", 4);
  store->put(table::meta, key, std::string(1, '\0'));
  store->put(table::meta, {}, {});
  EXPECT_EQ(store->get(table::meta, key), std::string(1, '\0'));
  EXPECT_EQ(store->get(table::meta, ""), "");
  EXPECT_EQ(scanned(table::meta, ""), (rows{{"", ""}, {key, std::string(1, '\0')}}));
}

TEST_P(Store, TakesLargeValues) {
  const std::string value(200'000, 'v');
  store->put(table::parts, "k", value);
  store->commit();
  EXPECT_EQ(store->get(table::parts, "k"), value);
}

TEST_P(Store, ScansInByteOrderFromTheKeyOn) {
  for (const char* key : {"b", "a", "\xff", "ab", "c"})
    store->put(table::objects, key, "v");
  EXPECT_EQ(scanned(table::objects, "ab"),
            (rows{{"ab", "v"}, {"b", "v"}, {"c", "v"}, {"\xff", "v"}}));
  EXPECT_EQ(scanned(table::objects, "ab", 2), (rows{{"ab", "v"}, {"b", "v"}}));
  EXPECT_EQ(scanned(table::objects, "bb", 1), (rows{{"c", "v"}}));
  EXPECT_EQ(scanned(table::objects, "\xff\xff"), rows{});
}

TEST_P(Store, ScansBackFromTheNewestAtOrBelow) {
  for (const char* key : {"b", "a", "d"})
    store->put(table::objects, key, "v");
  EXPECT_EQ(scanned_back(table::objects, "c"), (rows{{"b", "v"}, {"a", "v"}}));
  EXPECT_EQ(scanned_back(table::objects, "d", 1), (rows{{"d", "v"}}));
  EXPECT_EQ(scanned_back(table::objects, "A"), rows{});
}

TEST_P(Store, AVisitorMayReadTheSameTable) {
  for (const char* key : {"a", "b", "c"})
    store->put(table::objects, key, "v");
  std::string seen;
  store->scan(table::objects, "", [&](std::string_view key, std::string_view) {
    seen += key;
    for (const auto& row : scanned(table::objects, key, 2))
      seen += row.first;
    return store->get(table::objects, key).has_value();
  });
  EXPECT_EQ(seen, "aabbbccc");
}

TEST_P(Store, CheckpointsWithAndWithoutSomethingToDo) {
  store->checkpoint();
  store->put(table::objects, "k", "v");
  store->checkpoint();  // within a transaction
  store->commit();
  store->checkpoint();
  store->commit();  // nothing open
  EXPECT_EQ(store->get(table::objects, "k"), "v");
}

INSTANTIATE_TEST_SUITE_P(Each, Store,
                         testing::Values(store_kind{"Memory", simulated_kind(), make_memory},
                                         store_kind{"SqliteSimulated", simulated_kind(),
                                                    make_sqlite},
                                         store_kind{"SqlitePosix", posix_kind(), make_sqlite}),
                         [](const auto& info) { return info.param.name; });

}  // namespace dunlin
