#include "runtime/policy/document_shelf.hpp"

namespace dunlin::policy {

// Two halves: what is used moves to the newer one; when that is full, the older one goes as a
// whole.
document_ptr document_shelf::get(const std::string& place, std::uint64_t tick,
                                 const std::function<document_ptr()>& read) {
  {
    const std::lock_guard lock(guard_);
    if (const auto found = newer_.find(place); found != newer_.end() && found->second.tick == tick)
      return found->second.read;
    if (const auto found = older_.find(place);
        found != older_.end() && found->second.tick == tick) {
      auto kept = found->second.read;
      newer_.insert(older_.extract(found));
      return kept;
    }
  }
  auto made = read();  // outside of the lock: it may take a while
  const std::lock_guard lock(guard_);
  if (newer_.size() >= documents_max_ / 2) older_ = std::exchange(newer_, {});
  newer_.insert_or_assign(place, entry{tick, made});
  return made;
}

}  // namespace dunlin::policy
