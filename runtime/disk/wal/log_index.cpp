#include "runtime/disk/wal/log_index.hpp"

namespace dunlin::wal {

void log_index::set_hard(group_id id, std::uint64_t term, const std::string& vote, place at) {
  auto& of = groups_[id];
  of.term = term;
  of.vote = vote;
  keep(of.hard, at);
}

void log_index::add_entry(group_id id, std::uint64_t index, entry_place one) {
  auto& of = groups_[id];
  DUNLIN_ASSERT(index > of.compacted_index && index <= of.last_index() + 1);
  while (of.last_index() >= index) {
    drop(of.entries.back().at);
    of.entries.pop_back();
  }
  of.entries.push_back({one.term, {}});
  keep(of.entries.back().at, one.at);
}

bool log_index::compact_drops_all(group_id id, std::uint64_t index, std::uint64_t term) const {
  const auto* of = find(id);
  if (of == nullptr || index <= of->compacted_index) return false;
  if (index > of->last_index()) return true;
  return of->entries[index - of->compacted_index - 1].term != term;
}

void log_index::compact(group_id id, std::uint64_t index, std::uint64_t term, place at) {
  const auto all = compact_drops_all(id, index, term);
  auto& of = groups_[id];
  while (!of.entries.empty() && (all || of.compacted_index < index)) {
    drop(of.entries.front().at);
    of.entries.pop_front();
    ++of.compacted_index;
  }
  of.compacted_index = index;
  of.compacted_term = term;
  keep(of.compact, at);
}

void log_index::move(place& what, place to) { keep(what, to); }

std::uint64_t log_index::live_bytes(std::uint64_t sequence) const {
  const auto found = live_.find(sequence);
  return found == live_.end() ? 0 : found->second;
}

const log_index::group* log_index::find(group_id id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : &found->second;
}

void log_index::keep(place& slot, place at) {
  drop(slot);
  slot = at;
  live_[at.sequence] += at.bytes;
  live_total_ += at.bytes;
}

void log_index::drop(const place& what) {
  if (what.sequence == 0) return;
  live_total_ -= what.bytes;
  const auto found = live_.find(what.sequence);
  found->second -= what.bytes;
  if (found->second == 0) live_.erase(found);
}

}  // namespace dunlin::wal
