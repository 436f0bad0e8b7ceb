/// RAFT WATCH: Raft's safety properties over all partitions of a virtual cluster, after every step
/// of every replica (Q1, U4).
#pragma once

#include "actors/partition/raft_core.hpp"
#include "actors/partition/raft_invariants.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

class raft_watch {
public:
  void step(const node_id& node, partition_id partition, const raft::raft_core& core,
            const raft::ready& work) {
    auto& invariants = partitions_[partition];
    // The first step of a life: what was not on disk may be gone.
    if (fresh_.insert({node, partition}).second)
      invariants.restarted(node, core.applied());
    else if (work.reset)
      invariants.installed(node, *work.reset, {});
    for (const auto& message : work.messages)
      invariants.sent(message);
    invariants.observe(node, core);
    for (const auto& entry : work.committed)
      invariants.applied(node, entry);
  }

  void crashed(const node_id& node) {
    std::erase_if(fresh_, [&](const auto& one) { return one.first == node; });
  }

  std::vector<std::string> violations() const {
    std::vector<std::string> all;
    for (const auto& [id, invariants] : partitions_)
      for (const auto& text : invariants.violations())
        all.push_back("partition " + std::to_string(id) + ": " + text);
    return all;
  }

private:
  std::map<partition_id, raft::raft_invariants> partitions_;
  std::set<std::pair<node_id, partition_id>> fresh_;
};

}  // namespace dunlin::testkit
