// What the queue passes on of the leaders' words (decision 0011).
#include "actors/message_queue/batch_writer.hpp"
#include "tests/unit/message_queue/queue_fixture.hpp"

namespace dunlin {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class News : public QueueCore {
protected:
  static v1::QueueNews read(const core::send_news& sent, std::size_t which = 0) {
    v1::QueueNews message;
    const auto& to = sent.to.at(which);
    EXPECT_TRUE(message.ParseFromString(queue::news_for_one(*sent.shared, to.first_kept, to.echo)));
    return message;
  }
};

TEST_F(News, AsksTheLeadersAndTellsEachSubscriberOncePerInterval) {
  subscribe("a", {"bucket"});
  std::size_t asked = 0, told = 0;
  for (const auto& one : pass(10s)) {
    asked += std::holds_alternative<core::ask_news>(one);
    told += std::holds_alternative<core::send_news>(one);
  }
  EXPECT_NEAR(static_cast<double>(asked), 40, 1);
  EXPECT_NEAR(static_cast<double>(told), 40, 1);
}

TEST_F(News, GoAtOnceWhenAllLeadersHaveAnswered) {
  subscribe("a", {"bucket"});
  q->on_timer(now);
  const auto out = q->on_news(now, now, {1, 5, {{"bucket", 3}}});
  ASSERT_THAT(only<core::send_news>(out), SizeIs(1));
  EXPECT_THAT(only<core::send_news>(pass(100ms)), IsEmpty());
}

TEST_F(News, ReturnTheNewestStampAndTheAgeRoundedUp) {
  subscribe("a", {"bucket"});
  ack("a", 0, {}, 500);
  ack("a", 0, {}, 400);
  q->on_timer(now);
  const auto asked = now;
  now += 7ms;
  const auto words =
      read(only<core::send_news>(q->on_news(now, asked, {1, 5, {{"bucket", 3}}})).at(0));
  EXPECT_EQ(words.echo(), 500u);
  ASSERT_EQ(words.partitions_size(), 1);
  EXPECT_EQ(words.partitions(0).age_ms(), 8u);
  EXPECT_EQ(words.partitions(0).tick(), 5u);
}

TEST_F(News, SpeakOnlyOfTheTypesOfTheSet) {  // Q8
  subscribe("a", {"bucket"});
  q->on_timer(now);
  const auto words =
      read(only<core::send_news>(q->on_news(now, now, {1, 5, {{"bucket", 3}, {"user", 9}}})).at(0));
  ASSERT_EQ(words.partitions(0).last_size(), 1);
  EXPECT_EQ(words.partitions(0).last(0).type(), "bucket");
  EXPECT_EQ(words.partitions(0).last(0).ordinal(), 3u);
}

TEST_F(News, AnAnswerToAnOlderQuestionDoesNotReplaceANewerOne) {
  subscribe("a", {"bucket"});
  q->on_timer(now);
  now += 5ms;
  q->on_news(now, now, {1, 9, {{"bucket", 4}}});
  q->on_news(now, now - 3ms, {1, 8, {{"bucket", 3}}});
  const auto words = read(only<core::send_news>(pass(300ms)).at(0));
  EXPECT_EQ(words.partitions(0).last(0).ordinal(), 4u);
}

TEST_F(News, AgeWhileALeaderIsSilentAndAreThenLeftOut) {
  subscribe("a", {"bucket"});
  q->on_news(now, now, {1, 9, {{"bucket", 4}}});
  auto words = read(only<core::send_news>(pass(2s)).back());
  EXPECT_GE(words.partitions(0).age_ms(), 1500u);
  ack("a", 0);
  words = read(only<core::send_news>(pass(10s)).back());
  EXPECT_EQ(words.partitions_size(), 0);
}

TEST_F(News, ReachANewSubscriberWithItsFirstStamp) {  // Q26
  subscribe("a", {"bucket"});
  pass(100ms);
  q->on_news(now, now, {1, 9, {{"bucket", 4}}});
  subscribe("b", {"bucket"});
  const auto out = only<core::send_news>(q->on_ack(now, {{"b", 0}, 1, life, 0, {}, 77}));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(read(out[0]).echo(), 77u);
}

TEST_F(News, AbsurdOnesAreRefusedAndTooManyPartitionsToo) {
  limits.partitions_max = 2;
  q = std::make_unique<core>(limits, "q", life, now);
  constexpr auto huge = std::uint64_t{0} - 1;
  q->on_news(now, now, {1, huge, {}});
  q->on_news(now, now, {1, 5, {{"bucket", huge}}});
  q->on_news(now, now + 1s, {1, 5, {}});
  EXPECT_EQ(q->count().refused, 3u);
  for (partition_id partition = 0; partition < 10; ++partition)
    q->on_news(now, now, {partition, 5, {}});
  EXPECT_EQ(q->count().refused, 11u);
}

TEST_F(News, TellWhoHasEverythingThatItHasTheRowsOfOthersToo) {
  subscribe("a", {"bucket"});
  enqueue("bucket", 1, "k");
  enqueue("user", 1, "u");
  const auto last = only<core::persist>(enqueue("user", 2, "u")).at(0).row;
  const auto words = read(only<core::send_news>(pass(300ms)).at(0));
  EXPECT_LT(words.last_sequence(), last);
  EXPECT_EQ(words.idle_through(), last);
}

}  // namespace
}  // namespace dunlin
