#include "actors/message_queue/subscriber_cursor.hpp"

#include <algorithm>

namespace dunlin::queue {

void subscriber_cursor::heard(time now) {
  last_heard_ = now;
  paused_ = false;
}

void subscriber_cursor::acknowledge(const options& limits, time now, const acknowledgement& said) {
  heard(now);
  have_.raise(std::min(said.received_through, sent_through_));
  for (const auto& run : said.beyond)
    if (run.last <= sent_through_) have_.add(run);
  time slowest{0};
  std::erase_if(flights_, [&](const flight& one) {
    if (!have_.contains({one.after + 1, one.sequence})) return false;
    slowest = std::max(slowest, now - one.first_sent_at);
    return true;
  });
  if (slowest > time{0}) learn(limits, slowest);
}

// Goes about the median: a tenth that is lost and comes later does not move it, a busy machine,
// which what is sent again would make busier, does.
void subscriber_cursor::learn(const options& limits, time took) {
  const auto step = std::max(time{1}, usual_ / 8);
  usual_ += took > usual_ ? step : -step;
  usual_ = std::clamp(usual_, time{0}, limits.resend_after_max);
}

time subscriber_cursor::patience(const options& limits) const {
  return std::clamp(usual_ * 3 / 2, limits.resend_after, limits.resend_after_max);
}

bool subscriber_cursor::takes(const options& limits, const batch& next) const {
  return !paused_ && sent_through_ >= next.after && flights_.size() < limits.in_flight_max;
}

void subscriber_cursor::sent(const batch& which, time now) {
  flights_.push_back({which.after, which.sequence, now, now, 1});
  sent_through_ = std::max(sent_through_, which.sequence);
}

void subscriber_cursor::fill(const options& limits, time now, const batch_ring& ring,
                             std::vector<const batch*>& out) {
  if (paused_) return;
  fill_again(limits, now, ring, out);
  while (flights_.size() < limits.in_flight_max) {
    const auto* next = ring.next(sent_through_);
    if (!next) return;
    sent(*next, now);
    out.push_back(next);
  }
}

subscriber_cursor::verdict subscriber_cursor::judge(const options& limits, time now,
                                                    const flight& of) const {
  // One that is heard of lacks the batch and wants it; to one that is silent a few are enough.
  const bool lives = last_heard_ > of.sent_at;
  const bool overtaken = have_.highest() > of.sequence;
  // While later ones are on their way, acknowledgements of these will show what is missing: a
  // stream that flows sends nothing again for being late.
  const auto since = overtaken ? of.sent_at : std::max(of.sent_at, flights_.back().sent_at);
  if (now - since < (overtaken ? limits.replay_after : patience(limits))) return verdict::wait;
  if (of.sends >= limits.sends_max) return lives ? verdict::give_up : verdict::wait;
  return lives || of.sends < limits.attempts_max ? verdict::again : verdict::wait;
}

void subscriber_cursor::fill_again(const options& limits, time now, const batch_ring& ring,
                                   std::vector<const batch*>& out) {
  for (auto& one : flights_) {
    const auto what = judge(limits, now, one);
    if (what == verdict::give_up) {
      lost_through_ = std::max(lost_through_, one.sequence);
      ++given_up_;
    }
    if (what != verdict::again) continue;
    const auto* held = ring.find(one.sequence);
    if (!held) continue;
    one.sent_at = now;
    ++one.sends;
    ++resends_;
    out.push_back(held);
  }
  if (lost_through_ > have_.through()) lose_through(lost_through_);
}

bool subscriber_cursor::lose_through(std::uint64_t kept_after) {
  if (have_.through() >= kept_after) return false;
  const bool had_all = have_.contains({have_.through() + 1, kept_after});
  have_.raise(kept_after);
  lost_through_ = std::max(lost_through_, kept_after);
  sent_through_ = std::max(sent_through_, kept_after);
  std::erase_if(flights_, [&](const flight& one) { return one.sequence <= kept_after; });
  return !had_all;
}

}  // namespace dunlin::queue
