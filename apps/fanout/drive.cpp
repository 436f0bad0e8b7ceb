#include "actors/partition/raft_core.hpp"
#include "apps/assembly/process_ports.hpp"
#include "apps/fanout/commands.hpp"
#include "apps/fanout/flood.hpp"
#include "apps/fanout/light_node.hpp"
#include "apps/fanout/writer.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <future>
#include <iostream>
#include <sstream>

namespace dunlin::fanout {

namespace json = boost::json;

namespace {

/// The cluster without its listeners, so that only the queue has links to all of them. One node of
/// those that have near caches is left: what nobody caches is not announced.
topology::cluster without_listeners(topology::cluster of, const node_id& database,
                                    const node_id& leader) {
  std::erase_if(of.nodes, [&](const topology::node& one) {
    return one.name != database && one.name != leader && !one.roles.contains(topology::role::queue);
  });
  return of;
}

struct database_node {
  assembly::process_ports ports;
  std::unique_ptr<assembly::node> node;
  partition_router_actor router;
  std::atomic<std::int64_t> committed_ns{0};  ///< when the root partition's commit last moved
  std::uint64_t commit = 0;                   // on the replica's turns
};

bool start(caf::actor_system& system, const topology::cluster& cluster, const node_id& name,
           database_node& made) {
  auto ports = assembly::open_process_ports(cluster, *cluster.find(name));
  if (!ports) return false;
  made.ports = std::move(*ports);
  assembly::node_options options;
  if (auto keys = assembly::read_credentials(cluster)) options.seed = *keys;
  options.opened_router = [&made](const partition_router_actor& router) { made.router = router; };
  options.observer = [&](partition_id id, const raft::raft_core& core, const raft::ready&) {
    if (id != 0 || core.commit() <= made.commit) return;
    made.commit = core.commit();
    made.committed_ns = std::chrono::nanoseconds(system.clock().now().time_since_epoch()).count();
  };
  auto started =
      assembly::node::start(system, cluster, name, made.ports.ports(), std::move(options));
  if (!started) return false;
  made.node = std::move(*started);
  return true;
}

/// Runs an actor that tells its outcome.
template <class Outcome, class Spawn>
Outcome outcome_of(Spawn spawn) {
  std::promise<Outcome> promise;
  auto waiting = promise.get_future();
  spawn([&promise](Outcome made) { promise.set_value(std::move(made)); });
  return waiting.get();
}

json::object to_object(const write_outcome& made) {
  json::array writes;
  for (const auto& one : made.writes)
    writes.push_back(json::array{one.tick, one.began_ns, one.committed_ns, one.acknowledged_ns});
  return {{"failed", made.failed}, {"why", made.why}, {"writes", std::move(writes)}};
}

}  // namespace

int drive(const topology::cluster& whole, const node_id& database, const node_id& leader) {
  const auto cluster = without_listeners(whole, database, leader);
  caf::actor_system_config config;
  scheduling::use_frugal_scheduler(config, 2);
  caf::actor_system system{config};
  database_node made;
  if (!start(system, cluster, database, made)) return 1;
  const auto queue = whole.nodes_with(topology::role::queue).front();
  const auto links = light_links::open(system, whole, leader, {queue, database});
  if (!links || !links->start()) return 1;
  std::uint64_t flooded = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    json::object answer;
    if (verb == "make" || verb == "write") {
      write_options options;
      options.router = made.router;
      options.committed_ns = &made.committed_ns;
      options.make = verb == "make";
      if (options.make)
        words >> options.buckets;
      else
        words >> options.buckets >> options.rate >> options.seconds;
      answer = to_object(outcome_of<write_outcome>([&](auto done) {
        options.done = done;
        system.spawn(writer, std::move(options));
      }));
    } else if (verb == "flood") {
      flood_options options;
      options.ordinal = flooded;
      options.queue = links->links().at<message_queue_actor>(queue, "message_queue");
      words >> options.rate >> options.seconds >> options.round_ms >> options.value_bytes;
      const auto seen = outcome_of<flood_outcome>([&](auto done) {
        options.done = done;
        system.spawn(flood, std::move(options));
      });
      flooded = seen.ordinal;
      answer = {{"changes", seen.changes},
                {"messages", seen.messages},
                {"failed", seen.failed},
                {"why", seen.why},
                {"seconds", seen.seconds}};
    }
    std::cout << json::serialize(answer) << std::endl;
  }
  return 0;
}

}  // namespace dunlin::fanout
