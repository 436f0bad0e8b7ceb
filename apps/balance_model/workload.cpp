#include "apps/balance_model/workload.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::balance_model {

trace_workload::trace_workload(const balance_trace::trace& of, double capacity, double load)
    : unit_{of.demand / capacity / load} {
  constexpr double net_part = 0.8, memory_part = 0.65;
  const auto population = [&] {
    // Of hours one to five, as the demand.
    double seconds = 0;
    for (const auto& one : of.connections)
      seconds += std::max(0.0, std::min(one.ends, 18000.0) - std::max(one.begins, 3600.0));
    return seconds / (18000 - 3600);
  }();
  for (const auto& one : of.connections) {
    clients_.push_back({one.begins, one.ends, one.net * net_part,
                        one.memory * capacity * load * memory_part / std::max(1.0, population)});
    meters_.emplace_back(of, one);
  }
}

recorded_workload::recorded_workload(std::vector<recorded_client> all) {
  for (auto& one : all) {
    clients_.push_back(one.of);
    demands_.push_back(std::move(one.demand));
  }
  cursors_.resize(clients_.size());
}

}  // namespace dunlin::balance_model
