/// /balance of the admin plane: how connections are placed here, and new settings for the whole
/// cluster (B13). Internal to apps/assembly.
#pragma once

#include "apps/assembly/node.hpp"
#include "runtime/http/exchange.hpp"

#include <caf/actor_system.hpp>

#include <string>

namespace dunlin::assembly {

/// Answers with balance_status as JSON.
void show_balance(caf::actor_system& system, const node_id& self, const balance_roles& roles,
                  const http::exchange_ptr& exchange);

/// `body`: {"set": {KEY: VALUE, …}} or {"reset": true}, with "expected_version": N to be refused
/// (409) if the cluster has another one. Answers with balance_change_status as JSON.
void change_balance(caf::actor_system& system, const topology::cluster& of, const node_id& self,
                    const balance_roles& roles, const http::exchange_ptr& exchange,
                    const std::string& body);

}  // namespace dunlin::assembly
