#include "actors/storage_node/compare_core.hpp"

#include <algorithm>

namespace dunlin {

std::vector<node_id> compare_core::on_peers(const std::map<node_id, std::uint64_t>& connected) {
  std::vector<node_id> came;
  for (const auto& [peer, incarnation] : connected) {
    const auto at = connected_.find(peer);
    if (at == connected_.end() || at->second != incarnation) came.push_back(peer);
  }
  connected_ = connected;
  return came;
}

void compare_core::begin(const node_id& peer, const std::vector<std::uint32_t>& sets, time now) {
  // What waits for this peer starts over; a list that is out keeps its place at the front.
  const auto keep = asked_ ? jobs_.begin() + 1 : jobs_.begin();
  jobs_.erase(std::remove_if(keep, jobs_.end(),
                             [&](const job& waiting) { return waiting.what.peer == peer; }),
              jobs_.end());
  for (const auto set : sets)
    jobs_.push_back({{peer, set, {}}, now + limits_.settle, 0});
}

std::optional<compare_core::list> compare_core::next(time now) {
  if (asked_ || jobs_.empty()) return {};
  const auto ready = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const job& waiting) { return waiting.not_before <= now; });
  if (ready == jobs_.end()) return {};
  std::rotate(jobs_.begin(), ready, std::next(ready));
  asked_ = true;
  return jobs_.front().what;
}

void compare_core::on_listed(const std::string& last, time now) {
  DUNLIN_ASSERT(asked_);
  asked_ = false;
  auto& front = jobs_.front();
  front.failures = 0;
  front.what.after = last;
  front.not_before = now + limits_.pause;
  if (last.empty()) jobs_.pop_front();
}

void compare_core::on_failed(time now) {
  DUNLIN_ASSERT(asked_);
  asked_ = false;
  auto failed = std::move(jobs_.front());
  jobs_.pop_front();
  // A peer that is really gone comes back with on_peers().
  if (++failed.failures >= limits_.attempts_max) return;
  failed.not_before = now + limits_.back_off * failed.failures;
  jobs_.push_back(std::move(failed));
}

}  // namespace dunlin
