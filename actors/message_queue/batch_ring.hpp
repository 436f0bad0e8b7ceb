/// BATCH RING: the recent batches of one stream, for subscribers that are behind. Bounded; what it
/// no longer holds has been missed by whoever had not got it.
#pragma once

#include "actors/message_queue/pending_batch.hpp"

#include <cstdint>
#include <deque>

namespace dunlin::queue {

class batch_ring {
public:
  batch_ring(std::size_t bytes_max, std::size_t batches_max, std::uint64_t kept_after)
      : bytes_max_{bytes_max}, batches_max_{batches_max}, kept_after_{kept_after} {}

  void push(batch made);
  /// Batches whose time is over go, and with them those before.
  void expire(time now);
  /// Everybody has these.
  void drop_through(std::uint64_t sequence);

  /// Nothing up to here is held.
  std::uint64_t kept_after() const { return kept_after_; }
  /// Of the newest batch, also if it is gone.
  std::uint64_t last() const { return batches_.empty() ? kept_after_ : batches_.back().sequence; }
  const batch* find(std::uint64_t sequence) const;
  /// The first batch that has something past `sequence`.
  const batch* next(std::uint64_t sequence) const;

  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return batches_.size(); }

private:
  void pop();

  std::size_t bytes_max_, batches_max_;
  std::uint64_t kept_after_;
  std::deque<batch> batches_;
  time soonest_expiry_ = time::max();
  std::size_t bytes_ = 0;
};

}  // namespace dunlin::queue
