#include "actors/storage_node/storage_node.hpp"

#include "runtime/disk/crc32c.hpp"
#include "tests/support/storage_cluster.hpp"

#include <gtest/gtest.h>

namespace dunlin {

using namespace std::chrono_literals;
using support::ask;

struct StorageNode : ::testing::Test {
  support::storage_cluster cluster{{"a", "b", "c"}};

  static std::string id(std::uint64_t n) { return page_at(std::string(16, '\0'), n); }

  result<v1::Ticket> ticket(v1::OpenTransfer::Operation operation, std::uint64_t first,
                            std::uint64_t pages, const node_id& node = "a") {
    v1::OpenTransfer wish;
    wish.set_operation(operation);
    wish.set_first_page(id(first));
    wish.set_pages(pages);
    wish.mutable_item()->set_bucket_id("bucket");
    wish.mutable_item()->set_key("key");
    return ask<v1::Ticket>(cluster.world, cluster.at(node).gate, wish);
  }

  exchange_page exchange(const v1::Ticket& ticket, v1::OpenTransfer::Operation operation,
                         std::uint64_t page, const std::string& bytes = {}) {
    exchange_page wish{"a", {}, 1s};
    wish.transfer.head.set_ticket(ticket.secret());
    wish.transfer.head.set_operation(operation);
    wish.transfer.head.set_page(id(page));
    wish.transfer.body = std::make_shared<const std::string>(bytes);
    return wish;
  }

  result<page_answer> transfer(const node_id& from, const exchange_page& wish) {
    return ask<page_answer>(cluster.world, page_link_actor(cluster.at(from).link), wish);
  }
  result<page_answer> write(const node_id& from, std::uint64_t page, const std::string& bytes) {
    return transfer(from, exchange(*ticket(v1::OpenTransfer::WRITE, page, 1),
                                   v1::OpenTransfer::WRITE, page, bytes));
  }
  std::string read(const node_id& from, std::uint64_t page) {
    const auto answer = transfer(
        from, exchange(*ticket(v1::OpenTransfer::READ, page, 1), v1::OpenTransfer::READ, page));
    return answer ? *answer->body : "error: " + std::string(to_string(answer.error()));
  }
};

TEST_F(StorageNode, WritesAndReadsAPageOverTheBulkLinkAndWithoutIt) {
  ASSERT_TRUE(write("b", 1, "from afar"));
  ASSERT_TRUE(write("a", 2, "from here"));
  EXPECT_EQ(cluster.at("a").bulk->exchanges, 0);
  EXPECT_EQ(cluster.at("b").bulk->exchanges, 1);
  EXPECT_EQ(read("b", 2), "from here");
  EXPECT_EQ(read("a", 1), "from afar");
  EXPECT_EQ(cluster.get("a", id(1)), "from afar");
  EXPECT_EQ(cluster.at("a").store->item_of(id(1))->key, "key");
}

TEST_F(StorageNode, WritesNothingWithoutATicketForIt) {
  EXPECT_EQ(transfer("b", exchange({}, v1::OpenTransfer::WRITE, 1, "x")).error(), ec::refused);
  const auto good = *ticket(v1::OpenTransfer::WRITE, 1, 1);
  EXPECT_EQ(transfer("b", exchange(good, v1::OpenTransfer::WRITE, 2, "x")).error(), ec::refused);
  EXPECT_EQ(transfer("b", exchange(good, v1::OpenTransfer::READ, 1)).error(), ec::refused);
  EXPECT_TRUE(transfer("b", exchange(good, v1::OpenTransfer::WRITE, 1, "x")));
  EXPECT_EQ(transfer("b", exchange(good, v1::OpenTransfer::WRITE, 1, "x")).error(), ec::refused);
  EXPECT_FALSE(ticket(v1::OpenTransfer::UNKNOWN, 1, 1));
  EXPECT_FALSE(ticket(v1::OpenTransfer::READ, 1, 0));
}

TEST_F(StorageNode, ForgetsATicketAfterItsLifetime) {
  const auto late = *ticket(v1::OpenTransfer::WRITE, 1, 1);
  cluster.world.advance(61s, 1s);
  EXPECT_EQ(transfer("b", exchange(late, v1::OpenTransfer::WRITE, 1, "x")).error(), ec::refused);
}

TEST_F(StorageNode, SyncsPagesThatArriveTogetherOnce) {
  ASSERT_TRUE(write("a", 0, "opens the extent"));
  const auto many = *ticket(v1::OpenTransfer::WRITE, 1, 10);
  const auto before = cluster.at("a").disk.syncs();
  int answered = 0;
  for (int i = 1; i <= 10; ++i)
    cluster.world.system.spawn([&, wish = exchange(many, v1::OpenTransfer::WRITE, i, "x")](
                                   caf::event_based_actor* self) {
      self->request(page_link_actor(cluster.at("a").link), 5s, wish).then([&](const page_answer&) {
        ++answered;
      });
    });
  cluster.world.run();
  EXPECT_EQ(answered, 10);
  EXPECT_LE(cluster.at("a").disk.syncs(), before + 3);
}

TEST_F(StorageNode, AnswersAWriteOnlyWhenItIsDurable) {
  ASSERT_TRUE(write("b", 1, "kept"));
  cluster.at("a").disk.syncs_fail = true;
  EXPECT_EQ(write("b", 2, "lost").error(), ec::io_error);
}

TEST_F(StorageNode, RefusesWritesWhenFullAndGoesOnReading) {
  ASSERT_TRUE(write("b", 1, "x"));
  const auto early = *ticket(v1::OpenTransfer::WRITE, 2, 1);
  cluster.at("a").disk.room = {10ull << 30, 1u << 20};
  EXPECT_EQ(ticket(v1::OpenTransfer::WRITE, 2, 1).error(), ec::disk_full);
  EXPECT_EQ(transfer("b", exchange(early, v1::OpenTransfer::WRITE, 2, "y")).error(), ec::disk_full);
  EXPECT_EQ(read("b", 1), "x");
  EXPECT_TRUE(
      ask<v1::StorageStatus>(cluster.world, cluster.at("a").gate, v1::GetStorageStatus())->full());
}

TEST_F(StorageNode, EndsItsWriterWhenThePageIndexCannotGoOn) {  // the node starts again then
  testing::memory_disk disk;
  auto index = std::make_unique<testing::map_store>(std::make_shared<testing::map_tables>());
  auto& broken = *index;
  shared_store store =
      *extents::extent_store::open(disk, std::move(index), cluster.clock, cluster.random);
  auto writer = cluster.world.system.spawn(extent_writer, store, extent_writer_options{});
  std::optional<caf::error> ended;
  const auto watcher =
      cluster.world.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
        self->monitor(writer);
        self->set_down_handler([&, self](const caf::down_msg& down) {
          ended = down.reason;
          self->quit();
        });
        return {[](int) {}};
      });
  cluster.world.run();
  extents::new_page page{id(9), 0, {"bucket", "key", ""}, std::make_shared<const std::string>("x")};
  ASSERT_TRUE(ask<accepted>(cluster.world, writer, store_page{page}));
  cluster.world.advance(2s);
  ASSERT_FALSE(ended);
  broken.fails = true;
  page.page = id(10);
  EXPECT_EQ(ask<accepted>(cluster.world, writer, store_page{page}).error(), ec::io_error);
  cluster.world.advance(2s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(code_of(*ended), ec::io_error);
}

TEST_F(StorageNode, NoticesABodyThatChangedOnTheWay) {
  ASSERT_TRUE(write("b", 1, "x"));
  cluster.at("b").bulk->garbles = true;
  EXPECT_EQ(read("b", 1), "error: damaged");
}

TEST_F(StorageNode, FreesAndListsPages) {
  for (int i = 1; i <= 5; ++i)
    ASSERT_TRUE(write("b", i, "x"));
  v1::FreePages wish;
  wish.add_ranges()->set_first_page(id(2));
  wish.mutable_ranges(0)->set_pages(3);
  EXPECT_EQ(ask<v1::FreePagesReply>(cluster.world, cluster.at("a").gate, wish)->freed(), 3u);
  v1::ListPages list;
  list.set_items_max(1);
  list.set_with_items(true);
  auto reply = *ask<v1::ListPagesReply>(cluster.world, cluster.at("a").gate, list);
  ASSERT_EQ(reply.pages_size(), 1);
  EXPECT_TRUE(reply.truncated());
  EXPECT_EQ(reply.pages(0).item().key(), "key");
  list.set_after(reply.pages(0).page());
  reply = *ask<v1::ListPagesReply>(cluster.world, cluster.at("a").gate, list);
  EXPECT_FALSE(reply.truncated());
  EXPECT_EQ(reply.pages(0).page(), id(5));
  list.set_older_than_s(10);
  EXPECT_EQ(ask<v1::ListPagesReply>(cluster.world, cluster.at("a").gate, list)->pages_size(), 0);
  cluster.clock.ms += 10'000;
  EXPECT_EQ(ask<v1::ListPagesReply>(cluster.world, cluster.at("a").gate, list)->pages_size(), 1);
}

TEST_F(StorageNode, FetchesAPageThatItIsToldItLacks) {
  cluster.put("b", id(1), "bytes");
  v1::RepairPages wish;
  wish.mutable_range()->set_first_page(id(1));
  wish.mutable_range()->set_pages(1);
  wish.set_source("b");
  EXPECT_EQ(ask<v1::RepairPagesReply>(cluster.world, cluster.at("a").gate, wish)->accepted(), 1u);
  cluster.world.advance(100ms);
  EXPECT_EQ(cluster.get("a", id(1)), "bytes");
  EXPECT_EQ(cluster.at("a").store->item_of(id(1))->bucket_id, "bucket");
}

TEST_F(StorageNode, ReplacesADamagedPageThatAReadMet) {
  for (const auto node : {"a", "b", "c"})
    cluster.put(node, id(1), "bytes");
  cluster.world.advance(5s);
  cluster.damage_last_page("a");
  EXPECT_EQ(read("b", 1), "error: damaged");
  cluster.world.advance(5s);
  EXPECT_EQ(read("b", 1), "bytes");
  EXPECT_EQ(ask<v1::StorageStatus>(cluster.world, cluster.at("a").gate, v1::GetStorageStatus())
                ->repairs_total(),
            1u);
}

TEST_F(StorageNode, FetchesWhatItMissedWhenAPeerComesBack) {  // decision 19
  cluster.world.advance(5s);
  cluster.reach.down = {"a"};
  cluster.world.advance(3s);
  for (int i = 1; i <= 600; ++i) {
    cluster.put("b", id(i), "page " + std::to_string(i));
    cluster.put("c", id(i), "page " + std::to_string(i));
  }
  cluster.reach.down = {};
  cluster.world.advance(20s, 20ms);
  for (int i = 1; i <= 600; ++i)
    ASSERT_EQ(cluster.get("a", id(i)), "page " + std::to_string(i));
}

TEST_F(StorageNode, TakesADamagedPageFromAnotherPeerThanTheOneThatIsDown) {
  cluster.put("a", id(1), "bytes");
  cluster.put("c", id(1), "bytes");
  cluster.damage_last_page("a");
  cluster.reach.down = {"b"};
  EXPECT_EQ(read("c", 1), "error: damaged");
  cluster.world.advance(10s);
  EXPECT_EQ(cluster.get("a", id(1)), "bytes");
}

}  // namespace dunlin
