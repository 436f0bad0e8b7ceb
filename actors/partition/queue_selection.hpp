/// QUEUE SELECTION: which message queue a leader gives its changes to (Q7). Pure. Several leaders
/// that select alike at one time let one queue aggregate what changes at that time; so a selection
/// is kept for an interval, unless it goes by the item.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin {

class queue_selection {
public:
  using time = std::chrono::milliseconds;

  virtual ~queue_selection() = default;
  /// An index into `queues`, which are ascending and never none. `item` is the type and key of a
  /// change.
  virtual std::size_t choose(const std::vector<node_id>& queues, std::string_view item) = 0;
  /// The same item goes to the same queue: asked for every change instead of once an interval.
  virtual bool by_item() const { return false; }
  /// How long a queue took to answer; no answer counts as the whole time it had.
  virtual void observe(const node_id&, time) {}
};

enum class queue_choice { random, round_robin, rendezvous, nearest };

/// `random` outlives the selection. nearest: the queue on `self` if there is one, else the one that
/// has answered fastest of late, with a look at another one now and then.
std::unique_ptr<queue_selection> select_queues(queue_choice how, const node_id& self,
                                               random_source& random);

}  // namespace dunlin
