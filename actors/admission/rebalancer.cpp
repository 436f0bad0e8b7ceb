#include "actors/admission/rebalancer.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin {

namespace {

/// Moving less than this part of what is too much is not worth a move.
constexpr double fit_min = 0.05;
/// For throttling: heavy is so much more than the mean.
constexpr double heavy_factor = 2;
constexpr std::size_t heavy_max = 64;
constexpr std::size_t refusals_max = 65'536;
constexpr std::uint32_t doublings_max = 8;

}  // namespace

bool rebalancer::overloaded(const view& at) const {
  const auto& by = settings_.rebalance;
  if (by.when) return balance::holds(*by.when, at.loads, 0);
  return balance::level_of(at.loads) > std::max(at.fleet_level * by.trigger, by.floor);
}

bool rebalancer::peers_have_room(const view& at) const {
  const auto& by = settings_.rebalance;
  if (by.when && !by.peers_level) return at.part_willing >= by.peers_willing;
  return at.part_below >= by.peers_below;
}

bool rebalancer::may_go(time now, const candidate& one) const {
  const auto& by = settings_.rebalance;
  if (in_flight_.contains(one.connection)) return false;
  if (one.age < (one.moved ? std::max(by.age_min, by.cool_down) : by.age_min)) return false;
  const auto found = kept_.find(one.connection);
  return found == kept_.end() || now >= found->second.until;
}

const rebalancer::candidate* rebalancer::pick(const std::vector<const candidate*>& from,
                                              double excess, const draw& random) const {
  const auto best = [&](auto worse) {
    const auto found = std::max_element(from.begin(), from.end(), worse);
    return found == from.end() ? nullptr : *found;
  };
  switch (settings_.rebalance.choice) {
    case balance::target::best_fit:
      return best([&](const auto* a, const auto* b) {
        return std::abs(a->demand - excess) > std::abs(b->demand - excess);
      });
    case balance::target::oldest:
      return best([](const auto* a, const auto* b) { return a->age < b->age; });
    case balance::target::heaviest:
      return best([](const auto* a, const auto* b) { return a->demand < b->demand; });
    case balance::target::random: return from.empty() ? nullptr : from[random(from.size())];
  }
  return nullptr;
}

std::vector<std::uint64_t> rebalancer::choose(time now, const view& at,
                                              const std::vector<candidate>& all,
                                              const draw& random) const {
  const auto& by = settings_.rebalance;
  std::vector<std::uint64_t> chosen;
  // Literal overload has no measure of how much is too much: best fit is then what brings the
  // node down to the fleet's level.
  auto excess = (balance::level_of(at.loads) - at.fleet_level) * at.capacity;
  const auto fits = [&](const candidate& one) {
    if (by.choice != balance::target::best_fit) return true;
    return one.demand <= by.fit_max * excess && one.demand >= fit_min * excess;
  };
  while (in_flight_.size() + chosen.size() < by.moves_at_once) {
    std::vector<const candidate*> left;
    for (const auto& one : all)
      if (may_go(now, one) && fits(one) &&
          std::find(chosen.begin(), chosen.end(), one.connection) == chosen.end())
        left.push_back(&one);
    const auto* next = pick(left, excess, random);
    if (!next) break;
    chosen.push_back(next->connection);
    excess -= next->demand;
    if (excess <= 0) break;
  }
  return chosen;
}

std::vector<std::uint64_t> rebalancer::heavy(const std::vector<candidate>& all) const {
  double sum = 0;
  for (const auto& one : all)
    sum += one.demand;
  std::vector<std::uint64_t> chosen;
  for (const auto& one : all)
    if (one.demand * static_cast<double>(all.size()) > heavy_factor * sum &&
        chosen.size() < heavy_max)
      chosen.push_back(one.connection);
  return chosen;
}

rebalancer::decision rebalancer::on_time(time now, const view& at,
                                         const std::vector<candidate>& all, const draw& random) {
  const auto& by = settings_.rebalance;
  if (!by.enabled || !overloaded(at)) return {};
  const auto room = peers_have_room(at);
  const auto rested = !last_ || now - *last_ >= by.interval_min;
  if (rested && (room || by.close_anyway)) {
    auto chosen = choose(now, at, all, random);
    if (!chosen.empty()) {
      last_ = now;
      in_flight_.insert(chosen.begin(), chosen.end());
      return {room && by.rehome ? act::move : act::close, std::move(chosen)};
    }
  }
  if (by.throttle > 0 && !(rested && room)) return {act::throttle, heavy(all)};
  return {};
}

void rebalancer::on_kept(time now, std::uint64_t connection) {
  in_flight_.erase(connection);
  auto& one = kept_[connection];
  const auto factor = 1u << std::min(one.times++, doublings_max);
  const auto& by = settings_.rebalance;
  one.until =
      now + std::min<time>(by.interval_min * factor, std::max(by.cool_down, by.interval_min));
}

void rebalancer::on_gone(std::uint64_t connection) {
  in_flight_.erase(connection);
  kept_.erase(connection);
}

void refusal_window::add(const std::string& who, time until) {
  auto& known = until_[who];
  if (known >= until) return;
  known = until;
  order_.emplace(until, who);
  while (until_.size() > refusals_max)
    forget_before(order_.begin()->first + time{1});
}

bool refusal_window::refuses(const std::string& who, time now) const {
  const auto found = until_.find(who);
  return found != until_.end() && now < found->second;
}

void refusal_window::forget_before(time now) {
  while (!order_.empty() && order_.begin()->first < now) {
    const auto found = until_.find(order_.begin()->second);
    if (found != until_.end() && found->second == order_.begin()->first) until_.erase(found);
    order_.erase(order_.begin());
  }
}

}  // namespace dunlin
