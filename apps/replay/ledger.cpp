#include "apps/replay/ledger.hpp"

#include "apps/replay/percentile.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace dunlin::replay {

void ledger::acknowledged(time now, std::uint32_t item, std::uint64_t tick, bool counted) {
  writes_.at(item).push_back({tick, now, counted});
}

void ledger::looked_up(time began, time ended, std::uint32_t item, std::uint16_t node,
                       std::uint64_t tick, bool from_cache, bool counted) {
  lookups_.push_back({began, ended, tick, item, node, from_cache, counted});
}

void ledger::heard(time now, std::uint32_t item, std::uint16_t node, std::uint64_t tick) {
  hearings_.push_back({now, tick, item, node});
}

std::uint64_t ledger::newest(std::uint32_t item) const {
  std::uint64_t tick = 0;
  for (const auto& one : writes_.at(item))
    tick = std::max(tick, one.tick);
  return tick;
}

void ledger::judge(const std::vector<std::vector<write>>& by_tick, figures& into) const {
  std::vector<time> ages;
  for (const auto& one : lookups_) {
    if (!one.counted) continue;
    ++into.lookups;
    into.hits += one.from_cache ? 1 : 0;
    if (one.tick == 0) {
      ++into.absent;
      continue;
    }
    std::optional<time> overtaken;
    const auto& writes = by_tick[one.item];
    for (auto at = writes.rbegin(); at != writes.rend() && at->tick > one.tick; ++at)
      if (at->acknowledged <= one.began)
        overtaken = std::min(overtaken.value_or(at->acknowledged), at->acknowledged);
    if (!overtaken) continue;
    ++into.stale;
    ages.push_back(one.began - *overtaken);
  }
  into.age_p50 = percentile(ages, .5);
  into.age_p99 = percentile(ages, .99);
  into.age_max = percentile(ages, 1);
}

// A look-up that began after another one of the same item at the same node had ended.
void ledger::find_steps_back(figures& into) const {
  std::map<std::pair<std::uint16_t, std::uint32_t>, std::vector<const look_up*>> all;
  for (const auto& one : lookups_)
    if (one.tick != 0) all[{one.node, one.item}].push_back(&one);
  for (auto& [place, seen] : all) {
    auto ended = seen;
    const auto earlier = [](auto member) {
      return [member](const look_up* a, const look_up* b) { return a->*member < b->*member; };
    };
    std::stable_sort(seen.begin(), seen.end(), earlier(&look_up::began));
    std::stable_sort(ended.begin(), ended.end(), earlier(&look_up::ended));
    std::uint64_t newest = 0;
    auto next = ended.begin();
    for (const auto* one : seen) {
      for (; next != ended.end() && (*next)->ended < one->began; ++next)
        newest = std::max(newest, (*next)->tick);
      into.went_back += one->tick < newest ? 1 : 0;
    }
  }
}

void ledger::measure_delays(const std::vector<std::vector<write>>& by_tick, figures& into) const {
  std::unordered_map<std::uint64_t, std::vector<const hearing*>> heard;  // by item and node
  for (const auto& one : hearings_)
    heard[std::uint64_t{one.item} * nodes_ + one.node].push_back(&one);
  for (auto& [place, all] : heard)
    std::stable_sort(all.begin(), all.end(),
                     [](const auto* a, const auto* b) { return a->when < b->when; });
  std::vector<time> delays;
  for (std::size_t item = 0; item < by_tick.size(); ++item) {
    const auto& writes = by_tick[item];
    std::vector<time> last(writes.size(), time::min());
    std::vector<std::size_t> nodes(writes.size(), 0);
    for (std::size_t node = 0; node < nodes_; ++node) {
      const auto found = heard.find(std::uint64_t{item} * nodes_ + node);
      if (found == heard.end()) continue;
      // Every write up to the tick that is heard, and was not yet.
      std::size_t next = 0;
      for (const auto* one : found->second)
        for (; next < writes.size() && writes[next].tick <= one->tick; ++next) {
          last[next] = std::max(last[next], one->when);
          ++nodes[next];
        }
    }
    for (std::size_t i = 0; i < writes.size(); ++i) {
      if (!writes[i].counted) continue;
      if (nodes[i] < nodes_)
        ++into.unheard;
      else
        delays.push_back(last[i] - writes[i].acknowledged);
    }
  }
  into.delay_p50 = percentile(delays, .5);
  into.delay_p99 = percentile(delays, .99);
  into.delay_max = percentile(delays, 1);
}

ledger::figures ledger::count() const {
  auto by_tick = writes_;
  figures made;
  for (auto& writes : by_tick) {
    std::sort(writes.begin(), writes.end(),
              [](const write& a, const write& b) { return a.tick < b.tick; });
    for (const auto& one : writes)
      made.writes += one.counted ? 1 : 0;
  }
  judge(by_tick, made);
  find_steps_back(made);
  measure_delays(by_tick, made);
  return made;
}

}  // namespace dunlin::replay
