#include "actors/admission/peer_table.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace dunlin {

namespace {

constexpr double level_max = 2;
/// One that claims to be a giant would be the whole fleet's level.
constexpr double capacity_ratio_max = 16;

double clamp_level(double said) {
  return std::isfinite(said) ? std::clamp(said, 0.0, level_max) : level_max;
}

double weight_of(double capacity, double own) {
  if (!std::isfinite(capacity) || capacity <= 0) return 0;
  return std::clamp(capacity, own / capacity_ratio_max, own * capacity_ratio_max);
}

}  // namespace

void peer_table::set_peers(const std::vector<node_id>& all) {
  std::map<node_id, entry> made;
  for (const auto& name : all) {
    const auto found = peers_.find(name);
    auto& one = made[name];
    if (found != peers_.end()) one = found->second;
    one.said.node = name;
  }
  peers_ = std::move(made);
}

bool peer_table::on_indicators(const peer_level& said, std::uint64_t sequence) {
  const auto found = peers_.find(said.node);
  if (found == peers_.end()) return false;
  auto& one = found->second;
  if (one.heard && said.incarnation < one.said.incarnation) return false;
  if (one.heard && said.incarnation == one.said.incarnation && sequence <= one.sequence)
    return false;
  one = {said, sequence, true, false};
  one.said.level = clamp_level(said.level);
  return true;
}

void peer_table::on_nobody_takes() {
  for (auto& [name, one] : peers_)
    one.refused = true;
}

bool peer_table::fresh(const entry& of, time now) const {
  return of.heard && now - of.said.said_at <= settings_.stale_after;
}

double peer_table::fleet_level(time now, const own_level& own) const {
  auto sum = clamp_level(own.level) * own.capacity, weights = own.capacity;
  for (const auto& [name, one] : peers_) {
    if (!fresh(one, now)) continue;
    const auto weight = weight_of(one.said.capacity, own.capacity);
    sum += one.said.level * weight;
    weights += weight;
  }
  return weights > 0 ? sum / weights : 0;
}

double peer_table::part_below(time now, double level) const {
  if (peers_.empty()) return 0;
  const auto below = std::count_if(peers_.begin(), peers_.end(), [&](const auto& peer) {
    return fresh(peer.second, now) && !peer.second.refused && peer.second.said.level < level;
  });
  return static_cast<double>(below) / static_cast<double>(peers_.size());
}

double peer_table::part_willing(time now) const {
  if (peers_.empty()) return 0;
  const auto willing = std::count_if(peers_.begin(), peers_.end(), [&](const auto& peer) {
    return fresh(peer.second, now) && !peer.second.refused && peer.second.said.willing;
  });
  return static_cast<double>(willing) / static_cast<double>(peers_.size());
}

double peer_table::mean_demand(time now, const own_level& own) const {
  auto demand = clamp_level(own.level) * own.capacity;
  auto connections = static_cast<double>(own.connections);
  for (const auto& [name, one] : peers_) {
    if (!fresh(one, now)) continue;
    demand += one.said.level * weight_of(one.said.capacity, own.capacity);
    connections += one.said.connections;
  }
  return connections > 0 ? demand / connections : 0;
}

std::vector<peer_level> peer_table::known() const {
  std::vector<peer_level> made;
  for (const auto& [name, one] : peers_)
    if (one.heard) made.push_back(one.said);
  return made;
}

std::vector<peer_level> peer_table::digest(time now, std::size_t most, std::uint64_t turn) const {
  std::vector<const peer_level*> all;
  for (const auto& [name, one] : peers_)
    if (fresh(one, now)) all.push_back(&one.said);
  if (all.size() > most) {
    const auto half = static_cast<std::ptrdiff_t>(most / 2);
    std::nth_element(all.begin(), all.begin() + half, all.end(), [](const auto* a, const auto* b) {
      return std::tie(a->level, a->node) < std::tie(b->level, b->node);
    });
    std::sort(all.begin() + half, all.end(),
              [](const auto* a, const auto* b) { return a->node < b->node; });
    const auto rest = all.size() - most / 2;
    std::rotate(all.begin() + half,
                all.begin() + half + static_cast<std::ptrdiff_t>(turn * (most - most / 2) % rest),
                all.end());
    all.resize(most);
  }
  std::vector<peer_level> made;
  for (const auto* one : all)
    made.push_back(*one);
  return made;
}

}  // namespace dunlin
