#include "actors/partition/raft_log.hpp"

#include <algorithm>
#include <iterator>

namespace dunlin::raft {

void begin_at(restored& from, position at) {
  DUNLIN_ASSERT(at.index >= from.snapshot_index);
  auto agrees = at == position{from.snapshot_term, from.snapshot_index};
  for (const auto& e : from.entries)
    agrees = agrees || at == position{e.term, e.index};
  std::erase_if(from.entries, [&](const entry& e) { return !agrees || e.index <= at.index; });
  from.snapshot_index = from.applied = at.index;
  from.snapshot_term = at.term;
}

raft_log::raft_log(restored from)
    : snapshot_index_{from.snapshot_index}, snapshot_term_{from.snapshot_term} {
  auto term = snapshot_term_;
  for (auto& e : from.entries) {
    DUNLIN_ASSERT(e.index == last_index() + 1);
    DUNLIN_ASSERT(e.term >= term);
    term = e.term;
    bytes_ += bytes_of(e);
    entries_.push_back(std::move(e));
  }
  handed_ = stored_ = last_index();
}

std::optional<term_t> raft_log::term_at(index_t index) const {
  if (index == snapshot_index_) return snapshot_term_;
  if (const auto* e = find(index)) return e->term;
  return std::nullopt;
}

const entry* raft_log::find(index_t index) const {
  if (index <= snapshot_index_ || index > last_index()) return nullptr;
  return &entries_[index - first_index()];
}

bool raft_log::is_covered_by(index_t index, term_t term) const {
  return term > last_term() || (term == last_term() && index >= last_index());
}

index_t raft_log::last_possible_match(index_t index, term_t term) const {
  if (index < snapshot_index_) return index;
  const auto known = std::min(index, last_index()) - snapshot_index_;
  // Terms never fall along the log.
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(known);
  const auto beyond = std::partition_point(entries_.begin(), end,
                                           [term](const entry& e) { return e.term <= term; });
  if (beyond != entries_.begin()) return std::prev(beyond)->index;
  return snapshot_term_ <= term || snapshot_index_ == 0 ? snapshot_index_ : snapshot_index_ - 1;
}

std::vector<entry> raft_log::slice(index_t from, index_t to, std::size_t bytes_max) const {
  DUNLIN_ASSERT(from > snapshot_index_ && to <= last_index());
  std::vector<entry> some;
  std::size_t bytes = 0;
  for (auto index = from; index <= to; ++index) {
    const auto& e = entries_[index - first_index()];
    bytes += bytes_of(e);
    if (!some.empty() && bytes > bytes_max) break;
    some.push_back(e);
  }
  return some;
}

std::size_t raft_log::bytes_between(index_t after, index_t through) const {
  std::size_t bytes = 0;
  for (auto index = after + 1; index <= through; ++index)
    if (const auto* e = find(index)) bytes += bytes_of(*e);
  return bytes;
}

void raft_log::append(entry e) {
  DUNLIN_ASSERT(e.index == last_index() + 1);
  DUNLIN_ASSERT(e.term >= last_term());
  bytes_ += bytes_of(e);
  entries_.push_back(std::move(e));
}

void raft_log::truncate_from(index_t index) {
  DUNLIN_ASSERT(index > snapshot_index_ && index <= last_index());
  for (; last_index() >= index; entries_.pop_back())
    bytes_ -= bytes_of(entries_.back());
  handed_ = std::min(handed_, index - 1);
  stored_ = std::min(stored_, index - 1);
  for (auto& w : writes_)
    w.last = std::min(w.last, index - 1);
}

void raft_log::compact(index_t through) {
  if (through <= snapshot_index_) return;
  DUNLIN_ASSERT(through <= stored_);
  snapshot_term_ = *term_at(through);
  for (; snapshot_index_ < through; ++snapshot_index_) {
    bytes_ -= bytes_of(entries_.front());
    entries_.pop_front();
  }
}

bool raft_log::restore(position at) {
  DUNLIN_ASSERT(at.index > snapshot_index_);
  const auto agrees = term_at(at.index) == at.term;
  if (!agrees && last_index() > snapshot_index_) truncate_from(first_index());
  // The state itself holds what is below, so it is as good as stored.
  handed_ = std::max(handed_, at.index);
  stored_ = std::max(stored_, at.index);
  if (agrees) {
    compact(at.index);
  } else {
    snapshot_index_ = at.index;
    snapshot_term_ = at.term;
  }
  return agrees;
}

index_t raft_log::index_keeping(std::size_t bytes) const {
  auto index = last_index();
  for (std::size_t kept = 0; index > snapshot_index_; --index) {
    kept += bytes_of(entries_[index - first_index()]);
    if (kept > bytes) break;
  }
  return index;
}

std::vector<entry> raft_log::hand_out(std::uint64_t token) {
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(handed_ - snapshot_index_);
  std::vector<entry> fresh(first, entries_.end());
  handed_ = last_index();
  writes_.push_back({token, handed_});
  return fresh;
}

void raft_log::on_stored(std::uint64_t token) {
  while (!writes_.empty() && writes_.front().token <= token) {
    stored_ = std::max(stored_, writes_.front().last);
    writes_.pop_front();
  }
}

}  // namespace dunlin::raft
