#include "apps/assembly/coherence_status.hpp"
#include "apps/dunlin/coherence_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using ::testing::HasSubstr;
using ::testing::Not;

static assembly::coherence_status example() {
  assembly::coherence_status status;
  status.name = "n1";
  auto& queue = status.queue.emplace();
  queue.incarnation = 7;
  queue.count["rows_total"][""] = 42;
  queue.backlogs = {{"n2", 1, 5, 2, 300}};
  status.subscribers.push_back({1, {"n1", "n2"}, {{"batches_total", {{"", 9}}}}});
  assembly::figures count;
  count["lookups_total"][""] = 200;
  count["hits_total"][""] = 150;
  count["deaths_total"] = {{"expiry", 1}, {"gap", 2}};
  count["staleness_max_ms"][""] = 1000;
  count["samples_total"][""] = 60;
  count["stale_total"][""] = 2;
  count["staleness_p99_us"][""] = 41'500;
  status.caches.push_back({1, "bucket", "bounded", count});
  status.queue->count["frames_total"][""] = 90;
  status.announcer["announced_total"][""] = 30;
  status.announcer["outbox_rows"] = {{"0", 2}, {"1", 3}};
  return status;
}

static topology::cluster two_nodes() {
  topology::cluster of;
  of.options.name = "small";
  for (const auto* name : {"n1", "n2"}) {
    auto& node = of.nodes.emplace_back();
    node.name = name;
    node.roles = {topology::role::queue};
  }
  return of;
}

TEST(CoherenceStatus, ReadsBackWhatItWrote) {
  const auto text = assembly::to_json(example());
  const auto read = assembly::parse_coherence_status(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(assembly::to_json(*read), text);
  EXPECT_EQ(assembly::sum_of(read->caches.at(0).count, "deaths_total"), 3u);
  EXPECT_EQ(read->queue->backlogs.at(0).silent_ms, 300u);
  EXPECT_EQ(read->subscribers.at(0).subscribed.size(), 2u);
}

TEST(CoherenceStatus, RefusesWhatIsNoneAndPassesOverWhatItDoesNotKnow) {
  for (const auto* text : {"", "[]", "{", "{}", "{\"name\":7}"})
    EXPECT_EQ(assembly::parse_coherence_status(text).error(), ec::bad_message) << text;
  const auto read = assembly::parse_coherence_status(
      R"({"name":"n1","queue":null,"caches":[7,{"type":"user","figures":{"a":-1,"b":{"x":"y"}}}],"new":1})");
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->queue);
  EXPECT_EQ(read->caches.at(1).type, "user");
  EXPECT_EQ(assembly::sum_of(read->caches.at(1).count, "a"), 0u);
}

TEST(CoherenceStatus, ShowsEachNameOnceWithItsTypeAsPrometheusWants) {
  auto status = example();
  status.caches.push_back(
      {1, "user", "validated", {{"lookups_total", {{"", 3}}}, {"items", {{"", 4}}}}});
  const auto text = assembly::to_metrics(status);
  EXPECT_THAT(text, HasSubstr("# TYPE dunlin_cache_lookups_total counter\n"
                              "dunlin_cache_lookups_total{service=\"1\",type=\"bucket\"} 200\n"
                              "dunlin_cache_lookups_total{service=\"1\",type=\"user\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE dunlin_cache_items gauge\n"));
  EXPECT_THAT(
      text, HasSubstr("dunlin_cache_deaths_total{service=\"1\",type=\"bucket\",kind=\"gap\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("dunlin_queue_rows_total 42\n"));
}

TEST(CoherenceView, TellsWhoIsBehindAndWhoDoesNotAnswer) {
  const auto text = commands::coherence_text(
      two_nodes(), {{example(), {}}, {std::nullopt, "connection refused"}});
  EXPECT_THAT(text, HasSubstr("bucket"));
  EXPECT_THAT(text, HasSubstr("75%"));
  EXPECT_THAT(text, HasSubstr("5 rows behind: service s3 on n2, silent for 300 ms"));
  EXPECT_THAT(text, HasSubstr("n2 does not answer: connection refused"));
}

TEST(CoherenceView, X2TellsHowEntriesDiedHowStaleAnswersWereAndWhatItCost) {
  const auto text = commands::coherence_text(two_nodes(), {{example(), {}}});
  EXPECT_THAT(text, HasSubstr("expiry 1, gap 2"));
  EXPECT_THAT(text, HasSubstr("1000 ms       60       2       0"));
  EXPECT_THAT(text, HasSubstr("42 ms"));
  EXPECT_THAT(text, HasSubstr("messages to caches a write: 3.00 (90 of 30 announced changes)"));
  auto broken = example();
  broken.caches[0].count["bound_exceeded_total"][""] = 1;
  EXPECT_THAT(commands::coherence_text(two_nodes(), {{broken, {}}}), HasSubstr("1: SEE THE LOG"));
}

TEST(CoherenceView, SaysWhatItMeansThatNobodyIsAQueue) {
  auto of = two_nodes();
  for (auto& node : of.nodes)
    node.roles = {topology::role::access};
  auto status = example();
  status.queue.reset();
  const auto text = commands::coherence_text(of, {{status, {}}, {status, {}}});
  EXPECT_THAT(text, HasSubstr("no node has role queue"));
  EXPECT_THAT(text, Not(HasSubstr("queues on")));
}

TEST(CoherenceView, MergesTheNodesIntoOneObject) {
  const auto text =
      commands::coherence_json(two_nodes(), {{example(), {}}, {std::nullopt, "timed out"}});
  EXPECT_THAT(text, HasSubstr(R"("cluster":"small")"));
  EXPECT_THAT(text, HasSubstr(R"({"name":"n2","error":"timed out"})"));
  EXPECT_THAT(text, HasSubstr(R"("deaths_total":{"expiry":1,"gap":2})"));
}
