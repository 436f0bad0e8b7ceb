#include "actors/coordinator/coordinator.hpp"

#include "runtime/observe/log.hpp"
#include "tests/support/storage_cluster.hpp"

#include <gtest/gtest.h>

namespace dunlin {

/// What the test's client does next.
struct client_turn {
  std::function<void(caf::event_based_actor*)> act;
};

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::client_turn)

namespace dunlin {

using namespace std::chrono_literals;
using support::ask;

struct Coordinator : ::testing::Test {
  support::storage_cluster cluster{{"a", "b", "c"}, 4};
  coordinator_actor coordinating = spawn("a", page_link_actor(cluster.at("a").link));

  coordinator_actor spawn(const node_id& self, page_link_actor link) {
    coordinator_options options;
    options.self = self;
    coordinator_parts parts{cluster.lookup(),
                            cluster.peers_of(self),
                            std::move(link),
                            {cluster.router},
                            &cluster.random};
    return cluster.world.system.spawn(coordinator, options, parts);
  }
  void SetUp() override {
    log::set_sink([](log::level, const std::string&) {});
  }
  void TearDown() override {
    caf::anon_send_exit(coordinating, caf::exit_reason::kill);
    cluster.world.run();
    log::set_sink(nullptr);
  }

  result<object_writer_actor> open() {
    open_write wish;
    wish.item.set_bucket_id("bucket");
    wish.item.set_key("key");
    return ask<object_writer_actor>(cluster.world, coordinating, wish);
  }
  result<v1::Layout> write(const std::string& bytes, std::size_t part = 300'000) {
    const auto writer = *open();
    for (std::size_t at = 0; at < bytes.size(); at += part) {
      const auto more = object_bytes{std::make_shared<const std::string>(bytes.substr(at, part))};
      if (const auto done = put(writer, more); !done) return done.error();
    }
    return finish(writer);
  }
  result<accepted> put(const object_writer_actor& writer, const object_bytes& more) {
    return from_client<accepted>(writer, more);
  }
  result<v1::Layout> finish(const object_writer_actor& writer) {
    return from_client<v1::Layout>(writer, finish_object{});
  }

  /// All from one client that lives on, as a request of the gateway does.
  template <class Reply, class Handle, class Request>
  result<Reply> from_client(const Handle& handle, const Request& request) {
    auto outcome = std::make_shared<std::optional<result<Reply>>>();
    if (!client)
      client = cluster.world.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
        return {[self](const client_turn& turn) { turn.act(self); }};
      });
    caf::anon_send(client, client_turn{[=](caf::event_based_actor* self) {
                     self->request(handle, 60s, request)
                         .then([=](const Reply& reply) { *outcome = reply; },
                               [=](const caf::error& error) { *outcome = code_of(error); });
                   }});
    cluster.world.run();
    for (int i = 0; !*outcome && i < 6000; ++i)
      cluster.world.advance(10ms);
    return **outcome;
  }
  ~Coordinator() override {
    if (client) caf::anon_send_exit(client, caf::exit_reason::kill);
    cluster.world.run();
  }
  caf::actor client;

  result<std::string> read(const v1::Layout& layout, std::uint64_t offset, std::uint64_t length,
                           const coordinator_actor& at) {
    open_read wish{layout, offset, length, {}};
    const auto reader = ask<object_reader_actor>(cluster.world, at, wish);
    if (!reader) return reader.error();
    std::string bytes;
    for (;;) {
      const auto part = from_client<object_bytes>(*reader, next_bytes{256 * 1024});
      if (!part) return part.error();
      if (part->bytes->empty()) return bytes;
      bytes += *part->bytes;
    }
  }
  result<std::string> read(const v1::Layout& layout, std::uint64_t length) {
    return read(layout, 0, length, coordinating);
  }
  std::uint64_t pages_at(const node_id& node) { return cluster.at(node).store->status().pages; }
};

TEST_F(Coordinator, ReadsBackWhatWasWritten) {
  const auto bytes = cluster.random.bytes(5'000'000);
  const auto layout = *write(bytes);
  ASSERT_EQ(layout.runs_size(), 1);
  EXPECT_EQ(layout.runs(0).length(), bytes.size());
  EXPECT_EQ(*read(layout, bytes.size()), bytes);
  EXPECT_EQ(*read(layout, 1'048'570, 20, coordinating), bytes.substr(1'048'570, 20));
  for (const auto node : {"a", "b", "c"})
    EXPECT_EQ(pages_at(node), 5u);
  EXPECT_EQ(cluster.at("b").store->item_of(layout.runs(0).first_page())->key, "key");
}

TEST_F(Coordinator, AnswersAnEmptyObjectWithAnEmptyLayout) {
  const auto layout = *write("");
  EXPECT_EQ(layout.runs_size(), 0);
  EXPECT_EQ(*read(layout, 0), "");
}

TEST_F(Coordinator, WritesThroughASlowClientAndManySmallParts) {
  const auto bytes = cluster.random.bytes(3000);
  EXPECT_EQ(*read(*write(bytes, 7), bytes.size()), bytes);
}

TEST_F(Coordinator, WorksOnANodeWithoutStorage) {
  support::memory_bulk& bulk = *cluster.at("b").bulk;
  const auto link = cluster.world.system.spawn(links::page_link, node_id("x"),
                                               static_cast<links::bulk_port*>(&bulk));
  caf::anon_send_exit(coordinating, caf::exit_reason::kill);
  coordinating = spawn("x", page_link_actor(link));
  const auto bytes = cluster.random.bytes(2'000'000);
  EXPECT_EQ(*read(*write(bytes), bytes.size()), bytes);
  caf::anon_send_exit(link, caf::exit_reason::kill);
}

TEST_F(Coordinator, WritesAtOnceWhenOneNodeOfThreeIsDown) {
  cluster.reach.down = {"b"};
  const auto before = cluster.world.scheduler().clock().now();
  const auto layout = write("bytes");
  ASSERT_TRUE(layout);
  EXPECT_LE(cluster.world.scheduler().clock().now() - before, 10ms);
  EXPECT_EQ(*read(*layout, 5), "bytes");
  EXPECT_EQ(pages_at("b"), 0u);
}

TEST_F(Coordinator, WaitsNoLongerThanTheGraceForANodeThatHangs) {
  cluster.reach.hung = {"c"};
  const auto before = cluster.world.scheduler().clock().now();
  ASSERT_TRUE(write("bytes"));
  EXPECT_LE(cluster.world.scheduler().clock().now() - before, 100ms);
}

TEST_F(Coordinator, WritesALargeObjectPastANodeThatHangsWithBoundedTime) {
  cluster.reach.hung = {"c"};
  const auto bytes = cluster.random.bytes(16'000'000);
  const auto before = cluster.world.scheduler().clock().now();
  const auto layout = write(bytes, 1 << 20);
  ASSERT_TRUE(layout);
  EXPECT_LE(cluster.world.scheduler().clock().now() - before, 500ms);
  EXPECT_EQ(*read(*layout, bytes.size()), bytes);
}

TEST_F(Coordinator, SaysUnavailableWhenTwoOfThreeAreDown) {
  cluster.reach.down = {"b", "c"};
  EXPECT_EQ(write("bytes").error(), ec::unavailable);
  cluster.reach.down = {};
  EXPECT_TRUE(write("bytes"));
}

TEST_F(Coordinator, WritesPastOneFullNodeAndRefusesWhenAllAreFull) {
  const auto kept = *write("kept");
  cluster.at("b").disk.room = {10ull << 30, 1u << 20};
  EXPECT_TRUE(write("bytes"));
  for (const auto node : {"a", "c"})
    cluster.at(node).disk.room = {10ull << 30, 1u << 20};
  EXPECT_EQ(write("bytes").error(), ec::disk_full);
  EXPECT_EQ(*read(kept, 4), "kept");
}

TEST_F(Coordinator, SurvivesANodeThatDiesInTheMiddleOfAWriteAndOfARead) {
  const auto bytes = cluster.random.bytes(6'000'000);
  const auto writer = *open();
  for (std::size_t at = 0; at < bytes.size(); at += 500'000) {
    if (at == 3'000'000) cluster.reach.down = {"b"};
    ASSERT_TRUE(put(writer, {std::make_shared<const std::string>(bytes.substr(at, 500'000))}));
  }
  const auto layout = *finish(writer);
  EXPECT_EQ(*read(layout, bytes.size()), bytes);
  cluster.reach.down = {"a"};  // the access node stays, its storage is gone
  cluster.reach.hung = {"b"};
  EXPECT_EQ(*read(layout, bytes.size()), bytes);
}

TEST_F(Coordinator, ReadsPastADamagedReplicaAndPutsItRight) {  // K4
  const auto bytes = cluster.random.bytes(100'000);
  const auto layout = *write(bytes);
  cluster.damage_last_page("a");
  EXPECT_EQ(*read(layout, bytes.size()), bytes);
  cluster.world.advance(5s);
  EXPECT_EQ(cluster.get("a", layout.runs(0).first_page()), bytes);
}

TEST_F(Coordinator, ReadsPastAMissingReplicaAndPutsItRight) {  // K4
  const auto bytes = cluster.random.bytes(100'000);
  const auto layout = *write(bytes);
  const auto page = layout.runs(0).first_page();
  ASSERT_TRUE(cluster.at("a").store->free(page, 1));
  EXPECT_EQ(*read(layout, bytes.size()), bytes);
  cluster.world.advance(5s);
  EXPECT_EQ(cluster.get("a", page), bytes);
}

TEST_F(Coordinator, SaysDamagedOnlyWhenNoReplicaHasGoodBytes) {
  const auto layout = *write("bytes");
  for (const auto node : {"a", "b", "c"})
    cluster.damage_last_page(node);
  EXPECT_EQ(read(layout, 5).error(), ec::damaged);
}

TEST_F(Coordinator, FreesWhatAClientLeftUnfinished) {
  const auto writer = *open();
  ASSERT_TRUE(put(writer, {std::make_shared<const std::string>(3'000'000, 'x')}));
  cluster.world.advance(100ms);
  EXPECT_EQ(pages_at("b"), 2u);
  caf::anon_send_exit(client, caf::exit_reason::kill);
  client = nullptr;
  cluster.world.advance(1s);
  EXPECT_EQ(pages_at("a") + pages_at("b") + pages_at("c"), 0u);
}

TEST_F(Coordinator, EndsWritersAndReadersThatNobodyUses) {
  const auto writer = *open();
  open_read wish{*write("bytes"), 0, 5, {}};
  const auto reader = *ask<object_reader_actor>(cluster.world, coordinating, wish);
  cluster.world.advance(130s, 1s);
  EXPECT_EQ(put(writer, {}).error(), ec::peer_lost);
  EXPECT_EQ(from_client<object_bytes>(reader, next_bytes{1}).error(), ec::peer_lost);
}

TEST_F(Coordinator, RefusesALayoutThatItDoesNotUnderstand) {
  v1::Layout layout;
  layout.add_runs()->set_length(5);
  EXPECT_EQ(read(layout, 5).error(), ec::unsupported);
  layout = *write("bytes");
  layout.mutable_runs(0)->set_replica_set(77);
  EXPECT_EQ(read(layout, 5).error(), ec::unavailable);
}

TEST(ShareOf, ShrinksWithTheObjectsUnderWaySoThatUploadsCannotFillTheMemory) {
  coordinator_options options;
  options.writing.page_bytes = 1u << 20;
  options.writing.window_pages = 4;
  options.writing.lag_bytes_max = 8u << 20;
  options.window_pages_total = 12;
  options.lag_bytes_total = 32u << 20;
  EXPECT_EQ(share_of(options, 0).lag_bytes_max, 8u << 20);
  EXPECT_EQ(share_of(options, 3).lag_bytes_max, 8u << 20);
  EXPECT_EQ(share_of(options, 15).lag_bytes_max, 2u << 20);
  EXPECT_EQ(share_of(options, 1000).lag_bytes_max, 1u << 20) << "or nobody would be waited for";
  EXPECT_EQ(share_of(options, 0).window_pages, 4u);
  EXPECT_EQ(share_of(options, 5).window_pages, 2u);
  EXPECT_EQ(share_of(options, 1000).window_pages, 1u) << "or nothing would move";
}

}  // namespace dunlin
