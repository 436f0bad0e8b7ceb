#include "apps/assembly/admin.hpp"

#include "apps/assembly/cache_change_status.hpp"
#include "apps/assembly/fault_status.hpp"
#include "runtime/crypto/random.hpp"
#include "runtime/simulation/sim_http.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

using namespace dunlin;
using namespace std::chrono_literals;

namespace {

node_manager_actor::behavior_type fake_manager(node_manager_actor::pointer,
                                               v1::NodeStatus* status) {
  return {[status](const v1::GetNodeStatus&) { return *status; },
          [](const v1::BeginDrain&) { return v1::BeginDrainReply{}; }};
}

cache_control_actor::behavior_type fake_caches(cache_control_actor::pointer,
                                               std::vector<change_caches>* heard) {
  return {[heard](const change_caches& wish) {
    heard->push_back(wish);
    return caches_changed{{{1, "bucket", ""}, {2, "bucket", "invalid argument"}}};
  }};
}

coherence_sampler_actor::behavior_type fake_sampler(coherence_sampler_actor::pointer) {
  return {[](const cache_sample&) {},
          [](const get_staleness&) {
            staleness bucket{"bucket", 1, 200, 3, 2};
            bucket.p99_us = 41'000;
            return staleness_report{{bucket, {"user", 2, 1}}};
          }};
}

struct Admin : testing::Test {
  support::virtual_system world;
  metrics counts;
  v1::NodeStatus status;
  node_manager_actor manager = world.system.spawn(fake_manager, &status);
  std::shared_ptr<assembly::message_loss> loss =
      std::make_shared<assembly::message_loss>(std::make_shared<crypto::seeded_random>(1), counts);
  std::vector<change_caches> instructions;
  http::acceptor plane;
  std::deque<std::function<void()>> later;

  Admin() {
    status.set_name("n1");
    status.set_state(v1::NodeStatus::READY);
    auto& replica = *status.add_replicas();
    replica.set_partition(1);
    replica.set_role("leader");
    replica.set_last_hash(255);
    assembly::node_status fixed;
    fixed.pid = 42;
    fixed.name = "n1";
    plane = assembly::admin_plane(world.system, counts,
                                  {"secret-token",
                                   manager,
                                   fixed,
                                   loss,
                                   world.system.spawn(fake_caches, &instructions),
                                   {},
                                   world.system.spawn(fake_sampler)});
  }

  simulation::sim_response get(const std::string& target, const std::string& token = {},
                               const std::string& method = "GET", const std::string& body = {}) {
    simulation::sim_request request;
    if (!body.empty()) request.body = {body};
    request.head.method = method;
    request.head.target = target;
    request.head.content_length = body.size();
    if (!token.empty()) request.head.headers.push_back({"Authorization", "Bearer " + token});
    auto exchange = simulation::sim_exchange::make(
        request, [this](std::function<void()> what) { later.push_back(std::move(what)); });
    const auto seen = exchange->seen();
    plane(std::move(exchange));
    world.run();
    while (!later.empty()) {
      auto next = std::move(later.front());
      later.pop_front();
      next();
      world.run();
    }
    return *seen;
  }
  int code(const std::string& target, const std::string& token = {},
           const std::string& method = "GET") {
    const auto seen = get(target, token, method);
    return seen.head ? seen.head->status : 0;
  }
};

}  // namespace

TEST_F(Admin, TellsHealthToAnybody) {
  EXPECT_EQ(code("/health/live"), 200);
  EXPECT_EQ(code("/health/ready"), 200);
  status.set_state(v1::NodeStatus::STARTING);
  EXPECT_EQ(code("/health/ready"), 503);
}

TEST_F(Admin, TellsTheRestOnlyToWhomHasTheToken) {
  EXPECT_EQ(code("/status"), 401);
  EXPECT_EQ(code("/metrics"), 401);
  EXPECT_EQ(code("/status", "wrong"), 401);
  EXPECT_EQ(code("/metrics", "secret-token"), 200);
}

TEST_F(Admin, ShowsTheStatusAsJson) {
  const auto seen = get("/status", "secret-token");
  const auto parsed = assembly::parse_node_status(seen.body).value();
  EXPECT_EQ(parsed.name, "n1");
  EXPECT_EQ(parsed.pid, 42);
  EXPECT_EQ(parsed.state, "ready");
  ASSERT_EQ(parsed.partitions.size(), 1u);
  EXPECT_EQ(parsed.partitions[0].last_hash, "0x00000000000000ff");
}

TEST_F(Admin, ShowsWhatCachesAndTheQueueSayAsJsonAndAsMetrics) {
  EXPECT_EQ(code("/coherence"), 401);
  auto& cache = *status.add_caches();
  cache.set_service(1);
  cache.set_type("bucket");
  auto& figure = *cache.add_figures();
  figure.set_name("lookups_total");
  figure.set_value(12);
  const auto read =
      assembly::parse_coherence_status(get("/coherence", "secret-token").body).value();
  EXPECT_EQ(read.caches.at(0).type, "bucket");
  EXPECT_FALSE(read.queue);
  EXPECT_NE(get("/metrics", "secret-token")
                .body.find("dunlin_cache_lookups_total{service=\"1\",type=\"bucket\"} 12\n"),
            std::string::npos);
}

TEST_F(Admin, X2ShowsWhatTheSamplerFoundBesideEachCacheAndWhatAnnouncersDo) {
  auto& cache = *status.add_caches();
  cache.set_service(1);
  cache.set_type("bucket");
  counts.counter("dunlin_announcer_announced_total", "").add(7);
  counts.gauge("dunlin_announcer_outbox_rows", "", {{"partition", "1"}}).set(5);
  const auto read =
      assembly::parse_coherence_status(get("/coherence", "secret-token").body).value();
  EXPECT_EQ(assembly::sum_of(read.caches.at(0).count, "samples_total"), 200u);
  EXPECT_EQ(assembly::sum_of(read.caches.at(0).count, "stale_total"), 2u);
  EXPECT_EQ(assembly::sum_of(read.announcer, "announced_total"), 7u);
  EXPECT_EQ(read.announcer.at("outbox_rows").at("1"), 5u);
  EXPECT_NE(get("/metrics", "secret-token")
                .body.find("dunlin_cache_staleness_p99_us{service=\"1\",type=\"bucket\"} 41000\n"),
            std::string::npos);
}

TEST_F(Admin, SetsHowManyCacheUpdatesAreLostAndTellsIt) {
  EXPECT_EQ(code("/faults"), 401);
  EXPECT_EQ(code("/faults", "wrong", "POST"), 401);
  EXPECT_EQ(loss->fraction(), 0);
  const auto seen = get("/faults", "secret-token", "POST", R"({"cache_update_loss":0.25})");
  EXPECT_EQ(assembly::parse_fault_status(seen.body)->cache_update_loss, 0.25);
  EXPECT_EQ(loss->fraction(), 0.25);
  EXPECT_EQ(loss->warnings().size(), 1u);
  for (int i = 0; i < 1000; ++i)
    loss->takes_batch();
  const auto status = assembly::parse_fault_status(get("/faults", "secret-token").body).value();
  EXPECT_EQ(status.name, "n1");
  EXPECT_GT(status.batches_dropped, 200u);
  EXPECT_LT(status.batches_dropped, 300u);
  EXPECT_EQ(status.acks_dropped, 0u);
  EXPECT_NE(get("/metrics", "secret-token").body.find("dunlin_faults_dropped_total{what=\"cache_"),
            std::string::npos);
}

TEST_F(Admin, RefusesALossThatIsNoneAndKeepsTheOldOne) {
  loss->set(0.5);
  for (const auto* body :
       {"", "x", "[]", "{}", R"({"cache_update_loss":1})", R"({"cache_update_loss":-0.1})",
        R"({"cache_update_loss":"0.1"})", R"({"cache_update_loss":null})"})
    EXPECT_EQ(get("/faults", "secret-token", "POST", body).head->status, 400) << body;
  EXPECT_EQ(get("/faults", "secret-token", "POST", std::string(100'000, ' ')).head->status, 413);
  EXPECT_EQ(loss->fraction(), 0.5);
}

TEST_F(Admin, Q16PassesInstructionsOnAndTellsWhatBecameOfThem) {
  EXPECT_EQ(code("/cache", "wrong", "POST"), 401);
  const auto seen = get("/cache", "secret-token", "POST",
                        R"({"type":"bucket","service":2,"set":{"staleness_max":"700ms",)"
                        R"("items_max":30,"values":false,"mode":"bounded","bytes_max":"1MiB",)"
                        R"("time_to_live":"2s","invalidation_interval":"60s"}})");
  const auto done = assembly::parse_cache_change_status(seen.body).value();
  EXPECT_EQ(done.name, "n1");
  ASSERT_EQ(done.caches.size(), 2u);
  EXPECT_EQ(done.caches[1].error, "invalid argument");
  ASSERT_EQ(instructions.size(), 1u);
  EXPECT_EQ(instructions[0].type, "bucket");
  EXPECT_EQ(instructions[0].service, 2u);
  const auto& set = instructions[0].set.value();
  EXPECT_EQ(set.staleness_max, 700ms);
  EXPECT_EQ(set.items_max, 30u);
  EXPECT_EQ(set.carry_values, false);
  EXPECT_EQ(set.validated, false);
  EXPECT_EQ(set.bytes_max, 1u << 20);
  EXPECT_EQ(set.time_to_live, 2s);
  EXPECT_EQ(set.invalidation_interval, 60s);
  EXPECT_EQ(get("/cache", "secret-token", "POST", R"({"drop":true})").head->status, 200);
  ASSERT_EQ(instructions.size(), 2u);
  EXPECT_FALSE(instructions[1].set);
  EXPECT_EQ(instructions[1].type, "");
}

TEST_F(Admin, RefusesInstructionsThatAreNoneWithTheMistakesOfATopologyFile) {
  for (const auto& [body, why] : std::map<std::string, std::string>{
           {"x", "send {"},
           {"{}", "send {"},
           {R"({"type":"bucket"})", "send {"},
           {R"({"type":"bucket","drop":true,"set":{}})", "send {"},
           {R"({"type":"buckte","drop":true})", "'buckte' is no type of near caches"},
           {R"({"type":"buckte","set":{"values":true}})", "did you mean 'bucket'?"},
           {R"({"type":"bucket","set":{}})", "nothing is to be changed"},
           {R"({"type":"bucket","set":{"staleness_max":"1ms"}})", "give 100ms to 60s"},
           {R"({"type":"bucket","set":{"staleness_max":"400ms"}})", "less than two news intervals"},
           {R"({"type":"bucket","set":{"mirror":true}})", "cannot be changed while a node runs"},
           {R"({"type":"bucket","set":{"item_max":1}})", "did you mean 'items_max'?"}}) {
    const auto seen = get("/cache", "secret-token", "POST", body);
    EXPECT_EQ(seen.head->status, 400) << body;
    EXPECT_NE(seen.body.find(why), std::string::npos) << body << ": " << seen.body;
  }
  EXPECT_TRUE(instructions.empty());
}

TEST_F(Admin, RefusesUnknownPathsAndMethods) {
  EXPECT_EQ(code("/secret"), 404);
  EXPECT_EQ(code("/status", "secret-token", "DELETE"), 405);
  EXPECT_EQ(code("/status", "secret-token", "POST"), 405);
}
