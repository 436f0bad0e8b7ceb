/// QUEUE SESSION: what a subscriber knows of one queue: whether it is subscribed there, which part
/// of the queue's sequence has come, and when it has to say so.
#pragma once

#include "actors/cache_update/subscription_options.hpp"
#include "actors/cache_update/subscription_words.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <optional>

namespace dunlin::cache_update {

class queue_session {
public:
  struct wish {
    std::uint64_t attempt;
    std::uint64_t queue_incarnation;
    std::uint64_t received_through;
  };
  enum class arrival { fresh, mends, twice, late };

  queue_session(const options& limits, time now)
      : limits_{limits}, retry_at_{now}, received_{0, limits.runs_max} {}

  /// A subscription that has to be asked for now.
  std::optional<wish> ask(time now, random_source& random);
  void on_reply(time now, std::uint64_t attempt, const subscribed& said);
  void on_refused(time now, std::uint64_t attempt, random_source& random);
  void on_lost(time now, random_source& random);
  void on_up(time now);

  arrival on_batch(time now, const batch& came);
  /// True: something is gone for good that had not come.
  bool on_news(time now, const news& said);

  /// An acknowledgement has to go now; the caller sends received() with its clock.
  bool ack_due(time now);
  const run_progress& received() const { return received_; }
  std::uint64_t incarnation() const { return incarnation_; }
  bool is_subscribed() const { return state_ == state::on; }
  bool has_hole() const { return !received_.beyond().empty(); }

  time next_wake() const;
  /// Nothing has come for too long: asks anew.
  void check_silence(time now);

private:
  enum class state { off, asking, on };
  void ask_at(time when) {
    state_ = state::off;
    retry_at_ = when;
  }
  void back_off(time now, random_source& random);
  void notice(time now, std::uint64_t incarnation);
  void ack_by(time when) { ack_at_ = std::min(ack_at_, when); }
  void ack_at_once(time now) { ack_by(std::max(now, last_ack_ + limits_.hole_ack_gap)); }

  const options limits_;
  state state_ = state::off;
  time retry_at_;  ///< off: when to ask; asking: when to give that up
  std::uint64_t attempt_ = 0;
  std::uint32_t failures_ = 0;
  std::uint32_t unacked_ = 0;  ///< batches
  std::uint64_t incarnation_ = 0;
  run_progress received_;
  time last_heard_{}, last_ack_{}, ack_at_{}, asked_at_{};
};

}  // namespace dunlin::cache_update
