#include "actors/cache_update/type_coverage.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>

namespace dunlin::cache_update {

bool type_coverage::hear(time now, const std::vector<ordinal_run>& covered) {
  const auto before = heard_.through();
  if (!heard_.add(covered)) return false;
  if (heard_.through() > before) progress_ = now;
  note_hole(now, before);
  settle();
  return true;
}

void type_coverage::note_hole(time now, std::uint64_t through_before) {
  if (heard_.beyond().empty())
    beyond_since_.reset();
  else if (!beyond_since_ || heard_.through() > through_before)
    beyond_since_ = now;
}

bool type_coverage::raise_base(std::uint64_t tick) {
  if (tick <= base_tick_) return false;
  base_tick_ = tick;
  return true;
}

bool type_coverage::learn(const options& limits, time now, const claim& said) {
  if (!known_) {
    known_ = true;
    heard_.raise(said.ordinal);
    note_hole(now, 0);
    raise_base(said.tick);
    prove(said);
    return true;
  }
  if (said.ordinal <= heard_.through() || planted(bug::gap_not_noticed)) {
    prove(said);
    return false;
  }
  const auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const waiting_claim& one) {
    return one.said.ordinal >= said.ordinal;
  });
  if (at != waiting_.end() && at->said.ordinal == said.ordinal) {
    // The same ordinal at a later time proves more; the hole is as old as before.
    at->said.true_at = std::max(at->said.true_at, said.true_at);
    at->said.tick = std::max(at->said.tick, said.tick);
    return false;
  }
  const bool newest = at == waiting_.end();
  if (waiting_.size() < limits.proofs_max)
    waiting_.insert(at, {said, now});
  else if (newest)
    waiting_.back() = {said, now};
  return false;
}

std::optional<time> type_coverage::drop_at(const options& limits) const {
  if (waiting_.empty()) return std::nullopt;
  auto since = waiting_.front().since;
  for (const auto& one : waiting_)
    since = std::min(since, one.since);
  if (beyond_since_) since = std::min(since, *beyond_since_);
  return std::min(std::max(since, progress_) + limits.hole_grace, since + limits.hole_max);
}

void type_coverage::drop() {
  const auto newest = waiting_.back().said;
  heard_.raise(newest.ordinal);
  raise_base(newest.tick);
  beyond_since_.reset();
  settle();
}

void type_coverage::settle() {
  std::erase_if(waiting_, [&](const waiting_claim& one) {
    if (one.said.ordinal > heard_.through()) return false;
    prove(one.said);
    return true;
  });
}

void type_coverage::prove(const claim& said) {
  if (!said.true_at || (proven_ && *proven_ >= *said.true_at)) return;
  proven_ = said.true_at;
  proven_moved_ = true;
}

std::optional<time> type_coverage::take_proven() {
  if (!known_ || !proven_moved_) return std::nullopt;
  proven_moved_ = false;
  return proven_;
}

}  // namespace dunlin::cache_update
