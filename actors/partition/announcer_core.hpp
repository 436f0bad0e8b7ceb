/// ANNOUNCER: how a leader gets the rows of its partition's outbox to message queues (Q7, decision
/// 13, docs/decisions/0011). Rows go out at once, those of one interval to one queue; what a queue
/// does not answer for in time goes to another one, and that queue is left alone for a while.
///
/// Caches wait for a row that they know to be missing only for a short while before they drop all
/// of its type. So rows of a queue that is late, by its own measure, go to another one long before
/// the queue is given up: it may have died in silence, or its disk may be slow; then they come
/// twice, which does no harm.
///
/// Knows no clock, no actor: time is an argument, effects come out as values. The owner performs
/// `send` with limits.answer_timeout, answers each with exactly one of on_durable(), on_failed() or
/// on_refused(), and calls on_timer() when next_wake() has come. Rows may reach queues twice, in
/// any order.
///
/// A row that queues cannot read must not hold up all others for ever: what was refused is sent
/// again a row at a time, and the row that is refused alone is given up. It counts as announced;
/// its ordinal stays missing, which makes caches drop what they hold of its type.
#pragma once

#include "actors/partition/queue_selection.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace dunlin {

class announcer_core {
public:
  using time = std::chrono::milliseconds;

  struct limits {
    time interval{20};                   ///< rows that come within one go to one queue
    std::size_t rows_max = 1024;         ///< held: sent or not, and not yet announced
    std::size_t bytes_max = 256u << 10;  ///< of one message, about; a larger row goes alone
    std::size_t message_rows_max = 256;  ///< so also a bound of its runs of ordinals
    std::size_t in_flight_max = 4;       ///< messages at one queue
    time answer_timeout{1000};
    time patience_min{100};        ///< with a queue, before its rows go to another one, too …
    unsigned patience_factor = 4;  ///< … or so many times what it takes of late
    time rest_min{200}, rest_max{5000};  ///< of a queue that failed; longer each time in a row
  };

  /// One row of the outbox; what it says is the owner's.
  struct row {
    std::uint64_t tick = 0;
    std::string item;       ///< type and key, for the selection
    std::size_t bytes = 0;  ///< 0: there is nothing to say, so it counts as announced
  };

  // ---- effects ----
  struct send {
    node_id queue;
    std::uint64_t message = 0;
    std::vector<std::uint64_t> rows;  ///< ticks, ascending
  };
  /// Every row up to this tick is durable at some queue, or given up; so many of them were not
  /// before.
  struct announced {
    std::uint64_t through = 0;
    std::size_t rows = 0;
  };
  using effect = std::variant<send, announced>;
  using effects = std::vector<effect>;

  /// Without queues nothing is ever sent. Duplicates among them count once.
  announcer_core(limits bounds, std::vector<node_id> queues,
                 std::unique_ptr<queue_selection> selection);

  // ---- inputs ----
  /// Ascending, above all before; at most room() of them.
  effects on_rows(time now, std::vector<row> rows);
  effects on_durable(time now, std::uint64_t message);
  /// No answer in time, the peer was lost, or it cannot take more.
  effects on_failed(time now, std::uint64_t message);
  /// The queue is well, but cannot make sense of the message.
  effects on_refused(time now, std::uint64_t message);
  effects on_timer(time now);

  std::optional<time> next_wake() const;
  std::size_t room() const { return limits_.rows_max - rows_.size(); }
  std::uint64_t given_up() const { return given_up_; }

private:
  struct held {
    row what{};
    bool done = false;         // durable, or given up
    bool alone = false;        // was in a message that was refused
    std::size_t carriers = 0;  // messages in flight that have it and are not late
  };
  struct queue_state {
    std::size_t in_flight = 0;
    std::size_t late = 0;   // of these
    unsigned failures = 0;  // in a row
    time rests_until{};
    double usual_ms = 0;  // from message to answer, smoothed
  };
  struct message {
    node_id queue;
    time sent_at{};
    std::vector<std::uint64_t> ticks;
    bool late = false;
  };

  void dispatch(effects& out);
  void hand_over();
  std::optional<node_id> queue_for(const row& what);
  bool usable(const node_id& queue) const { return !rests(queue) && !full(queue); }
  /// Those that are not late, or all if all are.
  std::vector<node_id> usable() const;
  time late_at(const message& of) const;
  void let_go(const message& of);
  send make_message(const node_id& queue);
  bool rests(const node_id& queue) const { return now_ < queues_.at(queue).rests_until; }
  bool full(const node_id& queue) const {
    return queues_.at(queue).in_flight >= limits_.in_flight_max;
  }
  /// Takes the message out of those in flight; none: it is not.
  std::optional<message> take(std::uint64_t id);
  void advance(effects& out);

  limits limits_;
  std::map<node_id, queue_state> queues_;
  std::unique_ptr<queue_selection> selection_;
  time now_{};
  std::map<std::uint64_t, held> rows_;  // by tick
  std::set<std::uint64_t> waiting_;     // ticks of rows that are in no message
  std::map<std::uint64_t, message> in_flight_;
  std::uint64_t last_message_ = 0;
  std::uint64_t given_up_ = 0;
  node_id current_;  // of this interval; empty: none yet
  time interval_end_{};
};

}  // namespace dunlin
