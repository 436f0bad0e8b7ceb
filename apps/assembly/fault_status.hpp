/// FAULT STATUS: what a node's admin listener answers to GET and POST /faults: what it loses on
/// purpose. Shared by the node and the command line.
/// {"name","cache_update_loss":0.1,"dropped":{"cache_batch":3,"batch_ack":1}}
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::assembly {

struct fault_status {
  node_id name;
  double cache_update_loss = 0;
  std::uint64_t batches_dropped = 0;
  std::uint64_t acks_dropped = 0;
};

std::string to_json(const fault_status& status);

/// ec::bad_message if it is no such JSON.
result<fault_status> parse_fault_status(std::string_view json);

}  // namespace dunlin::assembly
