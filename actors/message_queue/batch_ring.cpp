#include "actors/message_queue/batch_ring.hpp"

#include <algorithm>

namespace dunlin::queue {

void batch_ring::push(batch made) {
  bytes_ += made.bytes->size();
  soonest_expiry_ = std::min(soonest_expiry_, made.expires);
  batches_.push_back(std::move(made));
  while (batches_.size() > 1 && (bytes_ > bytes_max_ || batches_.size() > batches_max_))
    pop();
}

void batch_ring::expire(time now) {
  if (now < soonest_expiry_) return;
  std::uint64_t over = 0;
  for (const auto& one : batches_)
    if (one.expires <= now) over = one.sequence;
  drop_through(over);
  soonest_expiry_ = time::max();
  for (const auto& one : batches_)
    soonest_expiry_ = std::min(soonest_expiry_, one.expires);
}

void batch_ring::drop_through(std::uint64_t sequence) {
  while (!batches_.empty() && batches_.front().sequence <= sequence)
    pop();
}

const batch* batch_ring::next(std::uint64_t sequence) const {
  const auto at = std::lower_bound(
      batches_.begin(), batches_.end(), sequence,
      [](const batch& one, std::uint64_t number) { return one.sequence <= number; });
  return at == batches_.end() ? nullptr : &*at;
}

const batch* batch_ring::find(std::uint64_t sequence) const {
  const auto* found = next(sequence - 1);
  return found && found->sequence == sequence ? found : nullptr;
}

void batch_ring::pop() {
  kept_after_ = batches_.front().sequence;
  bytes_ -= batches_.front().bytes->size();
  batches_.pop_front();
}

}  // namespace dunlin::queue
