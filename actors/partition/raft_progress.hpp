/// RAFT PROGRESS: what a leader knows of one follower's log, and how much more it may send it.
#pragma once

#include "actors/partition/raft_types.hpp"

#include <deque>

namespace dunlin::raft {

/// While probing, one append at a time looks for the place where the logs agree; afterwards appends
/// are pipelined, within the limits, on the assumption that they arrive. A follower that needs what
/// the log has forgotten gets no appends, but an offer of a snapshot, again and again until it says
/// that it is further.
class progress {
public:
  enum class mode : std::uint8_t { probe, replicate, snapshot };

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

  /// The log no longer holds `next()`. Nothing but an accepted place ends it.
  void want_snapshot();
  bool needs_snapshot() const { return mode_ == mode::snapshot; }
  bool offer_is_due() const { return needs_snapshot() && offer_wait_ == 0; }
  /// Nothing is offered again before so many ticks.
  void postpone_offer(int ticks) { offer_wait_ = ticks; }
  void tick() { offer_wait_ -= offer_wait_ > 0 ? 1 : 0; }

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
  int offer_wait_ = 0;  // ticks
  std::deque<append_in_flight> in_flight_;
  std::size_t in_flight_bytes_ = 0;
};

}  // namespace dunlin::raft
