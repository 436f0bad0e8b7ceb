#include "actors/partition/gathered_updates.hpp"

#include <algorithm>

namespace dunlin {

/// Of two updates of one item, whether the second says more.
static bool newer(const v1::CacheUpdate& held, const v1::CacheUpdate& other) {
  if (other.tick() != held.tick()) return other.tick() > held.tick();
  return held.now_case() == v1::CacheUpdate::NOW_NOT_SET;
}

void gathered_updates::add(const v1::TypeUpdates& change) {
  auto& to = types_[{change.type(), change.partition()}];
  for (const auto& run : change.covered())
    to.covered.emplace_back(run.first(), run.last());
  for (const auto& update : change.updates()) {
    if (update.whole()) {
      if (!to.whole || newer(*to.whole, update)) to.whole = update;
      continue;
    }
    const auto [held, first] = to.by_key.try_emplace(update.key(), update);
    if (!first && newer(held->second, update)) held->second = update;
  }
}

/// Ascending, disjoint, not adjacent.
static void write_runs(std::vector<std::pair<std::uint64_t, std::uint64_t>> runs,
                       v1::TypeUpdates& to) {
  std::sort(runs.begin(), runs.end());
  for (const auto& [first, last] : runs) {
    auto* before = to.covered_size() > 0 ? to.mutable_covered(to.covered_size() - 1) : nullptr;
    if (before && first <= before->last() + 1) {
      before->set_last(std::max(before->last(), last));
      continue;
    }
    auto& run = *to.add_covered();
    run.set_first(first);
    run.set_last(last);
  }
}

v1::EnqueueUpdates gathered_updates::finish() const {
  v1::EnqueueUpdates all;
  for (const auto& [of, gathered] : types_) {
    auto& to = *all.add_changes();
    to.set_type(of.first);
    to.set_partition(of.second);
    write_runs(gathered.covered, to);
    if (gathered.whole) *to.add_updates() = *gathered.whole;
    for (const auto& [key, update] : gathered.by_key)
      // What is known of an item from before everything may have changed says nothing any more.
      if (!gathered.whole || update.tick() > gathered.whole->tick()) *to.add_updates() = update;
  }
  return all;
}

}  // namespace dunlin
