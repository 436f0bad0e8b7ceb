// Routing, aggregation, bounds, nonsense (Q7, Q8, Q9, Q12, Q25).
#include "tests/unit/message_queue/queue_fixture.hpp"

namespace dunlin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(QueueCore, AnswersTheLeaderWhenTheRowIsDurableAndNotBefore) {  // Q7, Q13
  const auto out = enqueue("bucket", 1, "a");
  ASSERT_THAT(only<core::persist>(out), SizeIs(1));
  EXPECT_THAT(only<core::accept>(out), IsEmpty());
  const auto row = only<core::persist>(out)[0].row;
  EXPECT_EQ(only<core::accept>(q->on_persisted(row)).at(0).request, request);
  EXPECT_THAT(q->on_persisted(row), IsEmpty());
}

TEST_F(QueueCore, WritesRowsAtOnceWhenIdleOnceAnIntervalWhenBusyAndEarlyWhenTheyAreMany) {  // Q13
  EXPECT_THAT(only<core::store>(enqueue("bucket", 1, "a")), SizeIs(1));
  EXPECT_THAT(only<core::store>(enqueue("bucket", 2, "b")), IsEmpty());
  EXPECT_THAT(only<core::store>(enqueue("bucket", 3, "c")), IsEmpty());
  EXPECT_THAT(only<core::store>(pass(limits.store_interval)), SizeIs(1));
  EXPECT_THAT(only<core::store>(pass(limits.store_interval * 10)), IsEmpty());
  limits.store_bytes_max = 300;
  restart({});
  enqueue("bucket", 1, "a");
  EXPECT_THAT(only<core::store>(enqueue("bucket", 2, "b")), IsEmpty());
  EXPECT_THAT(only<core::store>(enqueue("bucket", 3, std::string(300, 'c'))), SizeIs(1));
}

TEST_F(QueueCore, TellsTheLeaderWhenTheDiskRefuses) {  // Q13
  const auto row = only<core::persist>(enqueue("bucket", 1, "a")).at(0).row;
  EXPECT_EQ(only<core::refuse>(q->on_persist_failed(row, ec::disk_full)).at(0).reason,
            ec::disk_full);
}

TEST_F(QueueCore, TellsOnlyWhoSubscribedToTheType) {  // Q8
  subscribe("a", {"bucket"});
  subscribe("b", {"user"});
  subscribe("c", {"bucket", "user"});
  const auto out = enqueue("bucket", 1, "x");
  EXPECT_THAT(batches_for("a", out), SizeIs(1));
  EXPECT_THAT(batches_for("b", out), IsEmpty());
  EXPECT_THAT(batches_for("c", out), SizeIs(1));
}

TEST_F(QueueCore, AnAggregatedMessageHoldsOnlyTheTypesOfItsService) {  // Q8, Q12
  subscribe("a", {"bucket"});
  subscribe("c", {"bucket", "user"});
  enqueue("bucket", 1, "x");
  enqueue("bucket", 2, "y");
  enqueue("user", 1, "u");
  const auto out = pass(20ms);
  EXPECT_THAT(keys_in(batches_for("a", out).at(0)), ElementsAre("y"));
  EXPECT_THAT(keys_in(batches_for("c", out).at(0)), UnorderedElementsAre("y", "u"));
}

TEST_F(QueueCore, TellsEveryInstanceTheSameBytes) {  // Q9
  for (const auto* node : {"a", "b", "c"})
    subscribe(node, {"bucket"});
  const auto sent = only<core::send_batch>(enqueue("bucket", 1, "x"));
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].to, SizeIs(3));
}

TEST_F(QueueCore, AnIdleStreamSendsAtOnceABusyOneOncePerWindow) {  // Q12
  subscribe("a", {"bucket"});
  EXPECT_THAT(batches_for("a", enqueue("bucket", 1, "x")), SizeIs(1));
  std::size_t sent = 0;
  for (std::uint64_t ordinal = 2; ordinal < 1002; ++ordinal) {
    sent += batches_for("a", enqueue("bucket", ordinal, "x" + std::to_string(ordinal))).size();
    const auto flushed = batches_for("a", pass(1ms));
    sent += flushed.size();
    for (const auto& one : flushed)
      ack("a", one.sequence());
  }
  EXPECT_LE(sent, 51u);  // of 1000 ms in windows of 20 ms
  EXPECT_GE(sent, 48u);
}

TEST_F(QueueCore, OfAnItemOnlyTheNewestTickStaysInAWindow) {  // Q12
  subscribe("a", {"bucket"});
  enqueue("bucket", 1, "first");
  enqueue(change("bucket", 2, 50, "k"));
  enqueue(change("bucket", 4, 70, "k"));
  enqueue(change("bucket", 3, 60, "k"));
  const auto batch = batches_for("a", pass(20ms)).at(0);
  ASSERT_EQ(batch.changes_size(), 1);
  ASSERT_EQ(batch.changes(0).updates_size(), 1);
  EXPECT_EQ(batch.changes(0).updates(0).tick(), 70u);
  ASSERT_EQ(batch.changes(0).covered_size(), 1);
  EXPECT_EQ(batch.changes(0).covered(0).first(), 2u);
  EXPECT_EQ(batch.changes(0).covered(0).last(), 4u);
}

TEST_F(QueueCore, KeepsPartitionsApart) {  // Q12
  subscribe("a", {"bucket"});
  enqueue("bucket", 1, "first");
  enqueue(change("bucket", 2, 50, "k", 1));
  enqueue(change("bucket", 2, 60, "k", 2));
  EXPECT_EQ(batches_for("a", pass(20ms)).at(0).changes_size(), 2);
}

TEST_F(QueueCore, PassesOnWhatAnUpdateCarriesAsItCame) {  // Q11
  subscribe("a", {"object"});
  v1::EnqueueUpdates message;
  auto& part = *message.add_changes();
  part.set_type("object");
  part.set_partition(3);
  part.add_covered()->set_first(9);
  part.mutable_covered(0)->set_last(12);
  auto& update = *part.add_updates();
  update.set_tick(77);
  update.set_key(std::string("k\0ey", 4));
  update.set_value(std::string(300, 'v'));
  update.set_base_tick(70);
  const auto batch = batches_for("a", enqueue(queue::from_wire(message))).at(0);
  EXPECT_EQ(batch.changes(0).SerializeAsString(), part.SerializeAsString());
  EXPECT_EQ(batch.queue(), "q");
  EXPECT_EQ(batch.queue_incarnation(), life);
}

TEST_F(QueueCore, AFullBatchGoesEarly) {  // Q12
  limits.batch_updates_max = 3;
  q = std::make_unique<core>(limits, "q", life, now);
  subscribe("a", {"bucket"});
  enqueue("bucket", 1, "x");
  std::size_t sent = 0;
  for (std::uint64_t ordinal = 2; ordinal < 9; ++ordinal)
    for (const auto& one : batches_for("a", enqueue("bucket", ordinal, std::to_string(ordinal)))) {
      EXPECT_LE(keys_in(one).size(), 3u);
      ++sent;
    }
  EXPECT_EQ(sent, 2u);
}

TEST_F(QueueCore, AnUpdateIsAggregatedOnceForAllSubscribersOfASet) {  // the cost of an update
  for (int i = 0; i < 100; ++i)
    subscribe("n" + std::to_string(i), {"bucket"});
  enqueue("bucket", 1, "x");
  for (std::uint64_t ordinal = 2; ordinal < 1000; ++ordinal)
    EXPECT_THAT(only<core::send_batch>(enqueue("bucket", ordinal, std::to_string(ordinal))),
                IsEmpty());
  EXPECT_THAT(only<core::send_batch>(pass(20ms)), SizeIs(1));
  EXPECT_EQ(q->count().batches, 2u);
  EXPECT_EQ(q->count().frames, 200u);
}

TEST_F(QueueCore, IsOverloadedWhileTooMuchWaitsForTheDisk) {
  limits.unpersisted_rows_max = 2;
  q = std::make_unique<core>(limits, "q", life, now);
  enqueue("bucket", 1, "a");
  const auto second = only<core::persist>(enqueue("bucket", 2, "b")).at(0).row;
  EXPECT_EQ(only<core::refuse>(enqueue("bucket", 3, "c")).at(0).reason, ec::overloaded);
  q->on_persisted(second);
  EXPECT_THAT(only<core::persist>(enqueue("bucket", 3, "c")), SizeIs(1));
}

TEST_F(QueueCore, ASlowSubscriberDelaysNobodyAndCostsNoMemory) {  // Q25
  limits.in_flight_max = 4;
  limits.ring_bytes_max = 2000;
  q = std::make_unique<core>(limits, "q", life, now);
  subscribe("slow", {"bucket"});
  subscribe("fast", {"bucket"});
  std::uint64_t fast = 0, through = 0;
  for (std::uint64_t ordinal = 1; ordinal <= 500; ++ordinal) {
    auto out = enqueue("bucket", ordinal, std::to_string(ordinal));
    for (auto& one : pass(20ms))
      out.push_back(std::move(one));
    for (const auto& one : batches_for("fast", out)) {
      ++fast;
      through = one.sequence();
    }
    ack("fast", through);
    EXPECT_LE(q->ring_bytes(), 2100u);
  }
  EXPECT_GE(fast, 499u);
  EXPECT_GT(q->count().missed, 0u);
  const auto behind = q->backlogs(now);
  ASSERT_THAT(behind, SizeIs(2));
  EXPECT_EQ(behind[0].rows, 0u);  // fast
  EXPECT_GT(behind[1].rows, 0u);
  EXPECT_LE(behind[1].in_flight, 4u);
}

TEST_F(QueueCore, BoundsSubscribersAndSets) {
  limits.subscribers_max = 2;
  limits.sets_max = 1;
  q = std::make_unique<core>(limits, "q", life, now);
  subscribe("a", {"bucket"});
  EXPECT_EQ(only<core::refuse>(subscribe("b", {"user"})).at(0).reason, ec::overloaded);
  EXPECT_THAT(only<core::accept_subscription>(subscribe("c", {"bucket"})), SizeIs(1));
  EXPECT_EQ(only<core::refuse>(subscribe("d", {"bucket"})).at(0).reason, ec::overloaded);
  EXPECT_THAT(only<core::accept_subscription>(subscribe("a", {"bucket"})), SizeIs(1));
}

struct nonsense {
  std::string name;
  std::function<void(queue::enqueue&)> spoil;
};
class Nonsense : public QueueCore, public testing::WithParamInterface<nonsense> {};

TEST_P(Nonsense, IsRefusedAndLeavesNoTrace) {
  subscribe("a", {"bucket"});
  auto what = change("bucket", 1, 5, "k");
  GetParam().spoil(what);
  const auto out = enqueue(what);
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_THAT(only<core::refuse>(out), SizeIs(1));
  EXPECT_EQ(q->spool_bytes(), 0u);
  EXPECT_EQ(q->ring_bytes(), 0u);
}

constexpr auto huge = std::uint64_t{0} - 1;

INSTANTIATE_TEST_SUITE_P(
    All, Nonsense,
    testing::Values(
        nonsense{"Nothing", [](auto& e) { e.changes.clear(); }},
        nonsense{"NoType", [](auto& e) { e.changes[0].type.clear(); }},
        nonsense{"LongType", [](auto& e) { e.changes[0].type.assign(5000, 't'); }},
        nonsense{"NoOrdinals", [](auto& e) { e.changes[0].covered.clear(); }},
        nonsense{"OrdinalZero",
                 [](auto& e) {
                   e.changes[0].covered = {{0, 3}};
                 }},
        nonsense{"ReversedRun",
                 [](auto& e) {
                   e.changes[0].covered = {{5, 3}};
                 }},
        nonsense{"RunsThatOverlap",
                 [](auto& e) {
                   e.changes[0].covered = {{1, 5}, {4, 9}};
                 }},
        nonsense{"RunsThatDescend",
                 [](auto& e) {
                   e.changes[0].covered = {{7, 9}, {1, 2}};
                 }},
        nonsense{"AbsurdOrdinal",
                 [](auto& e) {
                   e.changes[0].covered = {{1, huge}};
                 }},
        nonsense{"ManyOrdinalsForOneKey",
                 [](auto& e) {
                   e.changes[0].covered = {{1, 1ull << 40}};
                 }},
        nonsense{"AbsurdTick", [](auto& e) { e.changes[0].updates[0].tick = huge; }},
        nonsense{"NoTick", [](auto& e) { e.changes[0].updates[0].tick = 0; }},
        nonsense{"NoKey", [](auto& e) { e.changes[0].updates[0].key.clear(); }},
        nonsense{"LongKey", [](auto& e) { e.changes[0].updates[0].key.assign(100000, 'k'); }},
        nonsense{"WholeWithAKey", [](auto& e) { e.changes[0].updates[0].whole = true; }},
        nonsense{"NoUpdates", [](auto& e) { e.changes[0].updates.clear(); }},
        nonsense{"TooManyParts", [](auto& e) { e.changes.resize(5000, e.changes[0]); }},
        nonsense{"NegativeTime", [](auto& e) { e.time_to_live = -1ms; }},
        nonsense{"TooLarge",
                 [](auto& e) {
                   e.changes[0].updates[0].encoded =
                       std::make_shared<const std::string>(std::string(1 << 20, 'v'));
                 }}),
    [](const auto& info) { return info.param.name; });

TEST_F(QueueCore, RefusesSubscriptionsThatMakeNoSense) {
  for (const auto& types : std::vector<std::vector<std::string>>{
           {}, {""}, {"b", "a"}, {"a", "a"}, std::vector<std::string>(100, "x")})
    EXPECT_THAT(only<core::refuse>(subscribe("a", types)), SizeIs(1));
  EXPECT_THAT(only<core::refuse>(subscribe("", {"bucket"})), SizeIs(1));
  EXPECT_EQ(q->subscribers(), 0u);
}

}  // namespace
}  // namespace dunlin
