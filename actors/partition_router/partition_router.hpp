/// PARTITION ROUTER: the way from a node's actors to the leaders of partitions (Q2, decision 14).
/// Handle in messages/partition.hpp; decisions in partition_router_core.
#pragma once

#include "actors/partition_router/partition_router_core.hpp"
#include "messages/partition.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/wake_timer.hpp"

#include <caf/atom.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>

namespace dunlin {

struct partition_router_options {
  node_id self;
  /// Of this router's life. A router that is spawned again needs a greater one: its numbers begin
  /// anew, and an equal client's old answers would be taken for its own.
  std::uint64_t incarnation = 1;
  std::vector<node_id> root_nodes;  ///< of partition 0
  router_times times;
  /// The partition's replica on a node; in production node_links::at(node, "partition", id).
  std::function<partition_actor(const node_id&, partition_id)> find;
};

struct router_figures {
  explicit router_figures(metrics& figures);
  counter &attempts, &retries, &failures, &unknown_outcomes;
};

struct partition_router_state {
  struct command_task {
    caf::typed_response_promise<v1::CommandReply> promise;
    v1::PartitionCommand command;
    v1::CommandReply reply;  ///< newest
  };
  struct query_task {
    caf::typed_response_promise<v1::QueryReply> promise;
    v1::PartitionQuery query;
    v1::QueryReply reply;
  };
  struct map_task {
    caf::typed_response_promise<v1::ClusterMap> promise;
  };

  partition_router_options options;
  std::unique_ptr<partition_router_core> core;
  std::unique_ptr<router_figures> figures;
  std::optional<caf::message> map;  ///< newest: a v1::ClusterMap
  std::uint64_t map_epoch = 0;
  std::map<std::uint64_t, std::variant<command_task, query_task, map_task>> tasks;
  std::uint64_t last_task = 0;
  wake_timer timer;
  static inline const char* name = "partition_router";
};

/// A replica on the router's own node knows of a leader.
struct leader_news {
  partition_id partition = 0;
  node_id leader;
  std::uint64_t term = 0;
};

/// What is spawned; it converts to partition_router_actor.
using partition_router_shell = partition_router_actor::extend<
    // From the replicas of this node, each in the order of its terms.
    caf::reacts_to<leader_news>,
    // INTERNAL: the time of some task has come; when it was armed for.
    caf::reacts_to<caf::tick_atom, std::int64_t>>;

/// `random` and `figures` outlive the actor.
partition_router_shell::behavior_type partition_router(
    partition_router_shell::stateful_pointer<partition_router_state> self,
    partition_router_options options, random_source* random, metrics* figures);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::leader_news)
