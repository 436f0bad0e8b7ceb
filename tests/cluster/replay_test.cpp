// A trace on the near caches of a whole cluster, by the same driver as on a real one: what it costs
// the leaders, how old what is served gets, what it takes of messages (X2, docs/replay.md). A
// failure prints its seed; DUNLIN_SEED=N replays it alone.

#include "apps/replay/model.hpp"
#include "apps/replay/virtual_run.hpp"
#include "tests/cluster/topologies.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

using namespace dunlin;
using namespace dunlin::replay;
using namespace std::chrono_literals;
using testkit::joined;

namespace {

constexpr std::size_t clients = 4;

std::string topology_of(bool values, const std::string& more = {}) {
  std::string text = "[cluster]\nname = \"replay\"\n[objects]\nreplica_sets = 1\n" + more;
  for (const auto* type : {"user", "bucket", "policy", "object"})
    text += fmt::format("[cache.{}]\nmode = \"bounded\"\nvalues = {}\n", type, values);
  int port = 7000;
  const auto add = [&](const std::string& name, const std::string& roles, bool s3) {
    text += fmt::format("[[node]]\nname = \"{}\"\nroles = [{}]\n", name, roles);
    for (const auto* address : {"control", "bulk", "admin", "s3"})
      if (s3 || address != std::string("s3"))
        text += fmt::format("{} = \"127.0.0.1:{}\"\n", address, ++port);
  };
  for (int i = 1; i <= 3; ++i)
    add(fmt::format("n{}", i), R"("database", "storage", "queue")", false);
  for (std::size_t i = 1; i <= clients; ++i)
    add(fmt::format("c{}", i), R"("access")", true);
  return text;
}

std::shared_ptr<const plan> small_plan(std::uint64_t seed) {
  auto shape = orm_shape();
  shape.rows = 2'000;
  shape.keys = 400;
  shape.rate = 200;
  shape.write_share = 0.05;
  return std::make_shared<const plan>(make_plan(generate_trace(shape, seed), {.nodes = clients}));
}

/// Replays on a cluster of its own.
run_figures replay_on(std::uint64_t seed, const std::string& topology,
                      const std::shared_ptr<const plan>& what, std::uint64_t* history = nullptr) {
  const auto made = replay_virtually(seed, topology, what, true);
  EXPECT_TRUE(made.error_lines.empty()) << joined(made.error_lines);
  if (history) *history = made.history;
  return made.figures;
}

double reads_per_1000(const run_figures& of) {
  std::uint64_t fetches = 0;
  for (const auto* type : {"user", "bucket", "policy", "object"})
    fetches += of.grown(fmt::format("cache.{}.fetches_total", type));
  return 1000.0 * static_cast<double>(fetches) / static_cast<double>(of.seen.lookups);
}

void expect_right(const run_figures& of) {
  EXPECT_EQ(of.gave_up, "");
  EXPECT_EQ(of.first_failure, "");
  EXPECT_EQ(of.seen.absent, 0u);
  EXPECT_EQ(of.seen.went_back, 0u);
  EXPECT_EQ(of.seen.unheard, 0u);
  EXPECT_GT(of.audit.held, 0u);
  EXPECT_EQ(of.audit.old, 0u);
  EXPECT_EQ(of.audit.lost, 0u);
  EXPECT_EQ(of.audit.failures, 0u);
}

}  // namespace

TEST(Replay, ATraceCostsTheLeadersHardlyMoreThanTheBoundAndServesNothingOld) {
  for (const auto seed : testkit::seeds(2))
    for (const auto values : {false, true}) {
      SCOPED_TRACE(fmt::format("DUNLIN_SEED={} values {}", seed, values));
      const auto what = small_plan(seed);
      const auto bound =
          run_model(*what, {values ? model::told::what_it_is_now : model::told::that_it_changed});
      const auto seen = replay_on(seed, topology_of(values), what);
      expect_right(seen);
      EXPECT_EQ(seen.seen.lookups, bound.lookups);
      EXPECT_LE(reads_per_1000(seen), 1.02 * bound.reads_per_1000());
      EXPECT_LE(static_cast<double>(seen.seen.stale), 0.002 * static_cast<double>(bound.lookups));
      EXPECT_LE(seen.seen.age_max, 60ms);
      EXPECT_LE(seen.seen.delay_p99, 60ms);
      EXPECT_GT(seen.grown("queue.frames_total"), 0u);
      EXPECT_LE(seen.grown("queue.frames_total"), clients * seen.seen.writes);
    }
}

TEST(Replay, LossOfUpdatesCostsAgeAndNoReads) {
  const auto seed = testkit::seeds(1).front();
  SCOPED_TRACE(fmt::format("DUNLIN_SEED={}", seed));
  const auto what = small_plan(seed);
  const auto bound = run_model(*what, {model::told::what_it_is_now});
  const auto seen = replay_on(seed, topology_of(true, "[faults]\ncache_update_loss = 0.1\n"), what);
  expect_right(seen);
  EXPECT_LE(reads_per_1000(seen), 1.02 * bound.reads_per_1000());
  EXPECT_LE(seen.seen.age_max, 1200ms);
  EXPECT_GT(seen.grown("queue.resends_total"), 0u);
}

TEST(Replay, IsTheSameForTheSameSeed) {
  const auto seed = testkit::seeds(1).front();
  const auto what = small_plan(seed);
  std::uint64_t one = 0, other = 0;
  const auto first = replay_on(seed, topology_of(true), what, &one);
  const auto second = replay_on(seed, topology_of(true), what, &other);
  EXPECT_EQ(one, other);
  EXPECT_EQ(first.seen.stale, second.seen.stale);
  EXPECT_EQ(first.after, second.after);
}
