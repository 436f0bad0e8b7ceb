// node_links::tell(): what is encoded once and heard by many.
#include "messages/cache.hpp"
#include "runtime/links/frames.hpp"
#include "tests/unit/links/linked_nodes.hpp"

namespace dunlin::links {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct listener {
  std::vector<std::uint64_t> batches;  ///< sequences
  std::size_t bytes = 0;               ///< of the newest one's updates
};

cache_subscriber_actor::behavior_type fake_subscriber(cache_subscriber_actor::pointer,
                                                      listener* it) {
  return {
      [=](const v1::CacheBatch& batch) {
        it->batches.push_back(batch.sequence());
        it->bytes = batch.ByteSizeLong();
      },
      [](const v1::QueueNews&) {},
  };
}

buffer batch(std::uint64_t sequence, std::size_t value_bytes = 10) {
  v1::CacheBatch message;
  message.set_queue("a");
  message.set_sequence(sequence);
  auto& update = *message.add_changes()->add_updates();
  update.set_key("k");
  update.set_value(std::string(value_bytes, 'v'));
  return std::make_shared<const std::string>(message.SerializeAsString());
}

class Tell : public LinkedNodes {
protected:
  void listen(const node_id& at, std::uint64_t service) {
    auto role = system.spawn(fake_subscriber, &heard[at][service]);
    roles.push_back(caf::actor_cast<caf::actor>(role));
    nodes[at].links->serve("cache_subscriber", service, role);
  }
  void tell(const node_id& from, const node_id& to, std::uint64_t service, const buffer& bytes) {
    nodes[from].links->tell<cache_subscriber_actor, v1::CacheBatch>(to, "cache_subscriber", service,
                                                                    bytes);
  }
  std::map<node_id, std::map<std::uint64_t, listener>> heard;
};

TEST_F(Tell, ReachesTheRoleOfAPeerAndOfTheOwnNodeByTheSameBytes) {
  start_all();
  for (const auto* name : {"a", "b", "c"}) {
    listen(name, 1);
    listen(name, 2);
  }
  const auto bytes = batch(7);
  for (const auto* name : {"a", "b", "c"})
    tell("a", name, 2, bytes);
  time.run_for(100ms);
  for (const auto* name : {"a", "b", "c"}) {
    EXPECT_THAT(heard[name][2].batches, ElementsAre(7u)) << name;
    EXPECT_THAT(heard[name][1].batches, ElementsAre()) << name;
    EXPECT_EQ(heard[name][2].bytes, bytes->size());
  }
}

TEST_F(Tell, KeepsTheOrderOfLargeAndSmall) {
  start_all();
  listen("b", 1);
  for (std::uint64_t i = 1; i <= 20; ++i)
    tell("a", "b", 1, batch(i, i % 3 == 0 ? 100'000 : 10));
  time.run_for(100ms);
  ASSERT_EQ(heard["b"][1].batches.size(), 20u);
  EXPECT_TRUE(std::is_sorted(heard["b"][1].batches.begin(), heard["b"][1].batches.end()));
}

TEST_F(Tell, LeavesInTheTurnOfWhoeverTells) {
  start_all();
  listen("b", 1);
  const auto before = figure("a", "dunlin_link_frames_sent_total", "b");
  tell("a", "b", 1, batch(1));
  EXPECT_EQ(figure("a", "dunlin_link_frames_sent_total", "b"), before + 1);
}

TEST_F(Tell, WhatPassesBesideALinkIsASignOfLife) {
  start_all();
  listen("b", 1);
  const auto sent = figure("a", "dunlin_link_frames_sent_total", "b");
  const auto answered = figure("b", "dunlin_link_frames_sent_total", "a");
  for (std::uint64_t i = 1; i <= 100; ++i) {
    tell("a", "b", 1, batch(i));
    time.run_for(100ms);
  }
  EXPECT_EQ(heard["b"][1].batches.size(), 100u);
  // b, which says nothing, asks whether a lives, and a answers; a has no need to ask.
  const auto pings = figure("b", "dunlin_link_frames_sent_total", "a") - answered;
  EXPECT_LE(pings, 20);
  EXPECT_EQ(figure("a", "dunlin_link_frames_sent_total", "b") - sent, 100 + pings);
}

TEST_F(Tell, ReachesARoleThatIsServedLater) {
  start_all();
  tell("a", "b", 1, batch(1));
  time.run_for(100ms);
  listen("b", 1);
  tell("a", "b", 1, batch(2));
  time.run_for(100ms);
  EXPECT_THAT(heard["b"][1].batches, ElementsAre(2u));
}

TEST_F(Tell, WhatCannotBeDeliveredIsDropped) {
  start_all();
  listen("b", 1);
  tell("a", "b", 2, batch(1));       // not served there
  tell("a", "nobody", 1, batch(2));  // no peer
  tell("a", "a", 1, batch(3));       // not served here
  tell("a", "b", 1, std::make_shared<const std::string>("no message"));
  time.run_for(100ms);
  EXPECT_EQ(figure("b", "dunlin_link_dropped_total", "a"), 1);
  crash("b");
  time.run_for(5s);
  const auto before = figure("a", "dunlin_link_dropped_total", "b");
  tell("a", "b", 1, batch(4));
  tell("a", "b", 1, batch(5, 100'000));
  tell("a", "b", 1, batch(6, frame_bytes_max));
  time.run_for(100ms);
  EXPECT_EQ(figure("a", "dunlin_link_dropped_total", "b"), before + 3);
  EXPECT_THAT(heard["b"][1].batches, ElementsAre());
}

TEST_F(Tell, HeadAndPayloadAreTheFrameThatProtobufWouldMake) {
  for (const std::size_t size : {0u, 100u, 200u, 5'000u, 3'000'000u}) {
    outgoing_note note;
    note.role = "cache_subscriber";
    note.instance = 300;
    note.message = "dunlin.v1.CacheBatch";
    note.trace_id = "t";
    const auto bytes = batch(1, size);
    v1::LinkFrame frame;
    ASSERT_TRUE(
        frame.ParseFromString(*encode_head(encode_address("b", note), bytes->size()) + *bytes));
    EXPECT_EQ(frame.envelope().payload(), *bytes);
    note.payload = *bytes;
    v1::LinkFrame expected;
    *expected.mutable_envelope() = to_envelope("b", std::move(note), 0, {});
    EXPECT_EQ(frame.SerializeAsString(), expected.SerializeAsString());
  }
}

}  // namespace
}  // namespace dunlin::links
