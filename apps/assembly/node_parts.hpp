/// NODE PARTS: the roles of a node, each spawned by one function. Internal to apps/assembly.
#pragma once

#include "actors/admission/admission.hpp"
#include "actors/balancer/balancer.hpp"
#include "actors/cache_update/cache_subscriber.hpp"
#include "actors/coherence/coherence_sampler.hpp"
#include "actors/collector/collector.hpp"
#include "actors/message_queue/message_queue.hpp"
#include "actors/near_cache/near_cache.hpp"
#include "actors/partition/log_writer.hpp"
#include "actors/partition/partition_replica.hpp"
#include "actors/partition/state_keeper.hpp"
#include "actors/storage_node/storage_node.hpp"
#include "apps/assembly/ballast.hpp"
#include "apps/assembly/node.hpp"
#include "runtime/links/links.hpp"
#include "runtime/links/pages/page_link.hpp"
#include "runtime/links/pages/page_server.hpp"
#include "runtime/map_source.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace dunlin::assembly {

/// What every part is made from. Lives as long as the node.
struct node_context {
  caf::actor_system& system;
  const topology::cluster& cluster;
  const topology::node& self;
  node_ports ports;
  node_options options;
  std::uint64_t incarnation = 0;
  /// Shared with the functions that actors hold, which may outlive the node by a turn.
  std::shared_ptr<links::node_links> links;
  std::shared_ptr<ballast> room;
  std::shared_ptr<message_loss> loss;

  std::function<storage_node_actor(const node_id&)> storage_at() const;
  std::function<std::map<node_id, std::uint64_t>()> connected_peers() const;
};

/// The log of a node, shared by its partitions and its queue.
struct log_part {
  std::shared_ptr<wal::log> log;  ///< the writer's, once it runs
  log_writer_actor writer;        ///< null: nobody has anything to write
  queue::opened_spool spool;      ///< of nodes with role queue
};
/// Opens it and spawns its writer, on nodes with a role that writes.
result<void> start_log(const node_context& of, log_part& made);

/// Partition replicas on the node's log.
struct database_part {
  state_keeper_actor keeper;
  std::map<partition_id, partition_replica_actor> replicas;
};
using leader_listener =
    std::function<void(partition_id, const node_id& leader, std::uint64_t term)>;
/// What was spawned before an error is in `made`, and is the caller's to end.
result<void> start_database(const node_context& of, const links::page_link_service& link,
                            const leader_listener& leader_known, const log_part& log,
                            database_part& made);

queue::options queue_limits(const node_context& of);

/// The node's message queue; hears of peers that go.
message_queue_shell start_queue(const node_context& of, const partition_router_actor& router,
                                log_part& log);

using near_caches = std::map<std::string, near_cache_shell, std::less<>>;  ///< by type

/// Near caches of the node's services, and who hears for all of them where there are queues: one
/// subscription a node costs queues and network a third of one a service, and what it hears is
/// spread here (docs/decisions/0012).
struct cache_part {
  std::map<std::uint64_t, near_caches> services;  ///< by number; shared ones are services::all's
  cache_subscriber_shell subscriber;              ///< null: nobody tells anything
  coherence_sampler_actor sampler;                ///< null: nobody measures
  /// What the service looks things up in; empty: it has none, and asks.
  const near_caches& of(std::uint64_t service) const;
  /// Its cache of one type; null: it has none.
  near_cache_actor of(std::uint64_t service, std::string_view type) const;
};
/// Of one service.
near_caches start_caches(const node_context& of, const partition_router_actor& router,
                         const coherence_sampler_actor& sampler, std::uint64_t service,
                         const std::set<std::string, std::less<>>& types);
/// Of all that the node's roles have.
cache_part start_caches(const node_context& of, const partition_router_actor& router);

/// How the changes of partitions get to the cluster's queues.
announcing_options announcing_of(const node_context& of);

/// Pages and those who serve, repair and collect them.
struct storage_part {
  storage_service service;
  std::vector<collector_actor> collectors;
};
result<void> start_storage(const node_context& of, const links::page_link_service& link,
                           const map_source& map, storage_part& made);

/// Lets peers read and write pages, and read snapshots, over the bulk link.
result<links::page_server_actor> start_bulk(const node_context& of, const storage_part& storage,
                                            const database_part& database);

/// Who places connections on this node, or takes them (docs/decisions/0015).
struct balance_part {
  balance_source_actor source;  ///< null: neither role
  admission_shell admission;
  balancer_shell balancer;
  std::shared_ptr<proxy::line_listener> lines;  ///< of the balancer's clients
  /// Other nodes than before: whoever places connections uses them from now on.
  void use(const node_context& of, const std::vector<topology::node>& all) const;
};
balance_part start_balance(const node_context& of, const map_source& map);
/// The balancer's listener; the last step, when all roles are there.
result<void> listen(const node_context& of, const balance_part& part);

/// Disk kept free: the smaller of 64 MiB and 5 %, so that small test disks work too.
std::uint64_t disk_reserve(disk& storage);

}  // namespace dunlin::assembly
