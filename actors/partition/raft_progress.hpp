/// RAFT PROGRESS: what a leader knows of one follower's log, and how much more it may send it.
#pragma once

#include "actors/partition/raft_types.hpp"

#include <deque>

namespace dunlin::raft {

/// While probing, one append at a time looks for the place where the logs agree; afterwards appends
/// are pipelined, within the limits, on the assumption that they arrive.
class progress {
public:
  enum class mode : std::uint8_t { probe, replicate };

  explicit progress(index_t next) : next_{next} {}

  mode state() const { return mode_; }
  index_t match() const { return match_; }
  index_t next() const { return next_; }

  bool may_send(const options& limits) const;
  void on_sent(index_t last, std::size_t bytes);

  /// The follower's durable log agrees up to `match`. True: that is news.
  bool on_accepted(index_t match);

  /// The follower does not have `rejected` as we do; the logs may agree up to `possible`.
  void on_rejected(index_t rejected, index_t possible);

  bool needs_snapshot = false;
  bool active = false;             ///< heard of in this check-quorum window
  bool was_active = true;          ///< … in the one before
  std::uint64_t read_context = 0;  ///< newest ReadIndex round that it confirmed

private:
  void become(mode next_mode, index_t next);

  struct append_in_flight {
    index_t last;
    std::size_t bytes;
  };
  mode mode_ = mode::probe;
  index_t match_ = 0;
  index_t next_;
  bool probe_sent_ = false;
  std::deque<append_in_flight> in_flight_;
  std::size_t in_flight_bytes_ = 0;
};

}  // namespace dunlin::raft
