/// Asks every node's admin plane.
#pragma once

#include "apps/assembly/balance_status.hpp"
#include "apps/assembly/cache_change_status.hpp"
#include "apps/assembly/coherence_status.hpp"
#include "apps/assembly/fault_status.hpp"
#include "apps/assembly/node_status.hpp"
#include "apps/assembly/nodes_status.hpp"
#include "runtime/topology/topology.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::commands {

template <class Status>
struct answer_of {
  std::optional<Status> status;
  std::string error;  ///< why there is none
};
using node_answer = answer_of<assembly::node_status>;
using coherence_answer = answer_of<assembly::coherence_status>;
using cache_change_answer = answer_of<assembly::cache_change_status>;
using fault_answer = answer_of<assembly::fault_status>;
using balance_answer = answer_of<assembly::balance_status>;
using balance_change_answer = answer_of<assembly::balance_change_status>;
using nodes_answer = answer_of<assembly::nodes_status>;

/// In file order, all nodes at the same time; blocks for at most about `timeout`.
std::vector<node_answer> ask_nodes(const topology::cluster& of, const std::string& token,
                                   std::chrono::milliseconds timeout);

/// The same of how right caches are kept.
std::vector<coherence_answer> ask_coherence(const topology::cluster& of, const std::string& token,
                                            std::chrono::milliseconds timeout);

/// What they lose on purpose, after it was set where `loss` is given.
std::vector<fault_answer> ask_faults(const topology::cluster& of, const std::string& token,
                                     std::chrono::milliseconds timeout, std::optional<double> loss);

/// What became of an instruction to near caches: the body of POST /cache (admin.hpp).
std::vector<cache_change_answer> ask_for_change(const topology::cluster& of,
                                                const std::string& token,
                                                std::chrono::milliseconds timeout,
                                                const std::string& body);

/// How they place connections.
std::vector<balance_answer> ask_balance(const topology::cluster& of, const std::string& token,
                                        std::chrono::milliseconds timeout);

/// New settings of balancing for the cluster, told to one node: the body of POST /balance.
balance_change_answer change_balance(const topology::node& through, const std::string& token,
                                     std::chrono::milliseconds timeout, const std::string& body);

/// The topology that they work with; after `joined` has joined it, where one is given.
std::vector<nodes_answer> ask_topology(const topology::cluster& of, const std::string& token,
                                       std::chrono::milliseconds timeout,
                                       const topology::node* joined = nullptr);

}  // namespace dunlin::commands
