/// One replica as tests see it: a core, a disk that keeps only what was stored, and a state machine
/// that remembers what it applied.
#pragma once

#include "actors/partition/raft_core.hpp"
#include "actors/partition/raft_invariants.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace dunlin::raft {

struct member {
  member(options config, std::function<std::uint64_t()> random, raft_invariants& watch);

  /// Does the core's work, except that writes wait in `writes` for store().
  void work(const std::function<void(message)>& send);
  /// The oldest `count` writes become durable.
  void store(std::size_t count = 1);
  void crash();
  void restart();
  /// The state machine becomes durable and the log forgets up to `index`.
  void compact(index_t index);

  // ---- snapshots: whole states that all members find by their identity ----

  using state = std::map<index_t, entry>;
  using states = std::map<std::string, state>;
  /// Copies the state as applied so far and offers it.
  void offer(const std::string& identity, states& copies);
  /// What the core told to fetch has arrived, whole. False: it was no longer wanted.
  bool begin_install(const states& copies);
  /// The new state is on disk; the core and the log do not know yet. Then on_snapshot_installed.
  void replace_state();
  void finish_install();
  bool installing() const { return incoming_.has_value(); }
  bool up() const { return core != nullptr; }

  struct write {
    std::uint64_t token;
    std::optional<hard_state> hard;
    std::optional<position> reset;
    std::vector<entry> entries;
  };

  options config;
  std::function<std::uint64_t()> random;
  raft_invariants& watch;
  std::unique_ptr<raft_core> core;
  std::deque<write> writes;
  std::vector<ready::read_done> reads;
  std::vector<std::uint64_t> reads_failed;
  std::map<index_t, entry> applied;
  snapshot_ptr fetching;  ///< null: nothing to fetch
  std::function<void(const entry&)> on_applied = [](const entry&) {};

private:
  void forget(position at);

  hard_state disk_hard_;
  std::map<index_t, entry> disk_log_;
  index_t snapshot_index_ = 0;
  term_t snapshot_term_ = 0;
  index_t disk_applied_ = 0;
  std::optional<position> disk_installed_;  // a mark: the state may be ahead of the log
  std::optional<state> incoming_;
};

inline buffer text(const std::string& bytes) { return std::make_shared<const std::string>(bytes); }

}  // namespace dunlin::raft
