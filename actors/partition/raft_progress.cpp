#include "actors/partition/raft_progress.hpp"

#include <algorithm>

namespace dunlin::raft {

void progress::become(mode next_mode, index_t next) {
  mode_ = next_mode;
  next_ = next;
  probe_sent_ = false;
  in_flight_.clear();
  in_flight_bytes_ = 0;
}

bool progress::may_send(const options& limits) const {
  if (needs_snapshot()) return false;
  if (mode_ == mode::probe) return !probe_sent_;
  return in_flight_.size() < limits.inflight_messages_max &&
         in_flight_bytes_ < limits.inflight_bytes_max;
}

void progress::on_sent(index_t last, std::size_t bytes) {
  if (mode_ == mode::probe) {
    // Lost or not, the next heartbeat probes the same place without the entries.
    probe_sent_ = true;
    return;
  }
  next_ = last + 1;
  in_flight_.push_back({last, bytes});
  in_flight_bytes_ += bytes;
}

void progress::want_snapshot() {
  if (needs_snapshot()) return;
  become(mode::snapshot, next_);
  offer_wait_ = 0;
}

bool progress::on_accepted(index_t match) {
  const auto news = match > match_;
  match_ = std::max(match_, match);
  if (mode_ != mode::replicate) {
    become(mode::replicate, match_ + 1);
    return news;
  }
  next_ = std::max(next_, match_ + 1);
  while (!in_flight_.empty() && in_flight_.front().last <= match_) {
    in_flight_bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  return news;
}

void progress::on_rejected(index_t rejected, index_t possible) {
  // What is matched is durable there: an answer that denies it is an old one.
  if (rejected <= match_ || needs_snapshot()) return;
  if (mode_ == mode::probe && rejected != next_ - 1) return;
  become(mode::probe, std::max(match_ + 1, std::min(rejected, possible + 1)));
}

}  // namespace dunlin::raft
