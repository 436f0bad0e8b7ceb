// The verbs of a virtual cluster do what they say: each fault does happen, and ends (U4).
#include "apps/testkit/chaos.hpp"
#include "apps/testkit/knobs.hpp"
#include "apps/testkit/object_workload.hpp"
#include "apps/testkit/virtual_cluster.hpp"
#include "tests/cluster/topologies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

using namespace dunlin;
using namespace dunlin::testkit;
using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

namespace {

class FaultVerbs : public testing::Test {
protected:
  FaultVerbs() {
    cluster.start_all();
    EXPECT_TRUE(cluster.wait_until_ready(20s));
    EXPECT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
  }
  ~FaultVerbs() override {
    EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
    EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines());
  }

  node_id leader() { return cluster.leader_of(1); }
  node_id follower() {
    for (const auto& name : cluster.nodes())
      if (!cluster.leads(name, 0) && !cluster.leads(name, 1)) return name;
    return cluster.nodes().back();
  }
  int put(const node_id& through, const std::string& key) {
    return cluster.call(through, "PUT", "/work/" + key, "", "value of " + key).status;
  }
  bool starts(const node_id& name) {
    return cluster.time().run_until([&] { return cluster.runs(name) || cluster.start(name); }, 10s);
  }

  virtual_cluster cluster{77, three_nodes + "[metadata]\npartitions = 1\n"};
};

}  // namespace

TEST_F(FaultVerbs, APausedNodeAnswersNothingAndThenGoesOn) {
  const auto victim = leader();
  std::optional<virtual_cluster::answer> heard;
  cluster.pause(victim);
  cluster.send(victim, "GET", "/work/none", "", "", [&](const auto& it) { heard = it; });
  cluster.time().run_for(5s);
  EXPECT_FALSE(heard);
  // The others have found another leader meanwhile.
  node_id other;
  for (const auto& name : cluster.nodes())
    if (name != victim && cluster.leads(name, 1)) other = name;
  EXPECT_NE(other, "");
  EXPECT_TRUE(cluster.leads(victim, 1));  // it does not know
  cluster.resume(victim);
  EXPECT_TRUE(cluster.time().run_until([&] { return !cluster.leads(victim, 1); }, 5s));
  EXPECT_TRUE(cluster.time().run_until([&] { return heard.has_value(); }, 20s));
  EXPECT_LT(cluster.longest_answer().took, 5s);  // of its own time
  EXPECT_TRUE(cluster.wait_until_ready(10s));
  EXPECT_EQ(put(victim, "after"), 200);
}

TEST_F(FaultVerbs, APausedNodeCanLoseItsPower) {
  cluster.pause("n2");
  cluster.time().run_for(1s);
  cluster.crash("n2");
  EXPECT_FALSE(cluster.is_paused("n2"));
  EXPECT_TRUE(starts("n2"));
  EXPECT_TRUE(cluster.wait_until_ready(15s));
}

TEST_F(FaultVerbs, AClockJumpsAndDrifts) {
  cluster.set_clock("n1", 300s);
  EXPECT_EQ(cluster.wall_ms("n1"), cluster.wall_ms() + 300'000);
  EXPECT_EQ(cluster.wall_ms("n2"), cluster.wall_ms());
  cluster.set_clock("n2", -60s, 100'000);
  cluster.time().run_for(10s);
  EXPECT_NEAR(static_cast<double>(cluster.wall_ms("n2") - cluster.wall_ms()), -59'000, 2);
  EXPECT_EQ(put("n1", "early"), 200);
  EXPECT_EQ(put("n2", "late"), 200);
  // What no clock may be trusted with: beyond 15 minutes a signature is refused.
  cluster.set_clock("n3", 16min);
  EXPECT_EQ(put("n3", "refused"), 403);
}

TEST_F(FaultVerbs, ALeaderWithoutAQuorumIsSeenToStepDown) {
  const auto victim = leader();
  for (const auto& name : cluster.nodes())
    if (name != victim) cluster.network().cut_both(victim, name);
  EXPECT_TRUE(cluster.time().run_until([&] { return !cluster.leads(victim, 1); }, 5s));
  cluster.network().heal_all();
  EXPECT_TRUE(cluster.wait_until_ready(10s));
}

TEST_F(FaultVerbs, ASlowDiskDelaysWhatWaitsForIt) {
  const auto took = [this](const std::string& key) {
    const auto begun = cluster.time().now();
    EXPECT_EQ(put("n1", key), 200);
    return cluster.time().now() - begun;
  };
  const auto usual = took("a");
  for (const auto& name : cluster.nodes())
    cluster.slow_disk(name, 200ms);
  // Pages at a quorum, then the log at a quorum.
  EXPECT_GE(took("b"), 400ms);
  for (const auto& name : cluster.nodes())
    cluster.slow_disk(name, {});
  EXPECT_LT(took("c"), usual + 100ms);
}

TEST_F(FaultVerbs, OneSlowDiskIsNotWaitedFor) {
  const auto victim = follower();
  cluster.slow_disk(victim, 2s);
  const auto other = victim == "n1" ? "n2" : "n1";
  const auto begun = cluster.time().now();
  EXPECT_EQ(put(other, "a"), 200);
  EXPECT_LT(cluster.time().now() - begun, 1500ms);
}

TEST_F(FaultVerbs, ANodeWhoseDiskFailsOnceEndsAndStartsAgainWithAllItHasPromised) {
  ASSERT_EQ(put("n1", "kept"), 200);
  // Not every call is the log's: until one is.
  std::uint64_t calls = 0;
  EXPECT_TRUE(cluster.time().run_until(
      [&] {
        if (cluster.runs("n2")) cluster.fail_disk_call("n2", ++calls);
        put("n1", "more");
        return !cluster.runs("n2");
      },
      20s));
  cluster.mend_disk("n2");
  EXPECT_TRUE(starts("n2"));
  EXPECT_TRUE(cluster.wait_until_ready(15s));
  EXPECT_EQ(cluster.call("n2", "GET", "/work/kept").body, "value of kept");
}

TEST_F(FaultVerbs, ANodeDoesNotStartOnABrokenDiskAndDoesOnAMendedOne) {
  cluster.crash("n3");
  cluster.break_disk("n3", 1'000'000);
  EXPECT_FALSE(cluster.start("n3"));
  EXPECT_FALSE(cluster.runs("n3"));
  EXPECT_EQ(put("n1", "meanwhile"), 200);
  cluster.mend_disk("n3");
  EXPECT_TRUE(cluster.start("n3"));
  EXPECT_TRUE(cluster.wait_until_ready(15s));
  EXPECT_EQ(cluster.call("n3", "GET", "/work/meanwhile").status, 200);
}

TEST_F(FaultVerbs, FullDisksEverywhereRefuseWritesAndServeReads) {
  ASSERT_EQ(put("n1", "before"), 200);
  for (const auto& name : cluster.nodes())
    cluster.fill_disk(name, 16u << 20);
  cluster.time().run_for(3s);
  EXPECT_GE(put("n1", "full"), 500);
  EXPECT_EQ(cluster.call("n2", "GET", "/work/before").body, "value of before");
  for (const auto& name : cluster.nodes())
    cluster.empty_disk(name);
  EXPECT_TRUE(cluster.time().run_until([&] { return put("n1", "room") == 200; }, 30s));
}

TEST_F(FaultVerbs, ADamagedLogKeepsItsNodeFromStartingAndTheOthersGoOn) {
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(put("n1", "k" + std::to_string(i)), 200);
  cluster.crash("n2");
  // In the middle of what was synced: an acknowledged entry would be missing.
  const auto files = cluster.disk("n2").durable_files("wal");
  ASSERT_FALSE(files.empty());
  for (const auto& [path, size] : files)
    for (std::uint64_t at = 0; at < std::min<std::uint64_t>(size, 4096); at += 32)
      cluster.disk("n2").flip_bit(path, at, 3);
  cluster.break_disk("n2", 0);  // its error lines are expected
  EXPECT_FALSE(cluster.start("n2"));
  EXPECT_EQ(put("n1", "without"), 200);
  cluster.mend_disk("n2");
}

// ---- every event, byte for byte ----

namespace {

std::vector<std::string> whole_trace(std::uint64_t seed) {
  std::vector<std::string> lines;
  // They hear what comes until the cluster is gone.
  std::optional<object_workload> objects;
  std::optional<chaos> faults;
  virtual_cluster cluster{seed, draw_knobs(seed)};
  cluster.on_event([&](std::string line) { lines.push_back(std::move(line)); });
  cluster.trace_everything();
  cluster.start_all();
  cluster.wait_until_ready(15s);
  cluster.call(cluster.access_nodes().front(), "PUT", "/work");
  objects.emplace(cluster, workload_options{.clients = 3, .operations = 60, .pause = 100ms});
  faults.emplace(cluster,
                 chaos_options{.faults = all_faults(), .pause_min = 50ms, .pause_max = 400ms});
  objects->begin();
  faults->begin();
  cluster.time().run_for(10s);
  faults->end();
  cluster.wait_until_ready(15s);
  return lines;
}

/// What this binary prints when it is run again as another process.
std::string trace_of_another_process() {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto command =
      "DUNLIN_TRACE_SEED=4711 '" + self + "' --gtest_filter=Trace.ForAnotherProcess";
  auto* child = popen(command.c_str(), "r");
  std::string text;
  char piece[4096];
  while (const auto got = std::fread(piece, 1, sizeof piece, child))
    text.append(piece, got);
  pclose(child);
  const auto begin = text.find("trace of ");
  return begin == text.npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

TEST(Trace, NamesTimeNodeAndWhatOfEveryKindOfEvent) {
  const auto lines = whole_trace(4711);
  EXPECT_THAT(lines, Contains(HasSubstr(" n1 turn log_writer")));
  EXPECT_THAT(lines, Contains(HasSubstr(" frame of ")));
  EXPECT_THAT(lines, Contains(HasSubstr(" exchange of ")));
  EXPECT_THAT(lines, Contains(HasSubstr(" disk ")));
  EXPECT_THAT(lines, Contains(HasSubstr(" raft ")));
  EXPECT_THAT(lines, Contains(HasSubstr(" FAULT ")));
  EXPECT_THAT(lines, Contains(HasSubstr(" answered ")));
}

TEST(Trace, OfTheSameSeedIsTheSameByteForByte) {
  const auto one = whole_trace(4711), other = whole_trace(4711);
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t i = 0; i < one.size(); ++i)
    ASSERT_EQ(one[i], other[i]) << "line " << i;
  EXPECT_NE(one, whole_trace(4712));
}

TEST(Trace, ForAnotherProcess) {
  const auto* seed = std::getenv("DUNLIN_TRACE_SEED");
  if (!seed) GTEST_SKIP() << "run by the next test";
  std::uint64_t hash = 0xcbf29ce484222325ull;
  const auto lines = whole_trace(std::strtoull(seed, nullptr, 10));
  for (const auto& line : lines)
    for (const unsigned char c : line)
      hash = (hash ^ c) * 0x100000001b3ull;
  std::printf("trace of %s: %zu lines, hash %016llx\n", seed, lines.size(),
              static_cast<unsigned long long>(hash));
}

TEST(Trace, IsTheSameInAnotherProcess) {
  const auto one = trace_of_another_process();
  EXPECT_THAT(one, HasSubstr("hash"));
  EXPECT_EQ(one, trace_of_another_process());
}

TEST(Knobs, AreTheSameForASeedAndDifferBetweenSeeds) {
  std::set<std::string> topologies, values;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto drawn = draw_knobs(seed);
    EXPECT_EQ(drawn.told, draw_knobs(seed).told);
    EXPECT_NO_THROW(virtual_cluster(seed, drawn)) << drawn.topology;
    topologies.insert(drawn.topology);
    values.insert(drawn.told.at("nodes"));
  }
  EXPECT_GT(topologies.size(), 150u);
  EXPECT_EQ(values.size(), 7u);
}

TEST(ChaosMix, EveryKindStrikesSomebody) {
  virtual_cluster cluster{5, three_nodes};
  cluster.start_all();
  ASSERT_TRUE(cluster.wait_until_ready(20s));
  ASSERT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
  ASSERT_EQ(cluster.call("n1", "PUT", "/work/a", "", "something to damage").status, 200);
  chaos faults{cluster, {.faults = all_faults()}};
  for (const auto what : all_faults()) {
    faults.strike(what);
    for (int i = 0; i < 10 && !faults.counts().contains(std::string(to_string(what))); ++i) {
      cluster.time().run_for(2s);
      faults.strike(what);
    }
    EXPECT_TRUE(faults.counts().contains(std::string(to_string(what)))) << to_string(what);
    cluster.time().run_for(1s);
    for (const auto& name : cluster.nodes())
      if (!cluster.runs(name)) cluster.start(name);
  }
  faults.end();
  EXPECT_TRUE(cluster.wait_until_ready(20s));
  EXPECT_TRUE(cluster.violations().empty()) << joined(cluster.violations());
  EXPECT_TRUE(cluster.error_lines().empty()) << joined(cluster.error_lines());
}
