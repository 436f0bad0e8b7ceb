/// MESSAGE LOSS: cache-update messages that a node loses on purpose, so that one can see on a live
/// cluster what retries, sequences, ordinals and news are for (Q13, Q14): a fraction of the batches
/// that its queue sends to subscribers, and of the acknowledgements that its subscribers send to
/// queues. What leaders give to queues is never lost here. Off unless the topology or an operator
/// says otherwise.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/metrics.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::assembly {

/// Thread safe: asked by actors, set by the admin plane.
class message_loss {
public:
  /// `counts` outlives it.
  message_loss(std::shared_ptr<random_source> random, metrics& counts);

  /// False, and nothing is changed: not 0 <= fraction < 1.
  bool set(double fraction);
  double fraction() const;

  /// Whether this one is lost; counted if so. Asks for no random number while nothing is.
  bool takes_batch() { return takes(batches_); }
  bool takes_ack() { return takes(acks_); }

  std::uint64_t batches() const;
  std::uint64_t acks() const;

  /// For the node's status: what an operator must not overlook.
  std::vector<std::string> warnings() const;

private:
  bool takes(counter& of);

  std::shared_ptr<random_source> random_;
  counter &batches_, &acks_;
  gauge& share_;
  std::atomic<double> fraction_{0};
};

}  // namespace dunlin::assembly
