// Races and failures of near caches in whole clusters (Q5, Q7 to Q14, Q25, Q26;
// docs/decisions/0011). Two queues on nodes of their own, so that what they and what leaders say
// goes different ways; lookers around every write, and a watch that judges every answer by what was
// acknowledged. A failure prints its seed; DUNLIN_SEED=N replays it alone, DUNLIN_SEEDS=N runs so
// many.
#include "apps/testkit/bucket_workload.hpp"
#include "apps/testkit/cache_checks.hpp"
#include "apps/testkit/lookup_workload.hpp"
#include "apps/testkit/virtual_cluster.hpp"
#include "messages/cache_types.hpp"
#include "messages/services.hpp"
#include "tests/cluster/topologies.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::joined;
using testkit::three_nodes;
using testkit::virtual_cluster;

namespace {

const std::string bucket(cached::bucket);
using ms = std::chrono::milliseconds;

std::string queue_node(int number) {
  return fmt::format(
      "\n[[node]]\nname = \"q{0}\"\nroles = [\"queue\"]\ncontrol = \"127.0.0.1:72{0}1\"\n"
      "bulk = \"127.0.0.1:72{0}2\"\nadmin = \"127.0.0.1:72{0}3\"\n",
      number);
}

std::string two_queues(ms window = 20ms, ms staleness = 1s) {
  return three_nodes + queue_node(1) + queue_node(2) +
         fmt::format(
             "\n[metadata]\npartitions = 1\n[queue]\nwindow = \"{}ms\"\n[cache.bucket]\n"
             "staleness_max = \"{}ms\"\n",
             window.count(), staleness.count());
}

class CoherenceRaces : public testing::TestWithParam<std::uint64_t> {
protected:
  void start(const std::string& topology, const std::vector<node_id>& later = {}) {
    cluster = std::make_unique<virtual_cluster>(GetParam(), topology);
    lookups = std::make_unique<testkit::lookup_workload>(*cluster);
    for (const auto& name : cluster->nodes())
      if (std::find(later.begin(), later.end(), name) == later.end()) cluster->start(name);
    ASSERT_TRUE(cluster->wait_until_ready(20s));
    run(2s);
  }
  void TearDown() override {
    if (!cluster) return;
    run(3s);
    EXPECT_EQ(joined(lookups->mistakes()), "") << "DUNLIN_SEED=" << GetParam();
    EXPECT_EQ(joined(cluster->error_lines()), "");
    EXPECT_GT(lookups->watch().answers(), 0u);
  }
  void quiet(const std::vector<std::string>& names) {
    EXPECT_EQ(joined(testkit::check_hearing(*cluster, 20s)), "");
    EXPECT_EQ(joined(testkit::check_caches(*cluster, {names, {}, {}})), "");
  }

  void run(ms duration) { cluster->time().run_for(duration); }
  ms now() { return std::chrono::duration_cast<ms>(cluster->time().now()); }
  int call(const node_id& through, const std::string& method, const std::string& name) {
    return cluster->call(through, method, "/" + name).status;
  }
  std::optional<cache_answer> look(const node_id& at, const std::string& name) {
    return cluster->look_up(at, bucket, name);
  }
  bool holds(const node_id& at, const std::string& name) {
    const auto said = look(at, name);
    return said && said->record;
  }
  /// The root partition's leader, and the access node after it.
  node_id leader() { return cluster->leader_of(0); }
  node_id follower() {
    const auto name = leader();
    return name == "n1" ? "n2" : name == "n2" ? "n3" : "n1";
  }
  /// One that leads nothing.
  node_id bystander() {
    for (const auto* name : {"n1", "n2", "n3"})
      if (name != cluster->leader_of(0) && name != cluster->leader_of(1)) return name;
    return {};
  }
  void cut_off(const node_id& name) {
    for (const auto* queue : {"q1", "q2"})
      cluster->network().cut_both(name, queue);
  }
  void join(const node_id& name) {
    for (const auto* queue : {"q1", "q2"}) {
      cluster->network().heal(name, queue);
      cluster->network().heal(queue, name);
    }
  }
  /// Of the node's subscriber, or of its cache of buckets.
  std::uint64_t figure(const node_id& name, const std::string& what,
                       const std::string& label = {}) {
    const auto status = cluster->status(name);
    std::uint64_t sum = 0;
    const auto add = [&](const auto& figures) {
      for (const auto& one : figures)
        if (one.name() == what && (label.empty() || one.label() == label)) sum += one.value();
    };
    for (const auto& one : status.subscribers())
      add(one.figures());
    for (const auto& one : status.caches())
      if (one.type() == bucket) add(one.figures());
    return sum;
  }

  std::set<std::string> unheard;  ///< keys
  std::unique_ptr<virtual_cluster> cluster;
  std::unique_ptr<testkit::lookup_workload> lookups;
};

// Q5, Q11: the leader read before the write; its answer is on its way for longer than the news.
// Messages carry no values: one that did would leave something newer here, before which any fill
// gives way.
TEST_P(CoherenceRaces, ASlowFillDoesNotOvertakeTheInvalidationOfALaterWrite) {
  start(two_queues() + "values = false\n");
  const auto from = leader(), to = bystander();
  ASSERT_EQ(call(from, "PUT", "work"), 200);
  run(1s);
  lookups->stop();
  cluster->network().cut(from, to);
  const auto cache = cluster->parts(to).caches.at(bucket);
  caf::anon_send(cache, cache_look_up{"work", true, "slow"});
  run(50ms);
  ASSERT_EQ(call(from, "DELETE", "work"), 204);
  run(100ms);  // the queues have told it
  const auto refused = figure(to, "fills_refused_total", "overtaken");
  cluster->network().heal(from, to);
  run(400ms);
  EXPECT_EQ(figure(to, "fills_refused_total", "overtaken"), refused + 1);
  EXPECT_FALSE(holds(to, "work"));
  quiet({"work"});
}

// Q11, Q12: several values of one item in one window, an end and a new beginning among them.
TEST_P(CoherenceRaces, OfManyChangesInOneWindowTheNewestWins) {
  start(two_queues(200ms));
  const auto at = follower();
  ASSERT_EQ(call("n1", "PUT", "work"), 200);
  run(1s);
  for (int round = 0; round < 5; ++round) {
    EXPECT_TRUE(holds(at, "work"));
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(call("n1", "DELETE", "work"), 204);
      ASSERT_EQ(call("n2", "PUT", "work"), 200);
    }
    run(700ms);
  }
  quiet({"work"});
}

// Q5, decision 16: what was written through a node is right there at once, whatever queues say.
TEST_P(CoherenceRaces, TheWritersOwnNodeIsRightBeforeAnyMessageComes) {
  start(two_queues());
  const auto at = follower();
  ASSERT_EQ(call("n1", "PUT", "work"), 200);
  EXPECT_EQ(call(at, "HEAD", "work"), 200);
  cut_off(at);
  ASSERT_EQ(call(at, "DELETE", "work"), 204);
  EXPECT_FALSE(holds(at, "work"));
  ASSERT_EQ(call(at, "PUT", "work"), 200);
  EXPECT_TRUE(holds(at, "work"));
  ASSERT_EQ(call(at, "DELETE", "work"), 204);
  EXPECT_FALSE(holds(at, "work"));
  run(500ms);
  join(at);
  quiet({"work"});
}

// Q7, Q13, Q14, Q25: what a dead queue had not told is told by its next life; reads go on.
TEST_P(CoherenceRaces, AQueueKilledWithABacklogLeavesNothingStale) {
  start(two_queues());
  const auto at = follower();
  cut_off(at);  // both queues have a backlog for it
  for (int i = 0; i < 6; ++i)
    ASSERT_EQ(call("n1", "PUT", "work" + std::to_string(i)), 200);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(call("n1", "DELETE", "work" + std::to_string(i)), 204);
  const auto before = figure(at, "confirmations_total") + figure(at, "fetches_total");
  for (const auto* queue : {"q1", "q2"})
    cluster->crash(queue, GetParam() % 2 == 0);
  run(2s);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(holds(at, "work" + std::to_string(i)), i >= 3);
  // The report shows what reads cost meanwhile, and that queues were away.
  EXPECT_GT(figure(at, "confirmations_total") + figure(at, "fetches_total"), before);
  EXPECT_GT(figure(at, "proof_age_ms", "bucket"), 1000u);
  join(at);
  cluster->start_all();
  ASSERT_TRUE(cluster->wait_until_ready(20s));
  run(5s);
  quiet({"work0", "work1", "work2"});
  EXPECT_LT(figure(at, "proof_age_ms", "bucket"), 1000u);
  EXPECT_GE(cluster->status("q1").queue().queue_incarnation(), 2u);
}

// Q14: no message for a minute; what is served is as fresh as ever, and asked for.
TEST_P(CoherenceRaces, WithoutAnyQueueForAMinuteReadsGoOnAndStayRight) {
  start(two_queues());
  testkit::bucket_workload buckets{*cluster, {.owners = 2, .lives = 12, .readers = 3}};
  buckets.begin();
  run(3s);
  for (const auto* queue : {"q1", "q2"})
    cluster->crash(queue);
  run(60s);
  cluster->start_all();
  ASSERT_TRUE(cluster->wait_until_ready(20s));
  buckets.stop();
  cluster->time().run_until([&] { return buckets.finished(); }, 60s);
  EXPECT_EQ(joined(buckets.mistakes()), "");
  EXPECT_EQ(joined(buckets.judge_all(50'000)), "");
  quiet(buckets.names());
}

// Q7: what the old leader had in its outbox is told by the new one.
TEST_P(CoherenceRaces, AChangeOfLeadersInMidWindowLosesNothing) {
  start(two_queues(150ms));
  std::vector<std::string> names;
  for (int round = 0; round < 4; ++round) {
    const auto old = leader();
    const auto writer = follower();
    for (int i = 0; i < 4; ++i) {
      names.push_back(fmt::format("b{}-{}", round, i));
      ASSERT_EQ(call(writer, "PUT", names.back()), 200);
      if (i % 2) {
        ASSERT_EQ(call(writer, "DELETE", names.back()), 204);
      }
    }
    cluster->crash(old, round % 2 == 1);
    run(4s);
    ASSERT_EQ(call(writer, "DELETE", fmt::format("b{}-0", round)), 204);
    cluster->start_all();
    ASSERT_TRUE(cluster->wait_until_ready(20s));
  }
  quiet(names);
}

// Q14: a node that stood still knows nothing of what was said meanwhile, and serves none of it.
TEST_P(CoherenceRaces, ANodeThatStoodStillForHalfAMinuteServesNothingOld) {
  start(two_queues());
  const auto at = follower();
  const auto writer = at == "n1" ? "n2" : "n1";
  for (int i = 0; i < 4; ++i)
    ASSERT_EQ(call(writer, "PUT", "work" + std::to_string(i)), 200);
  run(2s);  // a looker may have met the name before the bucket was made: a "no" within the bound
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(holds(at, "work" + std::to_string(i))) << i;
  cluster->pause(at);
  run(3s);
  for (int i = 0; i < 4; i += 2)
    ASSERT_EQ(call(writer, "DELETE", "work" + std::to_string(i)), 204);
  run(27s);
  cluster->resume(at);
  // It may first have to hear who leads; what it says then is right.
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(holds(at, "work" + std::to_string(i)), i % 2 == 1) << i;
  quiet({"work0", "work2"});
}

// Q13: away for five seconds, nothing missed, nothing dropped, and soon as fresh as before.
TEST_P(CoherenceRaces, ASubscriberThatWasAwayMissesNothingAndIsFreshAtOnce) {
  start(two_queues());
  lookups->stop();
  const auto at = follower();
  const auto writer = at == "n1" ? "n2" : "n1";
  const auto name = [](int i) { return "work" + std::to_string(i); };
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(call(writer, "PUT", name(i)), 200);
  run(1s);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(holds(at, name(i)));
  const auto drops = figure(at, "drops_total"), missed = figure(at, "missed_total");
  cluster->on_heard(
      [&](const node_id& where, const std::string&, const std::string& key, std::uint64_t) {
        if (where == at) unheard.erase(key);
      });
  cut_off(at);
  for (const auto* queue : {"q1", "q2"})
    cluster->network().break_wires(at, queue);
  for (int i = 0; i < 20; i += 2) {
    ASSERT_EQ(call(writer, "DELETE", name(i)), 204);
    unheard.insert(name(i));
  }
  run(5s);
  EXPECT_EQ(unheard.size(), 10u);
  join(at);
  const auto connected = [&] {
    std::size_t up = 0;
    const auto status = cluster->status(at);
    for (const auto& peer : status.peers())
      up += peer.connected() && peer.node().front() == 'q';
    return up == 2;
  };
  while (!connected())
    run(5ms);
  const auto back = now();
  cluster->time().run_until([&] { return unheard.empty(); }, 10s);
  EXPECT_LE(now() - back, 100ms);
  RecordProperty("fresh_after_ms", static_cast<int>((now() - back).count()));
  EXPECT_EQ(figure(at, "drops_total"), drops);
  EXPECT_EQ(figure(at, "missed_total"), missed);
  quiet({});
}

// Q13, Q14: frames twice, in any order, seconds late, or never.
TEST_P(CoherenceRaces, RepeatedReversedAndVeryLateMessagesMakeNoCacheOlder) {
  start(two_queues());
  auto faults = cluster->network().faults();
  faults.repeated_per_million = 200'000;
  faults.overtaken_per_million = 150'000;
  faults.overtake_max = 4s;
  faults.dropped_per_million = 20'000;
  cluster->network().set_faults(faults);
  testkit::bucket_workload buckets{*cluster, {.owners = 3, .lives = 15, .readers = 3}};
  buckets.begin();
  cluster->time().run_until([&] { return buckets.finished(); }, 120s);
  buckets.stop();
  cluster->network().set_faults({});
  cluster->time().run_until([&] { return buckets.finished(); }, 60s);
  run(10s);
  EXPECT_EQ(joined(buckets.mistakes()), "");
  quiet(buckets.names());
}

// Q9, Q26: whatever it has asked for before it can know of changes is not served unconfirmed.
TEST_P(CoherenceRaces, ANodeThatIsAddedIsSubscribedBeforeWhatItHoldsIsBelieved) {
  start(two_queues(), {"n3"});
  testkit::bucket_workload buckets{*cluster, {.owners = 3, .lives = 30, .readers = 2}};
  ASSERT_EQ(call("n1", "PUT", "work"), 200);
  buckets.begin();
  run(5s);
  cluster->start("n3");
  // From its first moment, while it subscribes.
  bool unproven = false;
  for (int i = 0; i < 100; ++i) {
    const auto said = look("n3", "work");
    const auto subscribed = figure("n3", "proof_age_ms", "bucket") > 0;
    if (said && said->from_cache && said->age > 1s) unproven = true;
    if (subscribed && said && said->from_cache) break;
    run(20ms);
  }
  EXPECT_FALSE(unproven);
  EXPECT_TRUE(look("n3", "work")->from_cache);
  ASSERT_TRUE(cluster->wait_until_ready(20s));
  run(10s);
  buckets.stop();
  cluster->time().run_until([&] { return buckets.finished(); }, 60s);
  EXPECT_EQ(joined(buckets.mistakes()), "");
  EXPECT_EQ(cluster->status("n3").subscribers(0).subscribed_size(), 2);
  quiet(buckets.names());
}

INSTANTIATE_TEST_SUITE_P(Seeds, CoherenceRaces, testing::ValuesIn(testkit::seeds(3)));

}  // namespace
