// Seed placement: a pure function of the file, so that every node finds the same one.
#include "runtime/topology/topology.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace dunlin::topology {

namespace {

std::vector<const node*> of_role(const std::vector<node>& nodes, role wanted) {
  std::vector<const node*> found;
  for (const auto& n : nodes)
    if (n.roles.contains(wanted)) found.push_back(&n);
  return found;
}

/// Places group after group up to `id`: each takes, `replicas` times, the node whose rack the group
/// uses least, then the one that holds least so far; ties rotate with the group. The member that
/// was first least often comes first, so that those who tend to lead, and to be read, are spread
/// too.
std::vector<node_id> place(const std::vector<const node*>& nodes, std::uint32_t replicas,
                           std::uint32_t id) {
  std::vector<std::uint64_t> load(nodes.size()), first(nodes.size());
  std::vector<std::size_t> group;
  for (std::uint32_t g = 0; g <= id; ++g) {
    group.clear();
    std::vector<bool> taken(nodes.size());
    std::map<std::string, std::uint32_t> racks;
    while (group.size() < replicas && group.size() < nodes.size()) {
      std::tuple<std::uint32_t, std::uint64_t> best;
      auto pick = nodes.size();
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto candidate = (g + i) % nodes.size();
        if (taken[candidate]) continue;
        const auto cost = std::tuple{racks[nodes[candidate]->rack], load[candidate]};
        if (pick == nodes.size() || cost < best) std::tie(best, pick) = std::tuple{cost, candidate};
      }
      taken[pick] = true;
      ++load[pick];
      ++racks[nodes[pick]->rack];
      group.push_back(pick);
    }
    const auto lead = std::min_element(group.begin(), group.end(),
                                       [&](auto a, auto b) { return first[a] < first[b]; });
    if (lead == group.end()) return {};
    ++first[*lead];
    std::rotate(group.begin(), lead, lead + 1);
  }
  std::vector<node_id> names;
  for (const auto index : group)
    names.push_back(nodes[index]->name);
  return names;
}

}  // namespace

std::vector<node_id> cluster::partition_nodes(partition_id id) const {
  return place(of_role(nodes, role::database), options.partition_replicas, id);
}

std::vector<node_id> cluster::replica_set_nodes(std::uint32_t set) const {
  return place(of_role(nodes, role::storage), options.object_replicas, set);
}

}  // namespace dunlin::topology
