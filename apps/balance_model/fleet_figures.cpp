// What a modelled fleet looks like from outside.
#include "apps/balance_model/fleet.hpp"

#include <algorithm>
#include <numeric>

namespace dunlin::balance_model {

void fleet::measure() {
  double most = 0, load = 0, capacity = 0;
  std::size_t lines = 0;
  for (const auto& node : nodes_) {
    if (!node.up) continue;
    most = std::max(most, node.use);
    load += node.use * node.capacity;
    capacity += node.capacity;
    lines += node.lines.size();
  }
  const auto mean = load / capacity;
  if (added_ && !figures_.add_minutes && nodes_[*added_].smooth >= 0.8 * mean)
    figures_.add_minutes = (time_ - *options_.add_at) / 60;
  if (options_.kill_at && time_ >= *options_.kill_at && time_ < *options_.kill_at + 1800)
    figures_.kill_peak = std::max(figures_.kill_peak, most);
  if (!steady() || mean <= 0) return;
  spreads_.push_back(most / mean);
  means_.push_back(mean);
  populations_.push_back(static_cast<double>(lines));
  for (const auto& node : nodes_) {
    if (!node.up) continue;
    uses_.push_back(node.use);
    over_ += node.peak > 1;
  }
}

fleet_figures fleet::finish() {
  const auto mean = [](const std::vector<double>& of) {
    return of.empty() ? 0
                      : std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
  };
  const auto at = [](std::vector<double>& of, double part) {
    if (of.empty()) return 0.0;
    std::sort(of.begin(), of.end());
    return of[static_cast<std::size_t>(part * static_cast<double>(of.size() - 1))];
  };
  figures_.mean = mean(means_);
  figures_.max_mean = mean(spreads_);
  figures_.max_mean_p95 = at(spreads_, 0.95);
  figures_.p99 = at(uses_, 0.99);
  figures_.overload =
      uses_.empty() ? 0 : static_cast<double>(over_) / static_cast<double>(uses_.size());
  const auto hours = (options_.steady_to - options_.steady_from) / 3600;
  figures_.closes_per_hour =
      static_cast<double>(moves_steady_) / hours / std::max(1.0, mean(populations_));
  figures_.attempts_mean = static_cast<double>(offers_steady_) /
                           static_cast<double>(std::max<std::uint64_t>(1, connects_steady_));
  return figures_;
}

}  // namespace dunlin::balance_model
