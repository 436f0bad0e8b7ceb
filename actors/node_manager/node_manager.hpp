/// NODE MANAGER: one a node (Q27). Watches the node's long-lived roles: when one dies the node
/// stops as a whole (decision 0003). Seeds an empty cluster through the root partition (decision
/// 21), and gathers the node's status.
#pragma once

#include "messages/cache_control.hpp"
#include "messages/cache_status.hpp"
#include "messages/node.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin {

struct node_manager_options {
  node_id self;
  std::uint64_t incarnation = 0;
  std::vector<std::string> warnings;  ///< found while starting, shown in the status
  /// What else is to be warned of just now; called from the actor.
  std::function<std::vector<std::string>()> more_warnings;
  /// How the node is connected; called from the actor.
  std::function<std::vector<v1::PeerStatus>()> peers;
  /// A role died: the node must stop. Called at most once, from the actor.
  std::function<void(const std::string& role, const std::string& reason)> on_fatal;
  /// What an empty root partition is seeded with; none on nodes that may not seed.
  std::optional<v1::SeedCluster> seed;
  std::chrono::milliseconds look_interval{500};
  std::chrono::milliseconds answer_timeout{2000};
};

/// A near cache, as the manager sees it.
using managed_cache_actor =
    cache_status_actor::extend<caf::replies_to<change_caches>::with<caches_changed>>;

/// The roles of the node, by name where they only need watching.
struct node_roles {
  partition_router_actor router;
  std::map<partition_id, partition_actor> replicas;
  storage_node_actor storage;  ///< null on nodes without the role
  queue_status_actor queue;    ///< likewise
  std::vector<subscriber_status_actor> subscribers;
  std::vector<managed_cache_actor> caches;
  std::vector<std::pair<std::string, caf::actor_addr>> watched;
};

/// What is spawned; it converts to node_manager_actor and to cache_control_actor.
using node_manager_shell = node_manager_actor::extend<
    // To every near cache of the node's services; what becomes of it there comes back (Q16).
    caf::replies_to<change_caches>::with<caches_changed>,
    // INTERNAL: time to look whether the cluster is seeded and the replicas have leaders.
    caf::reacts_to<caf::tick_atom>>;

struct node_manager_state {
  node_manager_options options;
  node_roles roles;
  std::map<caf::actor_addr, std::string> names;
  v1::NodeStatus::State state = v1::NodeStatus::STARTING;
  bool seeded = false;
  bool fatal = false;
  std::chrono::nanoseconds started{};
};

node_manager_shell::behavior_type node_manager(
    node_manager_shell::stateful_pointer<node_manager_state> self, node_manager_options options,
    node_roles roles);

}  // namespace dunlin
