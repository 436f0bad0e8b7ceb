// The actor around the core: what queues hear from it, and what near caches do.
#include "actors/cache_update/cache_subscriber.hpp"
#include "messages/cache_types.hpp"
#include "messages/error.hpp"
#include "tests/support/sources.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <deque>
#include <map>

namespace dunlin {

namespace {

using namespace std::chrono_literals;

struct queue_log {
  std::vector<v1::Subscribe> subscribed;
  std::vector<v1::BatchAck> acked;
  bool silent = false;
};

message_queue_actor::behavior_type fake_queue(message_queue_actor::pointer self, queue_log* log) {
  return {
      [](const v1::EnqueueUpdates&) { return v1::EnqueueReply(); },
      [=](const v1::Subscribe& wish) -> caf::result<v1::SubscribeReply> {
        log->subscribed.push_back(wish);
        if (log->silent) return self->make_response_promise<v1::SubscribeReply>();
        v1::SubscribeReply reply;
        reply.set_queue_incarnation(7);
        reply.set_next_sequence(1);
        return reply;
      },
      [=](const v1::BatchAck& ack) { log->acked.push_back(ack); },
  };
}

/// What a near cache hears, in order.
struct heard {
  std::vector<std::string> all;
  std::vector<cache_changes::one> changes;
  std::vector<cache_proven> proofs;
};

near_cache_actor::behavior_type fake_cache(near_cache_actor::pointer, heard* into) {
  return {
      [](const cache_look_up&) { return cache_answer(); },
      [](const cache_begin_write&) { return cache_ticket(); },
      [](const cache_written&) { return accepted(); },
      [=](const cache_changes& what) {
        into->all.push_back("changes");
        into->changes.insert(into->changes.end(), what.all.begin(), what.all.end());
      },
      [=](const cache_dropped& what) {
        into->all.push_back((what.whole ? "whole " : "drop ") + std::to_string(what.base_tick));
      },
      [=](const cache_proven& what) {
        into->all.push_back("proven");
        into->proofs.push_back(what);
      },
      [](const set_cache&) { return accepted(); },
      [](const drop_cache&) { return accepted(); },
  };
}

class Subscriber : public testing::Test, public support::virtual_system {
protected:
  Subscriber() {
    advance(10s);  // so that no moment is the first
    for (const auto* name : {"q1", "q2"})
      queues[name] = system.spawn(fake_queue, &logs[name]);
    cache_subscriber_options options;
    options.node = "here";
    options.service = 2;
    options.incarnation = 5;
    options.queues = {"q1", "q2"};
    options.find = [this](const node_id& node) {
      return away == node ? message_queue_actor() : queues.at(node);
    };
    options.acknowledge = [this](const node_id& node, const v1::BatchAck& said) {
      if (away != node) caf::anon_send(queues.at(node), said);
    };
    for (const auto type : {cached::user, cached::bucket})
      options.caches.emplace(type, system.spawn(fake_cache, &caches[std::string(type)]));
    options.caches.emplace(cached::bucket,
                           system.spawn(fake_cache, &caches["bucket of another service"]));
    options.random = &random;
    handles = options.caches;
    shell = system.spawn(cache_subscriber, options);
    run();
  }
  ~Subscriber() override {
    caf::anon_send_exit(shell, caf::exit_reason::kill);
    for (const auto& [name, queue] : queues)
      caf::anon_send_exit(queue, caf::exit_reason::kill);
    for (const auto& [type, cache] : handles)
      caf::anon_send_exit(cache, caf::exit_reason::kill);
    run();
    advance(6s);
  }

  template <class Message>
  void tell(const Message& message) {
    caf::anon_send(shell, message);
    run();
  }
  /// One change of a bucket, the `ordinal`-th of them.
  v1::CacheBatch batch(std::uint64_t sequence, std::uint64_t ordinal, std::uint64_t tick,
                       const std::string& key) {
    v1::CacheBatch out;
    out.set_queue("q1");
    out.set_queue_incarnation(7);
    out.set_after(sequence - 1);
    out.set_sequence(sequence);
    auto& part = *out.add_changes();
    part.set_type("bucket");
    auto& run = *part.add_covered();
    run.set_first(ordinal);
    run.set_last(ordinal);
    auto& change = *part.add_updates();
    change.set_tick(tick);
    change.set_key(key);
    return out;
  }
  v1::QueueNews news(std::uint64_t tick, std::uint64_t buckets, std::uint64_t sequence = 0) {
    v1::QueueNews out;
    out.set_queue("q1");
    out.set_queue_incarnation(7);
    out.set_last_sequence(sequence);
    out.set_first_kept(1);
    out.set_idle_through(sequence);
    out.set_echo(logs["q1"].acked.empty() ? 0 : logs["q1"].acked.back().stamp());
    auto& partition = *out.add_partitions();
    partition.set_tick(tick);
    auto& last = *partition.add_last();
    last.set_type("bucket");
    last.set_ordinal(buckets);
    return out;
  }
  v1::SubscriberStatus status() {
    v1::SubscriberStatus out;
    caf::scoped_actor self(system);
    auto asked = self->request(shell, caf::infinite, v1::GetSubscriberStatus());
    run();
    asked.receive([&](const v1::SubscriberStatus& said) { out = said; },
                  [](const caf::error&) { FAIL(); });
    return out;
  }
  std::uint64_t figure(const std::string& name, const std::string& label = {}) {
    const auto all = status();
    for (const auto& one : all.figures())
      if (one.name() == name && one.label() == label) return one.value();
    ADD_FAILURE() << name;
    return 0;
  }

  support::counting_random random;
  std::map<std::string, queue_log> logs;
  std::map<std::string, message_queue_actor> queues;
  node_id away;
  std::map<std::string, heard> caches;
  std::multimap<std::string, near_cache_actor> handles;
  cache_subscriber_shell shell;
};

}  // namespace

TEST_F(Subscriber, Q8SubscribesItsTypesWithEveryQueue) {
  for (const auto* name : {"q1", "q2"}) {
    ASSERT_EQ(logs[name].subscribed.size(), 1u);
    const auto& wish = logs[name].subscribed[0];
    EXPECT_EQ(wish.node(), "here");
    EXPECT_EQ(wish.service(), 2u);
    EXPECT_EQ(wish.incarnation(), 5u);
    ASSERT_EQ(wish.types_size(), 2);
    EXPECT_EQ(wish.types(0), "bucket");
    EXPECT_EQ(wish.types(1), "user");
  }
  EXPECT_EQ(status().subscribed_size(), 2);
}

TEST_F(Subscriber, AcknowledgesWhatCameAndSaysWhatTimeItIs) {
  tell(batch(1, 1, 20, "b"));
  advance(200ms);
  ASSERT_FALSE(logs["q1"].acked.empty());
  const auto& ack = logs["q1"].acked.back();
  EXPECT_EQ(ack.received_through(), 1u);
  EXPECT_EQ(ack.queue_incarnation(), 7u);
  EXPECT_GT(ack.stamp(), 10'000u);
}

TEST_F(Subscriber, Q9AChangeReachesTheCacheOfItsTypeOnly) {
  auto with = batch(1, 1, 20, "b");
  v1::CachedRecord record;
  record.mutable_bucket()->set_id("one");
  with.mutable_changes(0)->mutable_updates(0)->set_value(record.SerializeAsString());
  tell(with);
  const auto& bucket = caches["bucket"];
  ASSERT_EQ(bucket.changes.size(), 1u);
  EXPECT_EQ(bucket.changes[0].key, "b");
  EXPECT_EQ(bucket.changes[0].tick, 20u);
  ASSERT_TRUE(bucket.changes[0].record);
  EXPECT_EQ(bucket.changes[0].record->bucket().id(), "one");
  EXPECT_TRUE(caches["user"].all.empty());
}

TEST_F(Subscriber, Q16ServicesWithTheSameTypeShareOneSubscriptionAndWhatWasParsed) {
  ASSERT_EQ(logs["q1"].subscribed.size(), 1u);
  auto with = batch(1, 1, 20, "b");
  v1::CachedRecord record;
  record.mutable_bucket()->set_id("one");
  with.mutable_changes(0)->mutable_updates(0)->set_value(record.SerializeAsString());
  tell(with);
  const auto& here = caches["bucket"].changes;
  const auto& there = caches["bucket of another service"].changes;
  ASSERT_EQ(here.size(), 1u);
  ASSERT_EQ(there.size(), 1u);
  EXPECT_EQ(here[0].record, there[0].record);
  advance(200ms);
  tell(news(20, 1));
  EXPECT_EQ(caches["bucket"].all, caches["bucket of another service"].all);
}

TEST_F(Subscriber, NothingIsProvedWhereNoItemOfTheTypeIs) {
  advance(200ms);
  auto elsewhere = news(10, 0);
  elsewhere.mutable_partitions(0)->set_partition(1);
  tell(elsewhere);
  EXPECT_EQ(caches["bucket"].proofs.size(), 0u);
}

TEST_F(Subscriber, AValueThatCannotBeReadOnlyInvalidates) {
  auto with = batch(1, 1, 20, "b");
  with.mutable_changes(0)->mutable_updates(0)->set_value("\xff\xff");
  tell(with);
  ASSERT_EQ(caches["bucket"].changes.size(), 1u);
  EXPECT_FALSE(caches["bucket"].changes[0].record);
  EXPECT_FALSE(caches["bucket"].changes[0].removed);
}

TEST_F(Subscriber, APartOfAValueOnlyInvalidates) {
  auto with = batch(1, 1, 20, "b");
  with.mutable_changes(0)->mutable_updates(0)->set_value(v1::CachedRecord().SerializeAsString());
  with.mutable_changes(0)->mutable_updates(0)->set_base_tick(19);
  tell(with);
  EXPECT_FALSE(caches["bucket"].changes.at(0).record);
}

TEST_F(Subscriber, ProvesOnItsOwnClockOnlyWhatHasBeenToldBefore) {
  advance(200ms);
  tell(news(10, 0));
  auto& bucket = caches["bucket"];
  EXPECT_EQ(bucket.all, (std::vector<std::string>{"drop 10", "proven"}));
  EXPECT_LE(bucket.proofs.back().at, cache_time(&system));
  EXPECT_GE(bucket.proofs.back().at, cache_time(&system) - 250ms);
  EXPECT_EQ(bucket.proofs.back().base_tick, 10u);
  bucket.all.clear();
  advance(200ms);
  tell(news(20, 1));
  EXPECT_TRUE(bucket.all.empty()) << "a change exists that has not come";
  tell(batch(1, 1, 20, "b"));
  EXPECT_EQ(bucket.all, (std::vector<std::string>{"changes", "proven"}));
  advance(50ms);
  EXPECT_LE(figure("proof_age_ms", "bucket"), 300u);
}

TEST_F(Subscriber, Q14AHoleThatStaysDropsTheType) {
  advance(200ms);
  tell(news(10, 0));
  caches["bucket"].all.clear();
  advance(200ms);
  tell(news(20, 1));
  advance(500ms);
  EXPECT_EQ(caches["bucket"].all, (std::vector<std::string>{"drop 20", "proven"}));
  EXPECT_EQ(figure("drops_total"), 1u);
}

TEST_F(Subscriber, AWholeChangeIsSaidToBeOne) {
  advance(200ms);
  tell(news(10, 0));
  caches["bucket"].all.clear();
  auto whole = batch(1, 1, 20, "");
  whole.mutable_changes(0)->mutable_updates(0)->set_whole(true);
  tell(whole);
  ASSERT_FALSE(caches["bucket"].all.empty());
  EXPECT_EQ(caches["bucket"].all[0], "whole 20");
}

TEST_F(Subscriber, AQueueThatCannotBeReachedIsAskedWhenItComes) {
  away = "q2";
  tell(queue_peer{"q2", false});
  EXPECT_EQ(status().subscribed_size(), 1);
  advance(3s);
  EXPECT_EQ(logs["q2"].subscribed.size(), 1u);
  away.clear();
  tell(queue_peer{"q2", true});
  ASSERT_EQ(logs["q2"].subscribed.size(), 2u);
  EXPECT_EQ(logs["q2"].subscribed[1].queue_incarnation(), 7u);
  EXPECT_EQ(status().subscribed_size(), 2);
}

TEST_F(Subscriber, AQueueThatIsSilentIsAskedAgain) {
  logs["q1"].silent = true;
  advance(4s);
  EXPECT_GT(logs["q1"].subscribed.size(), 1u);
  EXPECT_LT(logs["q1"].subscribed.size(), 20u);
}

TEST_F(Subscriber, PeersThatAreNoQueuesAreNotLookedAt) {
  tell(queue_peer{"elsewhere", false});
  tell(queue_peer{"elsewhere", true});
  EXPECT_EQ(figure("refused_total"), 0u);
}

}  // namespace dunlin
