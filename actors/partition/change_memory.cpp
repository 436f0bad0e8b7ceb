#include "actors/partition/change_memory.hpp"

#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <functional>

namespace dunlin {

namespace {

std::uint64_t hash_of(std::string_view type, std::string_view key) {
  const std::hash<std::string_view> hash;
  return hash(key) ^ (hash(type) * 0x9e3779b97f4a7c15ull);
}

}  // namespace

void change_memory::note(time now, std::string_view type, std::string_view key,
                         std::uint64_t tick) {
  while (!changes_.empty() &&
         (changes_.size() >= limits_.changes_max || now - changes_.front().at > limits_.age_max))
    drop_oldest();
  changes_.push_back({hash_of(type, key), tick, now});
}

void change_memory::drop_oldest() {
  // Others of the same moment may be gone too.
  since_ = changes_.front().at + time{1};
  changes_.pop_front();
}

void change_memory::forget(time now) {
  changes_.clear();
  since_ = now;
}

change_memory::age change_memory::age_of(time now, std::string_view type, std::string_view key,
                                         std::uint64_t known_tick) const {
  age found;
  found.remembers = std::max(now - since_, time{0});
  const auto item = hash_of(type, key);
  for (auto one = changes_.rbegin(); one != changes_.rend(); ++one) {
    if (one->item != item) continue;
    if (found.newest_tick == 0) found.newest_tick = one->tick;
    if (one->tick <= known_tick) break;
    if (found.next_tick != 0) DUNLIN_REACHED("partition.overtaken_more_than_once");
    found.next_tick = one->tick;
    found.since_next = now - one->at;
    if (planted(bug::overtaken_by_the_last_change)) break;
  }
  return found;
}

}  // namespace dunlin
