#include "actors/balancer/selection.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace dunlin {

using namespace std::chrono_literals;

namespace {

constexpr double level_max = 2;
constexpr double capacity_min = 0.01;
constexpr double capacity_max = 1'000;
// What a connection is taken to need where nobody has said anything yet.
constexpr double demand_min = 0.001;
constexpr double memory_of_tries = 0.95;
constexpr auto rest_first = 200ms;
constexpr auto rest_max = 10s;
// Somebody has heard of it since: worth a try soon.
constexpr auto rest_of_living = 1s;
// Hearsay alone lifts no refusal sooner, or one who lies about a peer sends all clients there.
constexpr auto refusal_min = 1s;
constexpr std::size_t placements_max = 4096;
// Digests of large fleets tell of some of them at a time: so long, and nobody has heard of it.
constexpr int unheard_factor = 10;
// Up to so many takers the least loaded one is asked; of more, the least loaded of a few.
constexpr std::size_t exact_max = 16;
constexpr std::size_t draws = 4;

bool sane(double number) { return std::isfinite(number) && number >= 0; }

}  // namespace

selection::selection(std::string rack, random_source& random)
    : rack_(std::move(rack)), random_(random) {}

void selection::set_nodes(const nodes& all) {
  std::map<node_id, access_node> known;
  for (const auto& [node, where] : all) {
    auto old = known_.extract(node);
    auto& one = known[node];
    if (old) one = std::move(old.mapped());
    one.where = where;
  }
  known_ = std::move(known);
  make_cycle();
}

void selection::set_settings(const balance::settings& now) { settings_ = now; }

/// Neighbours in the cycle stand in different racks; it begins with the own one.
void selection::make_cycle() {
  std::map<std::string, std::vector<node_id>> racks;
  for (const auto& [node, one] : known_)
    racks[one.where.rack].push_back(node);
  std::vector<std::vector<node_id>> groups;
  for (auto& [rack, nodes] : racks) {
    const auto own = rack == rack_;
    groups.insert(own ? groups.begin() : groups.end(), std::move(nodes));
  }
  cycle_.clear();
  for (std::size_t i = 0; cycle_.size() < known_.size(); ++i)
    for (const auto& group : groups)
      if (i < group.size()) cycle_.push_back(group[i]);
  cycle_at_ = 0;
}

selection::access_node* selection::find(const node_id& node) {
  const auto found = known_.find(node);
  return found == known_.end() ? nullptr : &found->second;
}

std::set<node_id> selection::outside_group_of(const node_id& node) const {
  std::set<node_id> others;
  const auto found = known_.find(node);
  if (found == known_.end()) return others;
  for (const auto& [name, one] : known_)
    if (one.where.group != found->second.where.group) others.insert(name);
  return others;
}

// ---- what is heard ----

void selection::heard(time now, const std::vector<level_report>& digest, const node_id& teller) {
  for (const auto& one : digest)
    hear(now, one, one.node == teller);
}

void selection::hear(time now, const level_report& said, bool of_itself) {
  auto* const one = find(said.node);
  if (!one || (!of_itself && said.incarnation < one->incarnation)) return;
  const auto at = now - std::clamp<time>(said.age, 0ms, 24h);
  if (one->known && !of_itself && at < one->said) return;
  const auto usable = sane(said.level) && sane(said.capacity);
  one->known = true;
  if (of_itself) one->incarnation = said.incarnation;
  one->said = at;
  one->level = usable ? std::min(said.level, level_max) : level_max;
  one->capacity = usable ? std::clamp(said.capacity, capacity_min, capacity_max) : capacity_min;
  one->willing = usable && said.willing;
  one->connections = said.connections;
  while (!one->placed.empty() && one->placed.front().at <= at)
    one->placed.pop_front();
  const auto lifted = one->refused_at && *one->refused_at < at;
  if (lifted && now - *one->refused_at >= refusal_min) one->refused_at.reset();
  if (one->failures > 0 && at > one->failed_at)
    one->rests_until = std::min(one->rests_until, one->failed_at + time{rest_of_living});
}

void selection::offered(const node_id& node) {
  if (auto* const one = find(node)) ++one->offers;
}

void selection::dropped(const node_id& node) {
  // A node that was taken away and came back knows nothing of its former offers.
  if (auto* const one = find(node)) one->offers -= one->offers > 0 ? 1 : 0;
}

void selection::count(access_node& one, bool took) {
  one.tries = one.tries * memory_of_tries + 1;
  one.takes = one.takes * memory_of_tries + (took ? 1 : 0);
  one.failures = 0;
  one.rests_until = 0ms;
}

void selection::accepted(time now, const node_id& node, double demand) {
  dropped(node);
  auto* const one = find(node);
  if (!one) return;
  count(*one, true);
  ++one->accepts;
  one->refused_at.reset();
  one->placed.push_back({now, demand});
  if (one->placed.size() > placements_max) one->placed.pop_front();
}

void selection::refused(time now, const node_id& node, std::uint32_t attempt, bool last_resort) {
  dropped(node);
  auto* const one = find(node);
  if (!one) return;
  count(*one, false);
  ++one->refusals;
  one->refused_at = now;
  one->refused_level = refused_from(now, attempt, last_resort);
}

void selection::unreachable(time now, const node_id& node) {
  auto* const one = find(node);
  if (!one) return;
  ++one->losses;
  const auto rest = std::min<time>(rest_max, rest_first * (1 << std::min(one->failures, 10u)));
  ++one->failures;
  one->failed_at = now;
  // Several balancers shall not find it again in the same moment.
  one->rests_until =
      now + rest +
      time{static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(rest.count()))} /
          4;
}

void selection::reachable(const node_id& node) {
  auto* const one = find(node);
  if (!one) return;
  one->failures = 0;
  one->rests_until = 0ms;
}

// ---- what is thought of it ----

bool selection::fresh(time now, const access_node& one) const {
  return one.known && now - one.said <= settings_.peers.stale_after;
}

bool selection::willing(time now, const access_node& one) const {
  if (one.refused_at && now - *one.refused_at <= settings_.peers.stale_after) return false;
  // Nothing heard yet: new here, and to be found out by asking (B13).
  return !one.known || (fresh(now, one) && one.willing);
}

double selection::level_of(const access_node& one) const {
  return one.refused_at ? std::max(one.level, one.refused_level) : one.level;
}

/// What this balancer has sent there since its word, and the next one, as a level.
double selection::sent_since(const access_node& one, double demand, double next) const {
  double sum = demand * one.offers + next;
  for (const auto& each : one.placed)
    if (each.at > one.said) sum += each.demand > 0 ? each.demand : demand;
  return sum / one.capacity;
}

double selection::mean_demand(time now) const {
  double load = 0;
  double connections = 0;
  for (const auto& [node, one] : known_) {
    if (!fresh(now, one)) continue;
    load += one.level * one.capacity;
    connections += one.connections;
  }
  return connections > 0 ? std::max(load / connections, demand_min) : demand_min;
}

double selection::fleet_level(time now) const {
  double load = 0;
  double capacity = 0;
  for (const auto& [node, one] : known_) {
    if (!fresh(now, one)) continue;
    load += one.level * one.capacity;
    capacity += one.capacity;
  }
  const auto level = capacity > 0 ? load / capacity : 0;
  return std::max(level, settings_.accept.fleet_floor);
}

double selection::threshold(time now, std::uint32_t attempt) const {
  const auto& steps = settings_.accept.steps;
  if (steps.empty()) return settings_.accept.ceiling;
  const auto at = std::min<std::size_t>(std::max(attempt, 1u), steps.size()) - 1;
  if (settings_.accept.against == balance::scale::literal) return steps[at].threshold;
  return std::min(steps[at].threshold * fleet_level(now), settings_.accept.ceiling);
}

double selection::refused_from(time now, std::uint32_t attempt, bool last_resort) const {
  return last_resort ? settings_.accept.last_resort_cap : threshold(now, attempt);
}

// ---- whom to ask ----

std::optional<node_id> selection::pick_last(time now, const std::set<node_id>& not_these,
                                            const std::map<node_id, double>& at_least) {
  const auto all = able(now, not_these);
  if (all.empty()) return std::nullopt;
  return lowest(now, all, 0, at_least)->first;
}

std::optional<node_id> selection::pick(time now, std::uint32_t attempt,
                                       const std::set<node_id>& not_these, double demand) {
  auto all = able(now, not_these);
  if (all.empty()) return std::nullopt;
  const auto& rules = settings_.choose.by_attempt;
  const auto at = std::min<std::size_t>(std::max(attempt, 1u), rules.size());
  const auto rule = rules.empty() ? balance::pick::digest : rules[at - 1];
  if (rule == balance::pick::digest) return by_digest(now, std::move(all), demand)->first;
  prefer_rack(all);
  switch (rule) {
    case balance::pick::success: return by_success(all)->first;
    case balance::pick::round_robin: return next_by_name(all)->first;
    case balance::pick::cycle: return next_in_cycle(all)->first;
    default: return any(all)->first;
  }
}

/// Those at rest only where there is nobody else: a link that came back must not wait.
selection::candidates selection::able(time now, const std::set<node_id>& not_these) const {
  candidates awake;
  candidates resting;
  for (const auto& each : known_) {
    if (not_these.count(each.first) > 0) continue;
    (each.second.rests_until > now ? resting : awake).push_back(&each);
  }
  return awake.empty() ? resting : awake;
}

void selection::prefer_rack(candidates& all) const {
  if (!settings_.choose.rack_first) return;
  const auto near = [&](const entry* one) { return one->second.where.rack == rack_; };
  if (std::none_of(all.begin(), all.end(), near)) return;
  std::erase_if(all, [&](const entry* one) { return !near(one); });
}

/// Digests tell of the teller's peers only: a group that is not asked is not heard of, and would
/// never be asked again. So once in `stale_after` one of such a group is asked all the same, the
/// next time another one; of other groups one of whom its peers have not heard for long either.
const selection::entry* selection::probe(time now, const candidates& all) {
  std::set<std::string_view> heard;
  for (const auto& [name, one] : known_)
    if (fresh(now, one)) heard.insert(one.where.group);
  if (heard.empty()) return nullptr;  // of nobody: no word keeps them from being asked
  const entry* chosen = nullptr;
  for (const auto* one : all) {
    const auto& node = one->second;
    if (!node.known || fresh(now, node) || node.rests_until > now) continue;
    if (node.refused_at && now - *node.refused_at <= settings_.peers.stale_after) continue;
    const auto patience = settings_.peers.stale_after * unheard_factor;
    if (heard.contains(node.where.group) && now - node.said <= patience) continue;
    const auto last = probed_.find(node.where.group);
    if (last != probed_.end() && now - last->second < settings_.peers.stale_after) continue;
    if (!chosen || node.probed < chosen->second.probed) chosen = one;
  }
  if (chosen) probed_[chosen->second.where.group] = now;
  if (chosen) find(chosen->first)->probed = now;
  return chosen;
}

const selection::entry* selection::by_digest(time now, candidates all, double demand) {
  if (const auto* unheard = probe(now, all)) return unheard;
  candidates takers;
  for (const auto* one : all)
    if (willing(now, one->second)) takers.push_back(one);
  if (takers.empty()) {
    prefer_rack(all);
    return by_success(all);
  }
  prefer_rack(takers);
  return lowest(now, takers.size() > exact_max ? drawn(now, takers, demand) : takers, demand);
}

/// In a large fleet all balancers would choose the same one of the same digest, and be refused
/// there: the better of a few, drawn by the room that they have, spreads them.
selection::candidates selection::drawn(time now, const candidates& all, double size) {
  const auto limit = threshold(now, 1), demand = mean_demand(now);
  std::vector<double> rooms;
  double sum = 0;
  for (const auto* one : all) {
    const auto level =
        level_of(one->second) + sent_since(one->second, demand, size > 0 ? size : demand);
    rooms.push_back(sum += std::max(0.0, limit - level) * one->second.capacity);
  }
  if (sum <= 0) return all;
  candidates few;
  for (std::size_t i = 0; i < draws; ++i) {
    const auto at = static_cast<double>(random_.next() >> 11) * 0x1p-53 * sum;
    const auto found = std::upper_bound(rooms.begin(), rooms.end(), at) - rooms.begin();
    few.push_back(all[std::min<std::size_t>(static_cast<std::size_t>(found), all.size() - 1)]);
  }
  return few;
}

const selection::entry* selection::lowest(time now, const candidates& all, double size,
                                          const std::map<node_id, double>& at_least) {
  const auto demand = mean_demand(now);
  candidates best;
  double least = 0;
  for (const auto* one : all) {
    auto level = level_of(one->second);
    const auto known = at_least.find(one->first);
    if (known != at_least.end()) level = std::max(level, known->second);
    level += sent_since(one->second, demand, size > 0 ? size : demand);
    if (!best.empty() && level > least) continue;
    if (best.empty() || level < least) best.clear();
    best.push_back(one);
    least = level;
  }
  return any(best);
}

/// Offers without an answer yet have not been taken: a burst goes to more than one.
const selection::entry* selection::by_success(const candidates& all) {
  candidates best;
  double most = -1;
  for (const auto* one : all) {
    const auto rate = (one->second.takes + 1) / (one->second.tries + one->second.offers + 2);
    if (rate < most) continue;
    if (rate > most) best.clear();
    best.push_back(one);
    most = rate;
  }
  return any(best);
}

const selection::entry* selection::any(const candidates& all) {
  return all.size() == 1 ? all.front() : all[random_.next() % all.size()];
}

const selection::entry* selection::next_by_name(const candidates& all) {
  const auto after =
      std::find_if(all.begin(), all.end(), [&](const entry* one) { return one->first > turn_; });
  const auto* const chosen = after == all.end() ? all.front() : *after;
  turn_ = chosen->first;
  return chosen;
}

const selection::entry* selection::next_in_cycle(const candidates& all) {
  for (;;) {
    const auto& name = cycle_[cycle_at_];
    cycle_at_ = (cycle_at_ + 1) % cycle_.size();
    for (const auto* one : all)
      if (one->first == name) return one;
  }
}

std::vector<selection::view> selection::all(time now) const {
  std::vector<view> out;
  for (const auto& [node, one] : known_)
    out.push_back({node, level_of(one), one.known ? now - one.said : 0ms, one.known,
                   one.rests_until <= now, one.accepts, one.refusals, one.losses});
  return out;
}

}  // namespace dunlin
