/// PLACEMENT: which replica set takes a new object, which replica answers a read (K4, decision 17).
/// Pure.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin {

struct replica_set {
  std::uint32_t id = 0;
  std::vector<node_id> nodes;
};

/// One of those with the most nodes in `up`, picked by `random`; nothing if all are excluded.
std::optional<replica_set> choose_set(const std::vector<replica_set>& sets,
                                      const std::set<node_id>& up,
                                      const std::set<std::uint32_t>& excluded,
                                      std::uint64_t random);

/// The replicas of a read in the order to try them: those that failed least, this node, connected
/// ones, the rest; equals are rotated by `random`, so that readers spread.
std::vector<node_id> reading_order(const std::vector<node_id>& nodes, const node_id& self,
                                   const std::set<node_id>& up,
                                   const std::map<node_id, std::uint32_t>& failures,
                                   std::uint64_t random);

}  // namespace dunlin
