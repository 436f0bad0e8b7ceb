/// BALANCE VIEW: how connections are placed over the cluster, merged from what its nodes say. Pure.
#pragma once

#include "apps/dunlin/poll.hpp"

#include <string>
#include <vector>

namespace dunlin::commands {

/// {"cluster","fleet_level","more_access_nodes_needed","access_nodes":[…],"balancers":[…],
///  "nodes":[…]}: a balance_status each in "nodes", or {"name","error"} of one that did not answer.
/// `answers` are in the order of `of.nodes`.
std::string balance_json(const topology::cluster& of, const std::vector<balance_answer>& answers);

/// Tables for people: access nodes, what each attempt may meet, balancers.
std::string balance_text(const topology::cluster& of, const std::vector<balance_answer>& answers);

/// Which version of the settings each node works with: a line each.
std::string versions_text(const topology::cluster& of, const std::vector<balance_answer>& answers);

/// Every node that places connections works with `version` or a later one.
bool all_use(const std::vector<balance_answer>& answers, std::uint64_t version);

}  // namespace dunlin::commands
