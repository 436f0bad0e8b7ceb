// Users, keys and policies that change under clients of whole clusters (Q4, Q16, decision 16,
// docs/decisions/0012). A failure prints its seed; DUNLIN_SEED=N replays it alone.

#include "apps/testkit/bucket_policy_workload.hpp"
#include "apps/testkit/cache_checks.hpp"
#include "apps/testkit/user_workload.hpp"
#include "apps/testkit/virtual_cluster.hpp"
#include "tests/cluster/topologies.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::joined;
using testkit::user_workload;
using testkit::verdict;
using testkit::virtual_cluster;

namespace {

/// `queues` of the three nodes, the last ones, have the role.
std::string with_queues(int queues, const std::string& rest) {
  auto text = testkit::three_nodes;
  for (int i = 0; i < queues; ++i) {
    const auto name = "name = \"n" + std::to_string(3 - i) + "\"";
    text.insert(text.find("roles = [", text.find(name)) + 9, "\"queue\", ");
  }
  return text + "\n[metadata]\npartitions = 1\n" + rest;
}

struct Users {
  Users(std::uint64_t seed, const std::string& topology) : cluster{seed, topology} {
    cluster.start_all();
    EXPECT_TRUE(cluster.wait_until_ready(20s));
    EXPECT_EQ(cluster.call("n1", "PUT", "/work").status, 200);
    cluster.time().run_for(2s);
  }
  /// The workload to its end, and all that is judged after it.
  std::map<verdict, std::uint64_t> run(testkit::user_options options) {
    user_workload users{cluster, options};
    users.begin();
    EXPECT_TRUE(cluster.time().run_until([&] { return users.finished(); }, 900s));
    users.read_all();
    EXPECT_EQ(joined(users.mistakes()), "");
    EXPECT_EQ(joined(testkit::check_hearing(cluster, 20s)), "");
    EXPECT_EQ(
        joined(testkit::check_caches(cluster, {{"work"}, users.access_keys(), users.policies()})),
        "");
    EXPECT_EQ(joined(cluster.error_lines()), "");
    return users.counts();
  }
  virtual_cluster cluster;
};

const std::string bounded =
    "[cache.user]\nstaleness_max = \"3s\"\n[cache.policy]\nstaleness_max = \"1s\"\n";
const std::string validated =
    "[cache.user]\nmode = \"validated\"\n[cache.policy]\nmode = \"validated\"\n";

}  // namespace

TEST(UsersOfACluster, Q16AKeyStopsWithinTheBoundAndWhatIsAllowedIsNeverRefused) {
  for (const auto& [queues, rest] : {std::pair{2, bounded},
                                     {2, validated},
                                     {0, bounded},
                                     {1, bounded + "[cache]\nshared = true\n"},
                                     {2, bounded + "[faults]\ncache_update_loss = 0.3\n"},
                                     {2, bounded + "mirror = true\n"}}) {
    std::map<verdict, std::uint64_t> counts;
    for (const auto seed : testkit::seeds(2)) {
      SCOPED_TRACE(fmt::format("DUNLIN_SEED={}, {} queues, {}", seed, queues, rest));
      Users world{seed, with_queues(queues, rest)};
      for (const auto& [said, count] :
           world.run({.managers = 3, .lives = 9, .changes = 20, .readers = 3}))
        counts[said] += count;
    }
    // None of them would prove anything if it never came about; one seed may draw few of a kind.
    for (const auto said :
         {verdict::allowed, verdict::denied, verdict::unknown_key, verdict::bad_signature})
      EXPECT_GT(counts[said], 5u) << to_text(said) << ", " << rest;
  }
}

TEST(PoliciesOfBuckets, Q16WhatTheyAllowIsNeverRefusedAndWhatTheyDenyIsRefusedOnceTheBoundIsOver) {
  for (const auto& [queues, rest] :
       {std::pair{2, "[cache.bucket]\nstaleness_max = \"2s\"\n"},
        {2, "[cache.bucket]\nmode = \"validated\"\n"},
        {0, "[cache.bucket]\nstaleness_max = \"2s\"\n"},
        {1, "[cache.bucket]\nvalues = false\n[cache]\nshared = true\n"},
        {2, "[cache.bucket]\nmirror = true\n[faults]\ncache_update_loss = 0.3\n"}})
    for (const auto seed : testkit::seeds(2)) {
      SCOPED_TRACE(fmt::format("DUNLIN_SEED={}, {} queues, {}", seed, queues, rest));
      Users world{seed, with_queues(queues, rest)};
      testkit::bucket_policy_workload policies{
          world.cluster, {.owners = 2, .lives = 6, .changes = 20, .readers = 2}};
      policies.begin();
      EXPECT_TRUE(world.cluster.time().run_until([&] { return policies.finished(); }, 900s));
      policies.read_all();
      EXPECT_EQ(joined(policies.mistakes()), "");
      EXPECT_EQ(joined(testkit::check_hearing(world.cluster, 20s)), "");
      EXPECT_EQ(joined(testkit::check_caches(world.cluster, {policies.names(), {}, {}})), "");
      EXPECT_EQ(joined(world.cluster.error_lines()), "");
      const auto counts = policies.counts();
      for (const auto said : {verdict::allowed, verdict::denied})
        EXPECT_GT(counts.contains(said) ? counts.at(said) : 0, 50u) << to_text(said);
    }
}
