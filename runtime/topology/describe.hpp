/// DESCRIBE: what a topology file says, key by key, as text: to compare what runs with what a file
/// says now (F1).
#pragma once

#include "runtime/topology/topology.hpp"

#include <map>
#include <string>

namespace dunlin::topology {

/// "objects.replicas" → "3": every setting that nodes work with, but for paths and secrets.
std::map<std::string, std::string> described(const settings& what);

/// "control" → "127.0.0.1:7111", "roles" → "access, queue": all keys but the name; none for what
/// the node has not.
std::map<std::string, std::string> described(const node& what);

}  // namespace dunlin::topology
