/// The queue's actor: what it promises across restarts, on a full disk, and with subscribers and
/// leaders that are not to be reached (Q12, Q13, Q25, docs/decisions/0011).
#include "tests/unit/message_queue/queue_world.hpp"

#include <gmock/gmock.h>

using namespace dunlin;
using namespace dunlin::testing_queue;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

namespace {

struct MessageQueue : testing::Test {
  queue_world of;
  std::uint64_t ordinal = 0;

  outcome_ptr put(const std::string& key, std::size_t value_bytes = 0) {
    return of.enqueue(change("bucket", ++ordinal, key, value_bytes));
  }
  const std::set<std::string>& heard(const node_id& node) { return of.subscribers[node].keys; }
  void hold_syncs(bool held) {
    of.disk.set_fault([held](simulation::disk_call what, const std::string&) {
      return held && what == simulation::disk_call::sync ? std::optional{ec::io_error}
                                                         : std::nullopt;
    });
  }
};

TEST_F(MessageQueue, TellsSubscribersAtOnceAndAnswersTheLeaderWhenTheChangeIsOnDisk) {
  of.start();
  EXPECT_TRUE(of.subscribe("n1")->subscribed);
  const auto syncs = of.log->flushes();
  const auto done = put("a");
  EXPECT_TRUE(done->done);
  EXPECT_FALSE(done->error);
  EXPECT_EQ(of.log->flushes(), syncs + 1);
  EXPECT_THAT(heard("n1"), ElementsAre("a"));
  hold_syncs(true);
  const auto lost = put("b");
  EXPECT_TRUE(!lost->done || lost->error);  // the log has ended, and with it the node
  of.advance(30ms);
  EXPECT_THAT(heard("n1"), ElementsAre("a", "b"));
}

TEST_F(MessageQueue, SendsABatchOncePerWindowToEverySubscriberOfTheTypeAndToNoOther) {
  of.start();
  of.subscribe("n1");
  of.subscribe("n2");
  of.subscribe("n3", {"user"});
  for (int i = 0; i < 50; ++i)
    put("k" + std::to_string(i));
  of.advance(50ms);
  EXPECT_EQ(heard("n1").size(), 50u);
  EXPECT_EQ(heard("n2").size(), 50u);
  EXPECT_THAT(heard("n3"), testing::IsEmpty());
  EXPECT_EQ(of.subscribers["n1"].batches.size(), 2u);  // the first at once, then the window
}

TEST_F(MessageQueue, ARestartKeepsTheBacklogOfASubscriberThatWasAway) {
  of.start();
  of.subscribe("n1");
  put("a");
  of.subscribers["n1"].away = true;
  put("b");
  put("c");
  of.advance(200ms);
  of.crash();
  of.start();
  of.subscribers["n1"].away = false;
  const auto again = of.subscribe("n1");
  ASSERT_TRUE(again->subscribed);
  EXPECT_FALSE(again->subscribed->missed());
  EXPECT_EQ(again->subscribed->queue_incarnation(), 2u);
  EXPECT_THAT(heard("n1"), ElementsAre("a", "b", "c"));
  const auto through = of.subscribers["n1"].through;
  put("d");
  EXPECT_THAT(heard("n1"), ElementsAre("a", "b", "c", "d"));
  EXPECT_GT(of.subscribers["n1"].through, through);
}

TEST_F(MessageQueue, WhatARestartBringsBackHasOnlyTheRestOfItsTimeToLive) {
  of.limits.time_to_live = 10s;
  of.start();
  of.subscribe("n1");
  of.subscribers["n1"].away = true;
  put("old");
  of.advance(6s);
  put("new");
  of.crash();
  of.advance(5s);
  of.start();
  of.subscribers["n1"].away = false;
  const auto again = of.subscribe("n1");
  EXPECT_TRUE(again->subscribed->missed());
  EXPECT_THAT(heard("n1"), ElementsAre("new"));
  of.advance(12s);
  EXPECT_EQ(of.figure("spool_bytes"), 0u);
}

TEST_F(MessageQueue, WhatEveryoneHasLeavesTheLog) {
  of.limits.silence_max = 2s;  // then nobody of the life before is waited for
  of.start();
  of.subscribe("n1");
  for (int i = 0; i < 40; ++i) {
    put("k" + std::to_string(i), 4000);
    of.advance(200ms);
  }
  EXPECT_LT(of.log->live_bytes(), 40'000u);
  EXPECT_LT(of.figure("spool_bytes"), 40'000u);
  EXPECT_EQ(heard("n1").size(), 40u);
}

TEST_F(MessageQueue, AFullDiskRefusesAndTheQueueGoesOnWhenThereIsRoomAgain) {
  of.limits.time_to_live = 5s;
  of.limits.spool_bytes_max = 64 << 20;
  of.start();
  std::set<std::string> kept;
  outcome_ptr last;
  for (int i = 0; i < 500 && !(last && last->error); ++i) {
    const auto key = "k" + std::to_string(i);
    last = put(key, 6000);
    of.advance(of.limits.store_interval);
    ASSERT_TRUE(last->done);
    if (!last->error) kept.insert(key);
  }
  ASSERT_EQ(last->error, ec::disk_full);
  EXPECT_GT(kept.size(), 20u);
  const auto too_much = put("too much", 6000);
  of.advance(of.limits.store_interval);
  EXPECT_EQ(too_much->error, ec::disk_full);
  of.advance(7s);  // their time is over
  const auto after = put("after", 6000);
  EXPECT_TRUE(after->done && !after->error);
  of.subscribe("n1");
  const auto live = put("live");
  of.advance(of.limits.store_interval);
  EXPECT_TRUE(live->done && !live->error);
  of.crash();
  of.start();
  EXPECT_GT(of.figure("spool_bytes"), 6000u);
}

TEST_F(MessageQueue, RowsOnTheirWayBehindARefusedOneAreRefusedToo) {
  of.start();
  std::vector<outcome_ptr> all;
  for (int i = 0; i < 400; ++i) {
    of.world.system.spawn([&, i](caf::event_based_actor* self) {
      auto out = std::make_shared<outcome>();
      all.push_back(out);
      self->request(
              of.queue, 10s,
              change("bucket", static_cast<std::uint64_t>(i) + 1, "k" + std::to_string(i), 6000))
          .then([out](const v1::EnqueueReply&) { out->done = true; },
                [out](const caf::error& error) {
                  out->done = true;
                  out->error = code_of(error);
                });
    });
  }
  of.world.run();
  of.advance(of.limits.store_interval);
  std::size_t accepted = 0;
  for (const auto& one : all) {
    EXPECT_TRUE(one->done);
    EXPECT_EQ(one->error.value_or(ec::disk_full), ec::disk_full);
    accepted += one->error ? 0 : 1;
  }
  EXPECT_GT(accepted, 20u);
  EXPECT_LT(accepted, 400u);
  of.crash();
  const auto log = wal::log::open(of.disk, "wal", of.log_options).value();
  EXPECT_EQ(queue::open_spool(*log, of.limits, 9, 0)->rows.size(), accepted);
}

TEST_F(MessageQueue, RowsOfAnIntervalAreWrittenAsOneAndEachIsAnswered) {  // Q13
  of.start();
  const auto first = put("a");
  EXPECT_TRUE(first->done);  // an idle queue writes at once
  const auto syncs = of.disk.counted().syncs;
  std::vector<outcome_ptr> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(put("k" + std::to_string(i)));
  EXPECT_FALSE(all.back()->done);
  of.advance(of.limits.store_interval);
  for (const auto& one : all)
    EXPECT_TRUE(one->done && !one->error);
  EXPECT_EQ(of.disk.counted().syncs, syncs + 1);
}

TEST_F(MessageQueue, ARowThatIsLargerThanAnEntryComesBackWhole) {
  of.start();
  of.subscribe("n1");
  of.subscribers["n1"].away = true;
  put("small");
  put("large", 100'000);  // an entry holds 16 KiB
  of.advance(of.limits.store_interval);
  of.crash();
  of.start();
  of.subscribers["n1"].away = false;
  of.subscribe("n1");
  EXPECT_THAT(heard("n1"), ElementsAre("large", "small"));
  EXPECT_EQ(of.subscribers["n1"].batches.back().changes(0).updates_size(), 2);
}

TEST_F(MessageQueue, ASubscriberThatCannotBeReachedHoldsUpNobodyAndCatchesUp) {
  of.start();
  of.subscribe("n1");
  of.subscribe("n2");
  of.subscribers["n1"].away = true;
  caf::anon_send(of.queue, queue_peer_lost{"n1"});
  for (int i = 0; i < 30; ++i) {
    put("k" + std::to_string(i));
    of.advance(50ms);
  }
  EXPECT_EQ(heard("n2").size(), 30u);
  EXPECT_LE(of.figure("resends_total"), 3u);
  of.subscribers["n1"].away = false;
  EXPECT_FALSE(of.subscribe("n1")->subscribed->missed());
  of.advance(100ms);
  EXPECT_EQ(heard("n1").size(), 30u);
}

TEST_F(MessageQueue, ASubscriberThatIsSilentForLongIsForgotten) {
  of.start();
  of.subscribe("n1");
  of.subscribers["n1"].away = true;
  put("a");
  of.advance(of.limits.silence_max + 2s);
  EXPECT_EQ(of.figure("subscribers"), 0u);
  EXPECT_EQ(of.figure("forgotten_total"), 1u);
}

TEST_F(MessageQueue, NewsOfEveryPartitionReachSubscribersAndALeaderThatIsSilentIsNotAskedMore) {
  of.start();
  of.advance(1s);
  EXPECT_TRUE(of.asked.empty());  // nobody would hear
  of.silent.insert(2);
  of.subscribe("n1");
  of.advance(1s);
  EXPECT_THAT(of.asked[1], testing::AllOf(testing::Ge(3), testing::Le(5)));
  EXPECT_EQ(of.asked[2], 1);
  const auto& news = of.subscribers["n1"].news;
  ASSERT_GE(news.size(), 3u);
  ASSERT_EQ(news.back().partitions_size(), 2);
  EXPECT_EQ(news.back().partitions(1).tick(), 5001u);
  ASSERT_EQ(news.back().partitions(1).last_size(), 1);
  EXPECT_EQ(news.back().partitions(1).last(0).ordinal(), 7u);
  of.silent.clear();
  of.advance(3s);
  EXPECT_EQ(of.subscribers["n1"].news.back().partitions_size(), 3);
}

TEST_F(MessageQueue, NonsenseIsRefused) {
  of.start();
  EXPECT_EQ(of.enqueue({})->error, ec::bad_message);
  EXPECT_EQ(of.subscribe("n1", {})->error, ec::bad_message);
}

class MessageQueueSeeds : public testing::TestWithParam<std::uint64_t> {};

/// Power failures at any call of the disk: what a leader was told to be durable reaches the
/// subscriber, and no sequence ever stands for two things.
TEST_P(MessageQueueSeeds, WhatWasAcceptedReachesASubscriberThroughPowerFailures) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  std::mt19937_64 random{GetParam()};
  queue_world of{GetParam()};
  of.log_options.segment_bytes = 32 << 10;
  of.start();
  of.subscribe("n1");
  std::set<std::string> accepted;
  std::uint64_t ordinal = 0;
  for (int life = 0; life < 12; ++life) {
    of.subscribers["n1"].away = random() % 2 == 0;
    of.disk.crash_after(1 + random() % 40);
    for (int i = 0; i < 30 && !of.disk.is_down(); ++i) {
      const auto key = "k" + std::to_string(++ordinal);
      const auto done = of.enqueue(change("bucket", ordinal, key, random() % 20'000));
      if (done->done && !done->error) accepted.insert(key);
      if (random() % 4 == 0) of.advance(std::chrono::milliseconds(random() % 60));
    }
    of.disk.cancel_crash();
    of.crash();
    of.start();
    of.subscribers["n1"].away = false;
    ASSERT_TRUE(of.subscribe("n1")->subscribed);
    EXPECT_FALSE(of.subscribe("n1")->subscribed->missed());
    of.advance(200ms);
    for (const auto& key : accepted)
      EXPECT_TRUE(of.subscribers["n1"].keys.contains(key)) << key << " in life " << life;
  }
  std::uint64_t before = 0;
  for (const auto& batch : of.subscribers["n1"].batches)
    before = std::max(before, batch.sequence());
  EXPECT_GE(of.subscribers["n1"].through, before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MessageQueueSeeds, testing::Range<std::uint64_t>(1, 13));

}  // namespace
