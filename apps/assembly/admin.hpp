/// ADMIN PLANE of one node (decision 22): HTTP+JSON on an own listener, loopback by default.
///   GET /health/live    200 while the process answers; no token
///   GET /health/ready   200 when the node is ready, else 503; no token
///   GET /status         node_status as JSON (node_status.hpp); bearer token
///   GET /coherence      coherence_status as JSON (coherence_status.hpp); bearer token
///   GET /metrics        Prometheus text; bearer token
///   GET, POST /faults   fault_status as JSON (fault_status.hpp), what is lost on purpose; POST
///                       {"cache_update_loss": x} sets it until the node ends; bearer token
///   GET /balance        balance_status as JSON (balance_status.hpp); bearer token
///   POST /balance       other settings of balancing for the whole cluster (admin_balance.hpp)
///   GET, POST /nodes    nodes_status as JSON (nodes_status.hpp): the topology in use; POST of one
///                       node: it joins; bearer token
///   POST /cache         an instruction to near caches (admin_cache.hpp), until the node ends;
///                       answered with cache_change_status as JSON; bearer token
#pragma once

#include "apps/assembly/coherence_status.hpp"
#include "apps/assembly/message_loss.hpp"
#include "apps/assembly/node.hpp"
#include "apps/assembly/node_status.hpp"
#include "messages/cache_control.hpp"
#include "messages/coherence.hpp"
#include "messages/node.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/http/server.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/topology/topology.hpp"

#include <memory>
#include <string>

namespace caf {
class actor_system;
}

namespace dunlin::assembly {

struct admin_options {
  std::string token;           ///< never empty
  node_manager_actor manager;  ///< asked for what it knows
  node_status fixed;           ///< name, pid, roles, s3: what does not change while the node runs
  std::shared_ptr<message_loss> loss;  ///< never null
  cache_control_actor caches;          ///< of every service
  topology::cluster topology;          ///< whose rules hold for instructions
  coherence_sampler_actor sampler;     ///< null: nobody measures
  balance_roles balance;               ///< no router: nothing of balancing is served
  /// The topology that is worked with now, and a node that joins it; both null in tests of others.
  std::function<std::vector<topology::node>()> nodes;
  std::function<result<void>(const topology::node&)> join;
};

/// Takes the requests of the admin listener. `system` and `counts` must outlive the listener.
http::acceptor admin_plane(caf::actor_system& system, metrics& counts, admin_options options);

/// What the manager says, in the form of the JSON.
node_status to_status(const v1::NodeStatus& from, node_status fixed);

/// What it says of near caches and of the queue.
coherence_status to_coherence(const v1::NodeStatus& from);

/// Errors of the admin listener itself, as JSON.
http::rendered render_admin_error(const http::refusal& why, const std::string& request_id);

}  // namespace dunlin::assembly
