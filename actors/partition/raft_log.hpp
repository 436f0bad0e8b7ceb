/// RAFT LOG: the entries that one replica holds in memory, and how far they are handed to storage
/// and durable there. Knows nothing of roles or commits.
#pragma once

#include "actors/partition/raft_types.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace dunlin::raft {

class raft_log {
public:
  explicit raft_log(restored from);

  index_t snapshot_index() const { return snapshot_index_; }
  term_t snapshot_term() const { return snapshot_term_; }
  index_t first_index() const { return snapshot_index_ + 1; }
  index_t last_index() const { return snapshot_index_ + entries_.size(); }
  term_t last_term() const { return entries_.empty() ? snapshot_term_ : entries_.back().term; }

  /// None: below the snapshot or beyond the end.
  std::optional<term_t> term_at(index_t index) const;
  const entry* find(index_t index) const;

  /// A candidate with this last entry has all that this log has, as far as votes can tell.
  bool is_covered_by(index_t index, term_t term) const;

  /// The last index at or below `index` whose term is at most `term`: where two logs may agree.
  /// Below the snapshot the terms are forgotten: then one less than the snapshot, or `index`.
  index_t last_possible_match(index_t index, term_t term) const;

  /// Entries from..to, at least one, then as many as fit.
  std::vector<entry> slice(index_t from, index_t to, std::size_t bytes_max) const;
  std::size_t bytes_between(index_t after, index_t through) const;

  void append(entry e);
  void truncate_from(index_t index);
  void compact(index_t through);

  /// A state that holds all up to `at` has been installed. Keeps what is above it only if this log
  /// goes through the same place; answers whether it does. Durable with the next hand_out().
  bool restore(position at);

  /// Of all entries held.
  std::size_t bytes() const { return bytes_; }
  /// The lowest index above which entries of at most `bytes` are held.
  index_t index_keeping(std::size_t bytes) const;

  bool has_unhanded() const { return handed_ < last_index(); }
  /// What storage has not been given yet; durable when on_stored(token) is called.
  std::vector<entry> hand_out(std::uint64_t token);
  void on_stored(std::uint64_t token);
  index_t stored() const { return stored_; }

private:
  // A cut of the log after a write was handed out takes back what the write will prove.
  struct write {
    std::uint64_t token;
    index_t last;
  };

  index_t snapshot_index_ = 0;
  term_t snapshot_term_ = 0;
  std::deque<entry> entries_;
  std::size_t bytes_ = 0;
  std::deque<write> writes_;
  index_t handed_ = 0;
  index_t stored_ = 0;
};

}  // namespace dunlin::raft
