#include "actors/s3_gateway/credential_cache.hpp"

#include <utility>

namespace dunlin::s3 {

bool credential_cache::fresh(const item& each, std::int64_t now_ms) const {
  // The time of day may jump back; an entry from the future is as good as none.
  return now_ms >= each.since_ms && now_ms - each.since_ms < ttl_ms_;
}

std::optional<credential> credential_cache::find(const std::string& access_key,
                                                 std::int64_t now_ms) const {
  const std::lock_guard lock(guard_);
  const auto found = items_.find(access_key);
  if (found == items_.end() || !fresh(found->second, now_ms)) return {};
  return found->second.known;
}

void credential_cache::put(const std::string& access_key, credential known, std::int64_t now_ms) {
  const std::lock_guard lock(guard_);
  if (items_.size() >= items_max_)
    std::erase_if(items_, [&](const auto& each) { return !fresh(each.second, now_ms); });
  // Still full: more keys in use than it holds. These are asked about each time.
  if (items_.size() >= items_max_ && !items_.contains(access_key)) return;
  items_.insert_or_assign(access_key, item{std::move(known), now_ms});
}

}  // namespace dunlin::s3
