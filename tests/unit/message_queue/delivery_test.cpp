// Acknowledgements, sending again, missing, time to live, restart (Q10, Q13, Q14, Q25).
#include "tests/unit/message_queue/queue_fixture.hpp"

namespace dunlin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Delivery : public QueueCore {
protected:
  /// One flush of one change for "a"; its sequence.
  std::uint64_t flush(std::uint64_t ordinal) {
    auto out = enqueue("bucket", ordinal, "k" + std::to_string(ordinal));
    q->on_persisted(only<core::persist>(out).at(0).row);
    for (auto& one : pass(20ms))
      out.push_back(std::move(one));
    const auto sent = batches_for("a", out);
    return sent.empty() ? 0 : sent[0].sequence();
  }
};

TEST_F(Delivery, SendsAgainUpToTheAttemptsToWhoIsSilent) {  // Q13
  subscribe("a", {"bucket"});
  enqueue("bucket", 1, "k");
  EXPECT_THAT(batches_for("a", pass(5s)), SizeIs(2));  // three with the first
}

TEST_F(Delivery, IsPatientWithWhoUsuallyAcknowledgesLate) {  // Q13
  subscribe("a", {"bucket"});
  std::uint64_t ordinal = 0;
  const auto sent_again = [&] {
    const auto before = q->count().resends;
    const auto sequence = flush(++ordinal);
    pass(35ms);
    ack("a", sequence);
    return q->count().resends - before;
  };
  EXPECT_EQ(sent_again(), 1u);
  for (int i = 0; i < 50; ++i)
    sent_again();
  EXPECT_EQ(sent_again(), 0u);
}

TEST_F(Delivery, AStreamThatFlowsSendsNothingAgainForBeingLate) {  // Q12, Q13
  subscribe("a", {"bucket"});
  for (std::uint64_t ordinal = 1; ordinal <= 30; ++ordinal)  // nothing is acknowledged for 600 ms
    flush(ordinal);
  EXPECT_EQ(q->count().resends, 0u);
  EXPECT_EQ(q->count().frames, 30u);
}

TEST_F(Delivery, SendsNothingAgainThatWasAcknowledged) {  // Q13
  subscribe("a", {"bucket"});
  const auto sequence = flush(1);
  ack("a", sequence);
  EXPECT_THAT(batches_for("a", pass(5s)), IsEmpty());
}

TEST_F(Delivery, SendsAHoleAgainAsSoonAsAnAckShowsIt) {  // Q13, Q14
  subscribe("a", {"bucket"});
  const auto first = flush(1), second = flush(2);
  const auto third = batches_for("a", enqueue("bucket", 3, "k3"));
  ASSERT_THAT(third, SizeIs(1));
  const auto out = batches_for("a", ack("a", first, {{second + 1, third[0].sequence()}}));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].sequence(), second);
  EXPECT_EQ(out[0].after(), first);
}

TEST_F(Delivery, OneThatWasSilentGetsAllWhenItIsHeardAgain) {  // Q13, "away 5 s"
  subscribe("a", {"bucket"});
  const auto first = flush(1);
  ack("a", first);
  for (std::uint64_t ordinal = 2; ordinal < 10; ++ordinal)
    flush(ordinal);
  pass(5s);
  const auto out = batches_for("a", ack("a", first));
  EXPECT_THAT(out, SizeIs(8));
}

TEST_F(Delivery, GivesUpABatchThatALivingSubscriberNeverGetsAndSaysSo) {  // Q13, Q14
  subscribe("a", {"bucket"});
  q->on_news(now, now, {1, 5, {{"bucket", 1}}});
  const auto first = flush(1), second = flush(2);
  for (int i = 0; i < 100; ++i) {
    ack("a", 0, {{first + 1, second}});
    pass(20ms);
  }
  EXPECT_EQ(q->count().given_up, 1u);
  EXPECT_LE(q->count().resends, 12u);
  const auto told = only<core::send_news>(pass(300ms)).at(0).to.at(0);
  EXPECT_GT(told.first_kept, first);
}

TEST_F(Delivery, DoesNotBelieveAckOfWhatWasNeverSent) {
  subscribe("a", {"bucket"});
  const auto first = flush(1);
  ack("a", 1ull << 60, {});
  ack("a", 0, {{1ull << 50, 1ull << 51}});
  ack("a", 0, {{9, 3}});
  q->on_ack(now, {{"stranger", 0}, 1, life, 5, {}, 5});
  const auto second = flush(2);
  EXPECT_GT(second, first);
}

TEST_F(Delivery, NoMessageSurvivesItsTime) {  // Q10
  limits.time_to_live = 2000ms;
  q = std::make_unique<core>(limits, "q", life, now);
  subscribe("a", {"bucket"});
  flush(1);
  pass(2500ms);
  const auto out = ack("a", 0);
  EXPECT_THAT(batches_for("a", out), IsEmpty());
  EXPECT_EQ(q->count().missed, 1u);
  EXPECT_EQ(q->ring_bytes(), 0u);
}

TEST_F(Delivery, TheLeaderMayNameTheTimeWithinBounds) {  // Q10
  auto what = change("bucket", 1, 5, "k");
  what.time_to_live = 3000ms;
  EXPECT_EQ(only<core::persist>(enqueue(what)).at(0).time_to_live, 3000ms);
  what.time_to_live = 1ms;
  EXPECT_EQ(only<core::persist>(enqueue(what)).at(0).time_to_live, limits.time_to_live_min);
  what.time_to_live = 1000h;
  EXPECT_EQ(only<core::persist>(enqueue(what)).at(0).time_to_live, limits.time_to_live_max);
}

TEST_F(Delivery, ForgetsWhoIsNotHeardOfForLong) {  // Q25
  subscribe("a", {"bucket"});
  const auto out = pass(limits.silence_max + 2s);
  EXPECT_EQ(only<core::forget_subscriber>(out).at(0).who.node, "a");
  EXPECT_EQ(q->subscribers(), 0u);
  EXPECT_EQ(q->sets(), 0u);
}

TEST_F(Delivery, SendsNothingToALostPeerUntilItIsHeardOf) {
  subscribe("a", {"bucket"});
  q->on_peer_lost("a");
  EXPECT_EQ(flush(1), 0u);
  EXPECT_THAT(batches_for("a", pass(1s)), IsEmpty());
  EXPECT_THAT(batches_for("a", subscribe("a", {"bucket"}, life, 0)), SizeIs(1));
}

TEST_F(Delivery, ASubscriberOfAnotherLifeBeginsAfresh) {
  subscribe("a", {"bucket"}, 0, 0, 5);
  EXPECT_EQ(only<core::refuse>(subscribe("a", {"bucket"}, 0, 0, 4)).at(0).reason, ec::stale);
  enqueue("bucket", 1, "k");
  EXPECT_THAT(batches_for("a", subscribe("a", {"bucket"}, 0, 0, 6)), IsEmpty());
}

TEST_F(Delivery, ContinuesByNumberAfterARestart) {  // Q13
  subscribe("a", {"bucket"});
  const auto first = flush(1), second = flush(2), third = flush(3);
  ack("a", first);
  restart({row(first, change("bucket", 1, 101, "k1")), row(second, change("bucket", 2, 102, "k2")),
           row(third, change("bucket", 3, 103, "k3"))});
  const auto out = subscribe("a", {"bucket"}, life - 1, first);
  const auto said = only<core::accept_subscription>(out).at(0);
  EXPECT_EQ(said.queue_incarnation, life);
  EXPECT_EQ(said.next_sequence, first + 1);
  EXPECT_FALSE(said.missed);
  const auto got = batches_for("a", out);
  ASSERT_FALSE(got.empty());
  EXPECT_LE(got.front().after(), first);
  EXPECT_EQ(got.back().sequence(), third);
  const auto next = batches_for("a", enqueue("bucket", 4, "k4"));
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].after(), third);  // the chain has no hole
}

TEST_F(Delivery, GivesWhatCameBetweenItsRestartAndTheReturnOfASubscriber) {  // Q13
  subscribe("a", {"bucket"});
  const auto first = flush(1);
  ack("a", first);
  restart({row(first, change("bucket", 1, 101, "k1"))});
  enqueue("bucket", 2, "k2");
  const auto got = batches_for("a", subscribe("a", {"bucket"}, life - 1, first));
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back().changes(0).updates(got.back().changes(0).updates_size() - 1).key(), "k2");
}

TEST_F(Delivery, NoNumberNamesTwoRowsThoughTheFirstWasNeverOnDisk) {  // Q13
  subscribe("a", {"bucket"});
  const auto sent = only<core::persist>(enqueue("bucket", 1, "k1")).at(0).row;
  restart({});  // it died before the write
  EXPECT_GT(only<core::persist>(enqueue("bucket", 1, "k1")).at(0).row, sent);
  restart({});
  EXPECT_GT(only<core::persist>(enqueue("bucket", 1, "k1")).at(0).row, sent + queue::life_stride);
}

TEST_F(Delivery, SaysThatItMissedToWhoKnewASpoolThatIsGone) {  // Q13, Q14
  flush(1);
  q = std::make_unique<core>(limits, "q", ++life, now);
  const auto said =
      only<core::accept_subscription>(subscribe("a", {"bucket"}, life - 1, 500)).at(0);
  EXPECT_TRUE(said.missed);
}

TEST_F(Delivery, ExpiredRowsDoNotComeBackAfterARestart) {  // Q10, Q13
  auto old = row(5, change("bucket", 1, 101, "k1"));
  old.expires = now - 1ms;
  restart({old, row(6, change("bucket", 2, 102, "k2"))});
  const auto out = subscribe("a", {"bucket"}, life - 1, 4);
  const auto got = batches_for("a", out);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].after(), 5u);
  EXPECT_EQ(got[0].changes(0).covered(0).first(), 2u);
}

TEST_F(Delivery, TrimsTheSpoolWhenAllHaveItAndKeepsTheNewestRow) {  // Q13
  pass(limits.silence_max);  // nobody of an earlier life is waited for any more
  subscribe("a", {"bucket"});
  const auto first = flush(1), second = flush(2), third = flush(3);
  ack("a", first);
  EXPECT_EQ(only<core::trim_spool>(pass(1100ms)).back().through, first);
  ack("a", third);
  EXPECT_EQ(only<core::trim_spool>(pass(1100ms)).back().through, second);
  EXPECT_EQ(q->spool_bytes(), 0u);
}

TEST_F(Delivery, RowsOfTypesThatNobodyHearsDoNotStay) {  // Q13
  pass(limits.silence_max);
  subscribe("a", {"bucket"});
  ack("a", flush(1));
  for (std::uint64_t ordinal = 1; ordinal < 5; ++ordinal)
    q->on_persisted(only<core::persist>(enqueue("user", ordinal, "u")).at(0).row);
  pass(1100ms);
  EXPECT_EQ(q->spool_bytes(), 0u);
}

TEST_F(Delivery, ASilentSubscriberDoesNotFillTheSpool) {  // Q25
  limits.spool_bytes_max = 2000;
  q = std::make_unique<core>(limits, "q", life, now);
  subscribe("a", {"bucket"});
  for (std::uint64_t ordinal = 1; ordinal < 200; ++ordinal) {
    EXPECT_THAT(only<core::refuse>(enqueue("bucket", ordinal, "k")), IsEmpty());
    q->on_persisted(1ull << 60);
    EXPECT_LE(q->spool_bytes(), 2000u);
  }
}

}  // namespace
}  // namespace dunlin
