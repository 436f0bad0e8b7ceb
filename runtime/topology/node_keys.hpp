/// The keys of a [[node]]. Private to those who read with toml++.
#pragma once

#include "runtime/topology/table_reader.hpp"

namespace dunlin::topology {

/// Adds the node to `into`, whose cluster has its folder and file already.
void read_node(const toml::table& from, draft& into, report& mistakes);

}  // namespace dunlin::topology
