#include "actors/coordinator/placement.hpp"

#include <algorithm>
#include <tuple>

namespace dunlin {

std::optional<replica_set> choose_set(const std::vector<replica_set>& sets,
                                      const std::set<node_id>& up,
                                      const std::set<std::uint32_t>& excluded,
                                      std::uint64_t random) {
  std::vector<const replica_set*> best;
  std::ptrdiff_t most = -1;
  for (const auto& set : sets) {
    if (excluded.contains(set.id) || set.nodes.empty()) continue;
    const auto alive = std::count_if(set.nodes.begin(), set.nodes.end(),
                                     [&](const node_id& node) { return up.contains(node); });
    if (alive > most) best.clear();
    most = std::max<std::ptrdiff_t>(most, alive);
    if (alive == most) best.push_back(&set);
  }
  if (best.empty()) return {};
  return *best[random % best.size()];
}

std::vector<node_id> reading_order(const std::vector<node_id>& nodes, const node_id& self,
                                   const std::set<node_id>& up,
                                   const std::map<node_id, std::uint32_t>& failures,
                                   std::uint64_t random) {
  auto order = nodes;
  if (order.empty()) return order;
  std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(random % order.size()),
              order.end());
  const auto rank = [&](const node_id& node) {
    const auto failed = failures.find(node);
    return std::tuple(failed == failures.end() ? 0u : failed->second, node != self,
                      !up.contains(node));
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const node_id& a, const node_id& b) { return rank(a) < rank(b); });
  return order;
}

}  // namespace dunlin
