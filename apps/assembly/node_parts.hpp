/// NODE PARTS: the roles of a node, each spawned by one function. Internal to apps/assembly.
#pragma once

#include "actors/collector/collector.hpp"
#include "actors/partition/log_writer.hpp"
#include "actors/partition/partition_replica.hpp"
#include "actors/partition/state_keeper.hpp"
#include "actors/storage_node/storage_node.hpp"
#include "apps/assembly/ballast.hpp"
#include "apps/assembly/node.hpp"
#include "runtime/links/links.hpp"
#include "runtime/links/pages/page_link.hpp"
#include "runtime/links/pages/page_server.hpp"

#include <map>
#include <memory>
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

  std::function<storage_node_actor(const node_id&)> storage_at() const;
  std::function<std::map<node_id, std::uint64_t>()> connected_peers() const;
};

/// Partition replicas on one log.
struct database_part {
  log_writer_actor writer;
  state_keeper_actor keeper;
  std::map<partition_id, partition_replica_actor> replicas;
};
using leader_listener =
    std::function<void(partition_id, const node_id& leader, std::uint64_t term)>;
/// What was spawned before an error is in `made`, and is the caller's to end.
result<void> start_database(const node_context& of, const links::page_link_service& link,
                            const leader_listener& leader_known, database_part& made);

/// Pages and those who serve, repair and collect them.
struct storage_part {
  storage_service service;
  std::vector<collector_actor> collectors;
};
result<void> start_storage(const node_context& of, const links::page_link_service& link,
                           const partition_router_actor& router, storage_part& made);

/// Lets peers read and write pages, and read snapshots, over the bulk link.
result<links::page_server_actor> start_bulk(const node_context& of, const storage_part& storage,
                                            const database_part& database);

/// Disk kept free: the smaller of 64 MiB and 5 %, so that small test disks work too.
std::uint64_t disk_reserve(disk& storage);

}  // namespace dunlin::assembly
