/// SUBSCRIBER CURSOR: how far one subscriber is in the ring of its stream, what is on its way to
/// it, and what has to go again (Q13). It holds no batch: a slow subscriber costs a few numbers
/// (Q25).
#pragma once

#include "actors/message_queue/batch_ring.hpp"
#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/queue_words.hpp"

#include <cstdint>
#include <vector>

namespace dunlin::queue {

class subscriber_cursor {
public:
  subscriber_cursor(std::uint64_t through, time now) : have_{through}, sent_through_{through} {
    last_heard_ = now;
  }

  /// What it says it has; numbers that were not sent to it are not believed.
  void acknowledge(const options& limits, time now, const acknowledgement& said);
  /// Whether the batch is the next for it and there is room.
  bool takes(const options& limits, const batch& next) const;
  void sent(const batch& which, time now);
  /// The batches for it now: those that have to go again, and new ones as far as there is room.
  void fill(const options& limits, time now, const batch_ring& ring,
            std::vector<const batch*>& out);
  /// What the ring has lost is lost for it. True if it had not got all of that.
  bool lose_through(std::uint64_t kept_after);

  /// Its link is gone: nothing goes to it until it is heard of again.
  void pause() { paused_ = true; }
  void heard(time now);

  std::uint64_t through() const { return have_.through(); }
  /// Nothing up to here will be sent to it again.
  std::uint64_t lost_through() const { return lost_through_; }
  std::size_t in_flight() const { return flights_.size(); }
  time last_heard() const { return last_heard_; }
  std::uint64_t resends() const { return resends_; }
  std::uint64_t given_up() const { return given_up_; }

private:
  struct flight {
    std::uint64_t after, sequence;
    time first_sent_at, sent_at;
    std::uint32_t sends;
  };
  enum class verdict { wait, again, give_up };
  /// How long an acknowledgement may take, by how long they usually do.
  time patience(const options& limits) const;
  void learn(const options& limits, time took);
  verdict judge(const options& limits, time now, const flight& of) const;
  void fill_again(const options& limits, time now, const batch_ring& ring,
                  std::vector<const batch*>& out);

  run_progress have_;
  std::uint64_t sent_through_;
  std::uint64_t lost_through_ = 0;
  std::vector<flight> flights_;  ///< ascending
  time last_heard_;
  time usual_{0};  ///< from a batch's first sending to its acknowledgement
  bool paused_ = false;
  std::uint64_t resends_ = 0, given_up_ = 0;
};

}  // namespace dunlin::queue
