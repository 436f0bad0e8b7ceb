/// CLUSTER VIEW: the router's copy of the cluster map, as plain values: which partition a bucket
/// lives in, which nodes hold a partition, who of them probably leads.
#pragma once

#include "messages/vocabulary.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace dunlin {

struct partition_place {
  partition_id id = 0;
  std::uint64_t first_hash = 0;
  std::uint64_t last_hash = 0;  ///< inclusive
  std::vector<node_id> nodes;
};

class cluster_view {
public:
  /// The root partition's nodes are known from the start; all else comes with a map.
  cluster_view(node_id self, std::vector<node_id> root_nodes) : self_{std::move(self)} {
    places_[0] = {0, 0, 0, std::move(root_nodes)};
  }

  bool known() const { return known_; }
  std::uint64_t epoch() const { return epoch_; }

  /// False if it is no newer than what is known.
  bool take(std::uint64_t epoch, std::vector<partition_place> places) {
    if (known_ && epoch <= epoch_) return false;
    known_ = true;
    epoch_ = epoch;
    auto root = std::move(places_[0]);
    places_.clear();
    places_[0] = std::move(root);
    for (auto& place : places)
      if (place.id != 0) places_[place.id] = std::move(place);
    return true;
  }

  std::optional<partition_id> owner(std::uint64_t hash) const {
    for (const auto& [id, place] : places_)
      if (id != 0 && hash >= place.first_hash && hash <= place.last_hash) return id;
    return std::nullopt;
  }

  const std::vector<node_id>* nodes(partition_id id) const {
    const auto found = places_.find(id);
    return found == places_.end() || found->second.nodes.empty() ? nullptr : &found->second.nodes;
  }

  /// Whom to ask first. The partition must have nodes.
  node_id leader(partition_id id) const {
    const auto& all = *nodes(id);
    const auto guess = leaders_.find(id);
    if (guess != leaders_.end()) return guess->second;
    return std::find(all.begin(), all.end(), self_) != all.end() ? self_ : all.front();
  }

  /// Somebody who must know, or `node` itself answered as the leader. Names outside the partition
  /// are not believed.
  bool believe(partition_id id, const node_id& node) {
    const auto* all = nodes(id);
    if (!all || std::find(all->begin(), all->end(), node) == all->end()) return false;
    leaders_[id] = node;
    return true;
  }

  /// `node` does not lead: the guess moves on, unless somebody else moved it before.
  void doubt(partition_id id, const node_id& node) {
    const auto* all = nodes(id);
    if (!all || leader(id) != node) return;
    const auto at = std::find(all->begin(), all->end(), node);
    leaders_[id] = at == all->end() || at + 1 == all->end() ? all->front() : *(at + 1);
  }

private:
  node_id self_;
  bool known_ = false;
  std::uint64_t epoch_ = 0;
  std::map<partition_id, partition_place> places_;
  std::map<partition_id, node_id> leaders_;
};

}  // namespace dunlin
