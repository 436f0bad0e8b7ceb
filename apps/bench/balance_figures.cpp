#include "apps/bench/balance_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace dunlin::bench {

namespace {

// Of the trace. A move is seen with the next answer, up to two real seconds later.
constexpr double moved_again_seconds = 900, seen_late_seconds = 2;
constexpr double filled_part = 0.8;  // of the mean

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

}  // namespace

double percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * double(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

figures::figures(std::vector<std::string> names, std::vector<double> capacities, double seconds,
                 double compress)
    : names_{std::move(names)},
      capacities_{std::move(capacities)},
      seconds_{seconds},
      compress_{compress} {}

void figures::begins(std::size_t) { ++alive_; }

void figures::ends(std::size_t connection) {
  --alive_;
  placed_.erase(connection);
  orphans_.erase(connection);
  moved_at_.erase(connection);
}

void figures::answered(std::size_t connection, double at, double took, const got& said,
                       double demand) {
  const auto found = std::find(names_.begin(), names_.end(), said.node);
  if (found == names_.end()) {
    ++errors_["answered by '" + said.node + "'"];
    return;
  }
  const auto node = static_cast<std::size_t>(found - names_.begin());
  ++operations_;
  latencies_.push_back(took);
  const auto before = placed_.find(connection);
  const bool back = came_back(connection, node, at - took, at);
  if (said.fresh_connection) {
    ++connects_;
    connect_latencies_.push_back(took);
  } else if (!back && before != placed_.end() && before->second.node != node) {
    moved(connection, at, took);
  }
  placed_[connection] = {node, demand};
}

void figures::moved(std::size_t connection, double at, double took) {
  ++moves_;
  move_latencies_.push_back(took);
  if (steady(at)) ++steady_closes_;
  if (filling()) ++add_closes_;
  const auto [last, first] = moved_at_.try_emplace(connection, at);
  // From an access node that died it goes whenever it was moved last.
  const bool by_choice = killed_at_ == 0 || at < killed_at_;
  const auto between = (at - last->second + seen_late_seconds) * compress_;
  if (!first && by_choice && between < moved_again_seconds) ++moved_twice_;
  last->second = at;
}

/// Its first answer since its access node was killed.
bool figures::came_back(std::size_t connection, std::size_t node, double asked, double at) {
  if (!up(node)) {
    // It was told to die, and has not yet.
    if (orphans_.try_emplace(connection).second) ++orphaned_;
    return false;
  }
  const auto one = orphans_.extract(connection);
  if (!one) return false;
  const auto since = one.mapped().asked > 0 ? one.mapped().asked : std::max(asked, killed_at_);
  return_times_.push_back(at - since);
  if (!one.mapped().lost) ++survived_;
  return true;
}

void figures::failed(std::size_t connection, double asked, double at, bool was_open,
                     const got& said) {
  ++errors_[said.status == 0 ? said.error : fmt::format("status {}", said.status)];
  if (said.status == 503) ++refused_;
  const bool held = placed_.erase(connection) > 0;
  const auto orphaned = orphans_.find(connection);
  if (orphaned != orphans_.end() && orphaned->second.asked == 0)
    orphaned->second.asked = std::max(asked, killed_at_);
  if (was_open && held) {
    if (orphaned != orphans_.end()) orphaned->second.lost = true;
    // An answer, whatever it says, is no loss.
    if (said.status == 0) ++(orphaned != orphans_.end() ? lost_by_kill_ : lost_otherwise_);
    if (steady(at)) ++steady_closes_;
    if (filling()) ++add_closes_;
  } else {
    ++connect_failures_;
  }
}

void figures::event(const std::string& what, double at) {
  if (what == "add") added_at_ = at;
  if (what == "kill") {
    killed_at_ = at;
    for (const auto& [connection, where] : placed_)
      if (where.node == 0) orphans_[connection];
    orphaned_ = orphans_.size();
  }
  if (what == "back") back_at_ = at;
}

bool figures::up(std::size_t node) const {
  if (node + 1 == names_.size()) return added_at_ > 0;
  return node > 0 || killed_at_ == 0 || back_at_ > 0;
}

std::vector<double> figures::utilisation() const {
  std::vector<double> all(names_.size(), 0.0);
  for (const auto& [connection, at] : placed_)
    all[at.node] += at.demand;
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] /= i < capacities_.size() ? capacities_[i] : 1.0;
  return all;
}

void figures::sample(double at) {
  const auto all = utilisation();
  double demand = 0, capacity = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!up(i)) continue;
    const auto of = i < capacities_.size() ? capacities_[i] : 1.0;
    demand += all[i] * of;
    capacity += of;
  }
  const auto mean = demand / capacity;
  if (steady(at) && mean > 0) sample_steady(all, mean);
  if (added_at_ > 0 && killed_at_ == 0) watch_added(all, mean, at);
  if (killed_at_ > 0 && back_at_ == 0)
    for (std::size_t i = 0; i < all.size(); ++i)
      if (up(i)) kill_peak_ = std::max(kill_peak_, all[i]);
}

void figures::sample_steady(const std::vector<double>& all, double mean) {
  double most = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!up(i)) continue;
    most = std::max(most, all[i]);
    utilisations_.push_back(all[i]);
    ++samples_;
    if (all[i] > 1) ++over_;
  }
  max_mean_.push_back(most / mean);
  population_.push_back(double(placed_.size()));
}

void figures::watch_added(const std::vector<double>& all, double mean, double at) {
  filling_ += (all.back() - filling_) * .2;
  if (filled_minutes_ == 0 && filling_ >= filled_part * mean)
    filled_minutes_ = (at - added_at_) * compress_ / 60;
}

std::string figures::json() const {
  const auto hours = seconds_ * .4 * compress_ / 3600;
  std::string errors;
  for (const auto& [what, times] : errors_)
    errors += fmt::format("{}\"{}\": {}", errors.empty() ? "" : ", ", what, times);
  return fmt::format(
      R"({{"max_mean": {:.4f}, "max_mean_p95": {:.4f}, "mean_util": {:.4f}, "p99_util": {:.4f}, )"
      R"("overload": {:.5f}, "population": {:.0f}, "connects": {}, "connect_failures": {}, )"
      R"("refused": {}, "operations": {}, "lost_by_kill": {}, "lost_otherwise": {}, )"
      R"("moves": {}, "moved_twice": {}, )"
      R"("closes_per_connection_hour": {:.4f}, "add_minutes": {:.2f}, "add_closes": {}, )"
      R"("kill_peak": {:.3f}, "return_p99_ms": {:.1f}, "orphaned": {}, )"
      R"("returned": {}, "survived": {}, "connect_p50_ms": {:.2f}, )"
      R"("connect_p99_ms": {:.2f}, "operation_p50_ms": {:.2f}, "operation_p99_ms": {:.2f}, )"
      R"("move_p99_ms": {:.2f}, "move_max_ms": {:.2f}, "errors": {{{}}}}})",
      mean_of(max_mean_), percentile(max_mean_, .95), mean_of(utilisations_),
      percentile(utilisations_, .99), samples_ ? double(over_) / double(samples_) : 0,
      mean_of(population_), connects_, connect_failures_, refused_, operations_, lost_by_kill_,
      lost_otherwise_, moves_, moved_twice_,
      double(steady_closes_) / hours / std::max(1.0, mean_of(population_)), filled_minutes_,
      add_closes_, kill_peak_, 1000 * percentile(return_times_, .99), orphaned_,
      return_times_.size(), survived_, 1000 * percentile(connect_latencies_, .5),
      1000 * percentile(connect_latencies_, .99), 1000 * percentile(latencies_, .5),
      1000 * percentile(latencies_, .99), 1000 * percentile(move_latencies_, .99),
      1000 * percentile(move_latencies_, 1), errors);
}

}  // namespace dunlin::bench
