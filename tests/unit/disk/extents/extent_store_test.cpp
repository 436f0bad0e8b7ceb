#include "runtime/disk/extents/extent_store.hpp"

#include "messages/page_id.hpp"
#include "tests/support/map_store.hpp"
#include "tests/support/memory_disk.hpp"

#include <gtest/gtest.h>

namespace dunlin::extents {

struct ExtentStore : ::testing::Test {
  testing::memory_disk disk;
  testing::set_clock clock;
  testing::counted_random random;
  std::shared_ptr<testing::map_tables> rows = std::make_shared<testing::map_tables>();
  extent_options options;
  testing::map_store* index = nullptr;
  std::unique_ptr<extent_store> store = opened();

  std::unique_ptr<extent_store> opened() {
    auto made = std::make_unique<testing::map_store>(rows);
    index = made.get();
    auto result = extent_store::open(disk, std::move(made), clock, random, options);
    EXPECT_TRUE(result);
    return std::move(*result);
  }
  void restart() {
    store.reset();
    store = opened();
  }
  /// Loses what was not synced, and the index transaction that was open.
  void crash() {
    disk.crash();
    restart();
  }
  std::string bytes_of(std::size_t size) { return random.bytes(size); }

  static std::string id(std::uint64_t n) { return page_at(std::string(16, '\0'), n); }
  static new_page page(std::uint64_t n, const std::string& bytes, std::uint32_t set = 1) {
    return {id(n), set, {"bucket", "key", ""}, std::make_shared<const std::string>(bytes)};
  }
  result<void> write(std::uint64_t n, const std::string& bytes, std::uint32_t set = 1) {
    if (auto done = store->append(page(n, bytes, set)); !done) return done;
    return store->sync();
  }
  std::string read(std::uint64_t n, std::uint64_t offset = 0, std::uint64_t length = 0) {
    const auto range = store->read(id(n), offset, length);
    return range ? *range->bytes : "error: " + std::string(to_string(range.error()));
  }
  std::string& extent(std::uint32_t n) { return disk.content("extents/" + extent_name(n)).now; }
};

TEST_F(ExtentStore, AnswersAnyRangeOfAPage) {
  const auto bytes = bytes_of(300'000);
  ASSERT_TRUE(write(1, bytes));
  EXPECT_EQ(read(1), bytes);
  for (const auto offset : {0u, 1u, 65535u, 65536u, 200'000u})
    for (const auto length : {1u, 65536u, 99'999u})
      EXPECT_EQ(read(1, offset, length), bytes.substr(offset, length));
  EXPECT_EQ(read(1, 299'999, 5), bytes.substr(299'999));
  EXPECT_EQ(read(1, 300'001, 5), "");
  const auto range = store->read(id(1), 5, 1);
  EXPECT_EQ(range->page_length, 300'000u);
  EXPECT_EQ(range->item, (page_item{"bucket", "key", ""}));
}

TEST_F(ExtentStore, SyncsManyPagesAtOnce) {
  ASSERT_TRUE(write(0, "opens the extent"));
  const auto before = disk.syncs();
  for (int i = 1; i < 20; ++i)
    ASSERT_TRUE(store->append(page(i, "x")));
  ASSERT_TRUE(store->sync());
  EXPECT_EQ(disk.syncs(), before + 1);
}

TEST_F(ExtentStore, HoldsNothingThatWasNotSynced) {
  ASSERT_TRUE(store->append(page(1, "x")));
  EXPECT_EQ(read(1), "error: not found");
  crash();
  EXPECT_FALSE(store->holds(id(1)));
}

TEST_F(ExtentStore, FindsSyncedPagesThatTheIndexHasLost) {
  const auto bytes = bytes_of(100'000);
  ASSERT_TRUE(write(1, bytes));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(write(2, "young"));
  crash();
  EXPECT_EQ(read(1), bytes);
  EXPECT_EQ(read(2), "young");
  EXPECT_EQ(store->status().pages, 2u);
}

TEST_F(ExtentStore, RebuildsAnIndexThatIsLostAltogether) {
  const auto bytes = bytes_of(100'000);
  for (int i = 1; i < 10; ++i)
    ASSERT_TRUE(write(i, bytes + std::to_string(i), i % 2));
  ASSERT_TRUE(store->free(id(4), 1));
  *rows = {};
  disk.crash();
  restart();
  EXPECT_EQ(read(9), bytes + "9");
  EXPECT_EQ(read(4), "error: not found");
  EXPECT_EQ(store->status().pages, 8u);
  EXPECT_EQ(store->list(1, {}, 100)->size(), 5u);
}

TEST_F(ExtentStore, IgnoresTheTornLastPageAndLeavesItWhereItIs) {
  ASSERT_TRUE(write(1, "whole"));
  ASSERT_TRUE(store->append(page(2, bytes_of(100'000))));
  auto& content = disk.content("extents/" + extent_name(1));
  content.durable = content.now.substr(0, content.now.size() - 50'000);
  crash();
  EXPECT_EQ(read(2), "error: not found");
  const auto left = extent(1);
  ASSERT_TRUE(write(3, "next"));
  EXPECT_EQ(extent(1), left);
  crash();
  EXPECT_EQ(read(1), "whole");
  EXPECT_EQ(read(3), "next");
}

TEST_F(ExtentStore, FindsPagesBehindATornOne) {
  ASSERT_TRUE(write(1, "whole"));
  ASSERT_TRUE(store->append(page(2, bytes_of(100'000))));
  const auto torn = extent(1).size() - 10'000;
  ASSERT_TRUE(write(3, "behind"));
  extent(1)[torn] ^= 1;
  *rows = {};
  restart();
  EXPECT_EQ(read(2), "error: not found");
  EXPECT_EQ(read(3), "behind");
}

/// A crash takes the index's last commits; the next life's first ones are the same, so the log of
/// SQLite is the same so far, and with the second crash those behind them are there again.
TEST_F(ExtentStore, AnIndexThatComesBackFromALifeBeforeHidesNothing) {
  const auto bytes = bytes_of(200'000);
  ASSERT_TRUE(write(1, "whole"));
  ASSERT_TRUE(write(2, bytes_of(100'000)));
  ASSERT_TRUE(store->flush());
  const auto before = *rows;
  ASSERT_TRUE(store->free(id(2), 1));
  disk.crash();
  *rows = {};
  restart();
  ASSERT_TRUE(write(3, bytes));
  ASSERT_TRUE(store->flush());
  disk.crash();
  *rows = before;
  restart();
  EXPECT_EQ(read(1), "whole");
  EXPECT_EQ(read(2), "error: not found");
  EXPECT_EQ(read(3), bytes);
  ASSERT_TRUE(store->free(id(2), 1));  // its row is there
  EXPECT_EQ(read(3), bytes);
  crash();
  EXPECT_EQ(read(3), bytes);
}

TEST_F(ExtentStore, NeverTakesAnObjectsBytesForAPage) {
  // An object that holds the very header of a page, at a place where pages start.
  const page_header forged{id(66), 1, {"other", "key", ""}, 0, 3, block_sums("bad")};
  const auto own = encoded_bytes({id(1), 1, {"bucket", "key", ""}, 0, 100'000, {}});
  std::string bytes(step_bytes - own, 'x');
  bytes += encode(forged, 12345) + "bad";
  bytes.resize(100'000);
  ASSERT_TRUE(store->append(page(1, bytes)));
  auto& content = disk.content("extents/" + extent_name(1));
  content.durable = content.now;
  content.durable[step_bytes + 3] ^= 1;  // the page's own header is torn
  crash();
  EXPECT_FALSE(store->holds(id(66)));
}

TEST_F(ExtentStore, ToldOfAFlippedBitOnlyWhenTheRangeHasIt) {
  const auto bytes = bytes_of(300'000);
  ASSERT_TRUE(write(1, bytes));
  extent(1)[extent(1).size() - 1000] ^= 1;  // in the last block
  EXPECT_EQ(read(1, 0, 65536), bytes.substr(0, 65536));
  EXPECT_EQ(read(1), "error: damaged");
  EXPECT_EQ(store->status().damaged_total, 1u);
}

TEST_F(ExtentStore, ADamagedHeaderIsDamage) {
  ASSERT_TRUE(write(1, "x"));
  extent(1)[step_bytes + 20] ^= 1;
  EXPECT_EQ(read(1), "error: damaged");
}

TEST_F(ExtentStore, TakesTheSamePageAgainButNotOtherBytes) {
  ASSERT_TRUE(write(1, "x"));
  const auto size = extent(1).size();
  EXPECT_TRUE(write(1, "x"));
  EXPECT_EQ(extent(1).size(), size);
  EXPECT_EQ(write(1, "y").error(), ec::already_exists);
  EXPECT_EQ(write(1, "x", 2).error(), ec::already_exists);
  ASSERT_TRUE(store->append(page(2, "a")));
  EXPECT_TRUE(store->append(page(2, "a")));
  EXPECT_EQ(store->append(page(2, "b")).error(), ec::already_exists);
}

TEST_F(ExtentStore, ReplacesADamagedPageAndGivesItsPlaceBack) {
  ASSERT_TRUE(write(1, "good bytes"));
  ASSERT_TRUE(write(2, "other"));
  extent(1)[step_bytes + 75] ^= 1;
  ASSERT_EQ(read(1), "error: damaged");
  ASSERT_TRUE(write(1, "good bytes"));
  EXPECT_EQ(read(1), "good bytes");
  EXPECT_EQ(extent(1)[step_bytes], '\0');
  EXPECT_EQ(store->status().pages, 2u);
  *rows = {};
  restart();
  EXPECT_EQ(read(1), "good bytes");
}

TEST_F(ExtentStore, FreedPagesAreGoneAlsoAfterACrash) {
  for (int i = 1; i < 6; ++i)
    ASSERT_TRUE(write(i, "x"));
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(*store->free(id(2), 3), 3u);
  EXPECT_EQ(*store->free(id(100), 1'000'000), 0u);
  crash();  // the rows come back, the pages do not
  EXPECT_EQ(read(3), "error: not found");
  EXPECT_EQ(read(5), "x");
}

// A trial's collectors met such rows again and again, and could not say whose they were.
TEST_F(ExtentStore, ARowThatACrashHasBroughtBackIsForgottenWhenItIsMet) {
  ASSERT_TRUE(write(1, bytes_of(5000)));
  ASSERT_TRUE(write(2, bytes_of(5000)));
  ASSERT_TRUE(store->flush());
  ASSERT_EQ(*store->free(id(1), 1), 1u);
  crash();
  ASSERT_EQ(store->list(1, "", 10)->size(), 2u);
  EXPECT_EQ(store->item_of(id(1)).error(), ec::not_found);
  EXPECT_FALSE(store->holds(id(1)));
  EXPECT_EQ(store->list(1, "", 10)->size(), 1u);
  EXPECT_EQ(store->status().pages, 1u);
  ASSERT_EQ(*store->free(id(1), 1), 0u);
  EXPECT_EQ(store->status().pages, 1u);
}

TEST_F(ExtentStore, FreesWhereTheFileSystemHasNoHoles) {
  ASSERT_TRUE(write(1, "x"));
  disk.punches_fail = true;
  EXPECT_EQ(*store->free(id(1), 1), 1u);
  *rows = {};
  restart();
  EXPECT_EQ(read(1), "error: not found");
}

TEST_F(ExtentStore, DropsAnExtentWithoutPagesAndNeverReusesItsNumber) {
  options.extent_bytes_max = 24'000;
  store = opened();
  for (int i = 1; i < 7; ++i)
    ASSERT_TRUE(write(i, bytes_of(6000)));
  ASSERT_EQ(disk.files().size(), 3u);
  ASSERT_TRUE(store->free(id(1), 6));
  EXPECT_EQ(disk.files().size(), 1u);
  EXPECT_EQ(disk.files().begin()->first, "extents/00000003.extent");
  restart();
  ASSERT_TRUE(write(9, "x"));
  EXPECT_EQ(read(9), "x");
  EXPECT_EQ(store->status().pages, 1u);
}

TEST_F(ExtentStore, ForgetsRowsWhoseExtentIsGone) {
  ASSERT_TRUE(write(1, "x"));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(disk.remove("extents/00000001.extent"));
  restart();
  EXPECT_FALSE(store->holds(id(1)));
  EXPECT_EQ(store->status().pages, 0u);
  EXPECT_TRUE(store->list(1, {}, 10)->empty());
}

TEST_F(ExtentStore, SurvivesAnExtentWhoseStartWasTorn) {
  ASSERT_TRUE(write(1, "x"));
  auto& content = disk.content("extents/" + extent_name(1));
  auto made = disk.open("extents/" + extent_name(2), disk::mode::create);
  ASSERT_TRUE(made);
  restart();
  ASSERT_TRUE(write(2, "y"));
  EXPECT_EQ(read(1), "x");
  EXPECT_EQ(read(2), "y");
  EXPECT_FALSE(content.now.empty());
  EXPECT_TRUE(disk.files().contains("extents/00000003.extent"));
}

TEST_F(ExtentStore, ListsTheSetInOrderOfIdInBoundedParts) {
  for (const int i : {5, 3, 9, 1, 7})
    ASSERT_TRUE(write(i, "x", i == 9 ? 2 : 1));
  const auto first = store->list(1, {}, 2);
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ(first->at(0).page, id(1));
  EXPECT_EQ(first->at(1).page, id(3));
  const auto rest = store->list(1, id(3), 10);
  ASSERT_EQ(rest->size(), 2u);
  EXPECT_EQ(rest->at(1).page, id(7));
  EXPECT_EQ(store->list(1, id(4), 1)->at(0).page, id(5));
  EXPECT_EQ(store->list(2, {}, 10)->size(), 1u);
  EXPECT_EQ(*store->item_of(id(5)), (page_item{"bucket", "key", ""}));
}

TEST_F(ExtentStore, RefusesPagesBeforeTheDiskIsFullAndGoesOnReading) {
  ASSERT_TRUE(write(1, "x"));
  disk.room = {100u << 20, 5u << 20};  // 5 % of 100 MiB are kept
  EXPECT_TRUE(store->status().full == false);
  EXPECT_EQ(write(2, "y").error(), ec::disk_full);
  disk.room = {10ull << 30, 63u << 20};  // at most 64 MiB are kept
  EXPECT_EQ(write(2, "y").error(), ec::disk_full);
  EXPECT_TRUE(store->status().full);
  EXPECT_EQ(read(1), "x");
  EXPECT_TRUE(store->free(id(1), 1));
  disk.room = {10ull << 30, 66u << 20};
  EXPECT_TRUE(write(2, "y"));
}

TEST_F(ExtentStore, NeverWritesAFileAgainWhoseSyncFailed) {
  ASSERT_TRUE(write(1, "x"));
  disk.syncs_fail = true;
  EXPECT_EQ(write(2, "y").error(), ec::io_error);
  disk.syncs_fail = false;
  EXPECT_EQ(read(2), "error: not found");
  const auto size = extent(1).size();
  ASSERT_TRUE(write(3, "z"));
  EXPECT_EQ(extent(1).size(), size);
  EXPECT_EQ(read(3), "z");
  EXPECT_EQ(read(1), "x");
}

TEST_F(ExtentStore, TellsOfPagesThatWereLostWhenTheExtentWasChanged) {
  options.extent_bytes_max = 20'000;
  store = opened();
  ASSERT_TRUE(store->append(page(1, bytes_of(10'000))));
  disk.syncs_fail = true;
  EXPECT_EQ(store->append(page(2, bytes_of(10'000))).error(), ec::io_error);
  disk.syncs_fail = false;
  EXPECT_EQ(store->sync().error(), ec::io_error);  // page 1 is not durable
  EXPECT_TRUE(store->sync());
}

TEST_F(ExtentStore, AnswersWhenItsIndexFails) {
  ASSERT_TRUE(write(1, "x"));
  index->fails = true;
  EXPECT_EQ(read(1), "error: i/o error");
  EXPECT_EQ(store->list(1, {}, 10).error(), ec::io_error);
  EXPECT_EQ(store->free(id(1), 1).error(), ec::io_error);
  EXPECT_FALSE(write(2, "y"));
}

TEST_F(ExtentStore, RefusesOddPages) {
  auto odd = page(1, "x");
  odd.page = "short";
  EXPECT_EQ(store->append(odd).error(), ec::invalid_argument);
  odd = page(1, std::string(page_bytes_max + 1, 'x'));
  EXPECT_EQ(store->append(odd).error(), ec::invalid_argument);
  odd = page(1, "x");
  odd.item.key = std::string(5000, 'k');
  EXPECT_EQ(store->append(odd).error(), ec::invalid_argument);
  odd.bytes = nullptr;
  EXPECT_EQ(store->append(odd).error(), ec::invalid_argument);
  EXPECT_EQ(store->free("short", 1).error(), ec::invalid_argument);
}

}  // namespace dunlin::extents
