#include "actors/s3_gateway/confirm_limit.hpp"

namespace dunlin::s3 {

bool confirm_limit::take(std::string_view peer, std::int64_t now_ms) {
  auto address = peer.substr(0, peer.rfind(':'));
  const std::lock_guard lock(guard_);
  // Another second, or a clock that was set: a new share for everybody.
  if (now_ms / 1000 != second_) {
    second_ = now_ms / 1000;
    taken_.clear();
  }
  auto found = taken_.find(address);
  if (found == taken_.end()) {
    // More clients than are told apart: the rest of them share one's part.
    if (taken_.size() >= clients_max_) address = {};
    found = taken_.try_emplace(std::string(address)).first;
  }
  if (found->second >= per_second_) return false;
  ++found->second;
  return true;
}

}  // namespace dunlin::s3
