/// NODES STATUS: what a node's admin listener answers to GET /nodes, and is told by POST /nodes:
/// the topology that it works with (F1). Shared by the node and the command line. Values are as in
/// the topology file, but all text.
/// {"name","settings":{"objects.replicas":"3",…},"nodes":[{"name":"n1","roles":"access","control":"…",…}]}
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/topology/topology.hpp"

#include <map>
#include <string>
#include <string_view>

namespace dunlin::assembly {

using described_keys = std::map<std::string, std::string>;

struct nodes_status {
  node_id name;
  described_keys settings;
  std::map<node_id, described_keys> nodes;
};

nodes_status describe(const node_id& self, const topology::settings& settings,
                      const std::vector<topology::node>& nodes);

std::string to_json(const nodes_status& status);

/// ec::bad_message if it is no such JSON.
result<nodes_status> parse_nodes_status(std::string_view json);

/// One node, as in "nodes".
std::string to_json(const topology::node& node);

/// ec::bad_message: a key is missing, or its value cannot be read.
result<topology::node> parse_node(std::string_view json);

}  // namespace dunlin::assembly
