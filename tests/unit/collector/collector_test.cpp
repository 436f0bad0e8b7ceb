/// The collectors over two real machines (root and one partition) and three storage nodes of paper.
#include "actors/collector/collector.hpp"

#include "actors/collector/deletion_resumer.hpp"
#include "actors/collector/garbage_collector.hpp"
#include "actors/collector/orphan_sweeper.hpp"
#include "actors/collector/rounds.hpp"
#include "actors/partition/machine/partition_machine.hpp"
#include "messages/error.hpp"
#include "messages/page_id.hpp"
#include "tests/support/virtual_system.hpp"
#include "tests/unit/partition/machine/machine_fixture.hpp"

#include <caf/send.hpp>

#include <map>

using namespace dunlin;
using namespace std::chrono_literals;
using testing_machine::bucket;
using testing_machine::id16;
using testing_machine::layout;

namespace {

/// Root and partition 1 behind the router's handle.
struct paper_partitions {
  testing_machine::counted_store root_store, store;
  partition_machine root{root_store, 0, 0, 0};
  partition_machine one{store, 1, 0, UINT64_MAX};
  v1::ClusterMap map;
  std::int64_t now_ms = 1'700'000'000'000;
  bool reachable = true;
  std::map<std::string, int> commands;  ///< how many of each, by field name

  partition_machine& at(const v1::Route& route) {
    return route.bucket_id().empty() && route.partition() == 0 ? root : one;
  }

  v1::CommandReply run(const v1::Route& route, const v1::Command& command) {
    const auto* which = command.GetReflection()->GetOneofFieldDescriptor(
        command, command.GetDescriptor()->FindOneofByName("body"));
    ++commands[which->name()];
    v1::CommandBatch batch;
    batch.set_leader_time_ms(now_ms);
    *batch.add_commands() = command;
    std::vector<v1::CommandReply> replies;
    auto& machine = at(route);
    machine.apply(machine.applied() + 1, 1, batch, replies);
    return replies.at(0);
  }
  v1::CommandReply run(const v1::Command& command, partition_id id = 1) {
    v1::Route route;
    route.set_partition(id);
    return run(route, command);
  }
};

partition_router_actor::behavior_type paper_router(partition_router_actor::pointer,
                                                   paper_partitions* partitions) {
  return {
      [=](const v1::RoutedCommand& wish) -> caf::result<v1::CommandReply> {
        if (!partitions->reachable) return make_error(ec::unavailable);
        return partitions->run(wish.route(), wish.command());
      },
      [=](const v1::RoutedQuery& wish) -> caf::result<v1::QueryReply> {
        if (!partitions->reachable) return make_error(ec::unavailable);
        return partitions->at(wish.route()).answer(wish.query());
      },
      [=](const v1::GetMap&) -> caf::result<v1::ClusterMap> { return partitions->map; },
  };
}

struct paper_node {
  std::map<std::string, v1::Item> pages;
  bool reachable = true;
  std::uint32_t age_asked_s = 0;

  void write(const v1::Layout& layout, const v1::Item& item) {
    for (const auto& run : layout.runs())
      for (std::uint64_t i = 0; i * run.page_bytes() < run.length(); ++i)
        pages[page_at(run.first_page(), i)] = item;
  }
};

storage_node_actor::behavior_type paper_storage(storage_node_actor::pointer, paper_node* node) {
  return {
      [](const v1::OpenTransfer&) -> caf::result<v1::Ticket> {
        return make_error(ec::unsupported);
      },
      [=](const v1::FreePages& wish) -> caf::result<v1::FreePagesReply> {
        if (!node->reachable) return make_error(ec::peer_lost);
        v1::FreePagesReply reply;
        for (const auto& range : wish.ranges())
          for (std::uint64_t i = 0; i < range.pages(); ++i)
            reply.set_freed(reply.freed() + node->pages.erase(page_at(range.first_page(), i)));
        return reply;
      },
      [=](const v1::ListPages& wish) -> caf::result<v1::ListPagesReply> {
        node->age_asked_s = wish.older_than_s();
        v1::ListPagesReply reply;
        for (auto page = node->pages.upper_bound(wish.after()); page != node->pages.end(); ++page) {
          reply.set_truncated(reply.pages_size() == static_cast<int>(wish.items_max()));
          if (reply.truncated()) break;
          reply.add_pages()->set_page(page->first);
          *reply.mutable_pages()->rbegin()->mutable_item() = page->second;
        }
        return reply;
      },
      [](const v1::RepairPages&) -> caf::result<v1::RepairPagesReply> {
        return make_error(ec::unsupported);
      },
      [](const v1::GetStorageStatus&) -> caf::result<v1::StorageStatus> {
        return v1::StorageStatus{};
      },
  };
}

struct paper_clock : wall_clock {
  explicit paper_clock(paper_partitions& of) : of(of) {}
  std::int64_t now_ms() const override { return of.now_ms; }
  paper_partitions& of;
};

struct no_random : random_source {
  std::uint64_t next() override { return 0; }
  std::string bytes(std::size_t size) override { return std::string(size, 'r'); }
};

struct Collector : testing::Test {
  Collector() {
    auto& set = *partitions.map.add_replica_sets();
    set.set_id(3);  // the set of testing_machine::layout
    for (const auto* node : {"n1", "n2", "n3"})
      set.add_nodes(node);
    partitions.map.add_partitions()->set_id(1);
    options.self = "n1";
    options.map.router = host.system.spawn(paper_router, &partitions);
    for (const auto* name : {"n1", "n2", "n3"})
      storage[name] = host.system.spawn(paper_storage, &nodes[name]);
    options.storage = storage["n1"];
    options.storage_at = [this](const node_id& node) { return storage[node]; };
    options.clock = &clock;
    options.random = &random;
    options.interval = 10s;
    options.sweep_interval = 100s;
  }
  ~Collector() override {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    subject = collector_actor{};
    host.run();
  }

  template <class Behaviour>
  void spawn(Behaviour behaviour) {
    subject = host.system.spawn(behaviour, options);
  }
  void pass(std::chrono::milliseconds by) {
    for (auto done = 0ms; done < by; done += 1s) {
      partitions.now_ms += 1000;
      host.advance(1s, 1s);
    }
  }

  v1::Item item(const std::string& key) {
    v1::Item made;
    made.set_bucket_id(bucket);
    made.set_key(key);
    return made;
  }
  void write_everywhere(const v1::Layout& layout, const v1::Item& item) {
    for (auto& [name, node] : nodes)
      node.write(layout, item);
  }
  std::size_t garbage_rows() const { return partitions.store.of(table::garbage).size(); }

  support::virtual_system host;
  paper_partitions partitions;
  paper_clock clock{partitions};
  no_random random;
  std::map<std::string, paper_node> nodes{{"n1", {}}, {"n2", {}}, {"n3", {}}};
  std::map<std::string, storage_node_actor> storage;
  collector_options options;
  collector_actor subject;
};

struct GarbageCollector : Collector {
  void leave_garbage(const std::string& key, std::uint64_t first_page) {
    partitions.run(testing_machine::put(key, first_page));
    write_everywhere(layout(first_page, 10), item(key));
    partitions.run(testing_machine::delete_keys({key}));
  }
};

TEST_F(GarbageCollector, FreesAtEveryReplicaAfterTheGraceAndThenForgets) {
  leave_garbage("a", 1);
  spawn(garbage_collector);
  pass(9min);
  EXPECT_EQ(garbage_rows(), 1u);
  EXPECT_EQ(nodes["n2"].pages.size(), 1u);
  pass(3min);
  EXPECT_EQ(garbage_rows(), 0u);
  for (const auto& [name, node] : nodes)
    EXPECT_TRUE(node.pages.empty()) << name;
}

TEST_F(GarbageCollector, RemembersGarbageWhileOneReplicaIsAway) {
  leave_garbage("a", 1);
  nodes["n3"].reachable = false;
  spawn(garbage_collector);
  pass(15min);
  EXPECT_EQ(garbage_rows(), 1u);
  EXPECT_TRUE(nodes["n1"].pages.empty());
  nodes["n3"].reachable = true;
  pass(10min);
  EXPECT_EQ(garbage_rows(), 0u);
  EXPECT_TRUE(nodes["n3"].pages.empty());
}

TEST_F(GarbageCollector, WorksThroughMoreThanOneAnswerInOneTurn) {
  options.garbage_rows = 2;
  options.garbage_ranges = 3;
  for (std::uint64_t i = 1; i <= 9; ++i)
    leave_garbage("k" + std::to_string(i), i);
  spawn(garbage_collector);
  pass(12min);
  EXPECT_EQ(garbage_rows(), 0u);
}

TEST_F(GarbageCollector, ComesAgainAfterThePartitionWasAway) {
  leave_garbage("a", 1);
  partitions.reachable = false;
  spawn(garbage_collector);
  pass(15min);
  EXPECT_EQ(garbage_rows(), 1u);
  partitions.reachable = true;
  pass(10min);
  EXPECT_EQ(garbage_rows(), 0u);
}

struct OrphanSweeper : Collector {};

TEST_F(OrphanSweeper, FreesPagesThatNoCommitNamesAndKeepsTheOthers) {
  partitions.run(testing_machine::put("a", 1, 3 << 20));
  nodes["n1"].write(layout(1, 3 << 20), item("a"));
  nodes["n1"].write(layout(2, 2 << 20), item("a"));
  nodes["n1"].write(layout(3, 10), item("never-committed"));
  spawn(orphan_sweeper);
  pass(150s);
  EXPECT_EQ(nodes["n1"].pages.size(), 3u);
  EXPECT_EQ(nodes["n1"].age_asked_s, 24u * 3600);
  EXPECT_EQ(partitions.run(testing_machine::put("a", 2, 2 << 20)).status(),
            v1::CommandReply::FENCED);
}

TEST_F(OrphanSweeper, DoesNotFenceWhatARepliedReadShowsInUse) {
  partitions.run(testing_machine::put("a", 1));
  nodes["n1"].write(layout(1, 10), item("a"));
  spawn(orphan_sweeper);
  pass(150s);
  EXPECT_EQ(partitions.commands.count("fence_pages"), 0u);
  EXPECT_EQ(nodes["n1"].pages.size(), 1u);
}

TEST_F(OrphanSweeper, KeepsPartsOfOpenUploadsAndGarbageInItsGrace) {
  auto upload = item("k");
  upload.set_upload_id(id16(7));
  partitions.run(testing_machine::create_upload("k", 7));
  partitions.run(testing_machine::put_part("k", 7, 1, 1));
  nodes["n1"].write(layout(1, 5 << 20), upload);
  partitions.run(testing_machine::put("gone", 2));
  nodes["n1"].write(layout(2, 10), item("gone"));
  partitions.run(testing_machine::delete_keys({"gone"}));
  spawn(orphan_sweeper);
  pass(150s);
  EXPECT_EQ(nodes["n1"].pages.size(), 6u);
}

TEST_F(OrphanSweeper, GoesThroughAllPagesInBatchesAndStartsOver) {
  options.sweep_pages = 2;
  for (std::uint64_t i = 1; i <= 9; ++i)
    nodes["n1"].write(layout(i, 10), item("k" + std::to_string(i)));
  spawn(orphan_sweeper);
  pass(150s);
  EXPECT_TRUE(nodes["n1"].pages.empty());
  nodes["n1"].write(layout(20, 10), item("later"));
  pass(150s);
  EXPECT_TRUE(nodes["n1"].pages.empty());
}

TEST_F(OrphanSweeper, FreesNothingWhileThePartitionIsAway) {
  nodes["n1"].write(layout(1, 10), item("a"));
  partitions.reachable = false;
  spawn(orphan_sweeper);
  pass(150s);
  EXPECT_EQ(nodes["n1"].pages.size(), 1u);
}

struct DeletionResumer : Collector {
  DeletionResumer() {
    v1::Command create, begin;
    create.mutable_create_bucket()->set_name("b");
    create.mutable_create_bucket()->set_id(bucket);
    create.mutable_create_bucket()->set_owner("ann");
    begin.mutable_begin_delete_bucket()->set_name("b");
    partitions.run(create, 0);
    partitions.run(begin, 0);
  }
  v1::QueryReply bucket_b() {
    v1::PartitionQuery query;
    query.mutable_get_bucket()->set_name("b");
    return partitions.root.answer(query);
  }
};

TEST_F(DeletionResumer, EndsADeletionWhoseGatewayDied) {
  spawn(deletion_resumer);
  pass(50s);
  EXPECT_EQ(bucket_b().buckets(0).state(), v1::BucketRecord::DELETING);
  pass(60s);
  EXPECT_EQ(bucket_b().status(), v1::CommandReply::NO_SUCH_BUCKET);
  EXPECT_EQ(partitions.run(testing_machine::put("a", 1)).status(), v1::CommandReply::SEALED);
}

TEST_F(DeletionResumer, PutsABucketBackThatIsNotEmpty) {
  partitions.run(testing_machine::put("a", 1));
  spawn(deletion_resumer);
  pass(120s);
  EXPECT_EQ(bucket_b().buckets(0).state(), v1::BucketRecord::ACTIVE);
}

TEST_F(DeletionResumer, SealsAgainUntilEveryOpenUploadIsGone) {
  for (std::uint64_t i = 1; i <= 2500; ++i)
    partitions.run(testing_machine::create_upload("k", i));
  spawn(deletion_resumer);
  pass(120s);
  EXPECT_EQ(bucket_b().status(), v1::CommandReply::NO_SUCH_BUCKET);
  EXPECT_EQ(partitions.commands["seal_bucket"], 3);
}

TEST(CollectorRounds, ComeFurtherApartWhileTheyFail) {
  no_random random;
  collector::rounds rounds(1s, random);
  EXPECT_EQ(rounds.next(false), 1s);
  EXPECT_EQ(rounds.next(true), 2s);
  EXPECT_EQ(rounds.next(true), 4s);
  for (int i = 0; i < 9; ++i)
    rounds.next(true);
  EXPECT_EQ(rounds.next(true), 16s);
  EXPECT_EQ(rounds.next(false), 1s);
}

}  // namespace
