#include "tests/unit/cache_update/grid_leader.hpp"

#include "messages/run_set.hpp"

#include <algorithm>

namespace dunlin::grid {

using namespace std::chrono_literals;

void leader::commit(const std::string& type) {
  tick_ += 1 + random_() % 3;
  auto& all = history_[type];
  const auto ordinal = all.size() + 1;
  const auto key = "k" + std::to_string(random_() % 20);
  all.push_back({tick_, ordinal, key, time_.now()});
  outbox_.push_back({type, ordinal, ordinal, tick_, key});
  if (outbox_.size() > 150) collapse();
  pump();
}

void leader::collapse() {
  std::map<std::string, row> melted;
  std::erase_if(outbox_, [&](const row& one) {
    if (one.request) return false;
    auto [at, is_new] = melted.try_emplace(one.type, one);
    // Rows of a type that are on their way leave holes, which their own requests cover.
    if (!is_new && one.first != at->second.last + 1) return false;
    at->second.last = one.last;
    at->second.tick = std::max(at->second.tick, one.tick);
    at->second.key.clear();
    return true;
  });
  for (auto& [type, one] : melted)
    outbox_.push_back(one);
  std::stable_sort(outbox_.begin(), outbox_.end(),
                   [](const row& a, const row& b) { return a.tick < b.tick; });
  ++collapsed;
}

std::string leader::words(std::uint64_t request) {
  std::map<std::string, run_set> covered;
  std::map<std::string, std::map<std::string, std::uint64_t>> ticks;
  std::size_t rows = 0;
  for (auto& one : outbox_) {
    if (one.request || rows++ >= 50) continue;
    one.request = request;
    covered[one.type].add({one.first, one.last});
    auto& tick = ticks[one.type][one.key];
    tick = std::max(tick, one.tick);
  }
  v1::EnqueueUpdates out;
  for (const auto& [type, runs] : covered) {
    auto& changes = *out.add_changes();
    changes.set_type(type);
    changes.set_partition(partition_);
    for (const auto& run : runs.runs()) {
      auto& put = *changes.add_covered();
      put.set_first(run.first);
      put.set_last(run.last);
    }
    for (const auto& [key, tick] : ticks[type]) {
      auto& update = *changes.add_updates();
      update.set_tick(tick);
      update.set_key(key);
      update.set_whole(key.empty());
      if (!key.empty() && tick % 2) update.set_value("value " + std::to_string(tick));
    }
  }
  return out.SerializeAsString();
}

void leader::pump() {
  const auto free = [](const row& one) { return one.request == 0; };
  while (std::any_of(outbox_.begin(), outbox_.end(), free)) {
    if (time_.now() >= chosen_until_) {
      queue_ = random_() % queues_;
      chosen_until_ = time_.now() + 20ms;
    }
    const auto request = ++requests_;
    give_(queue_, request, words(request));
    time_.after(150ms, [this, request] { answered(request, false); });
  }
}

void leader::answered(std::uint64_t request, bool accepted) {
  bool waits = false;
  for (auto& one : outbox_)
    waits |= one.request == request;
  if (!waits) return;
  if (accepted) {
    std::erase_if(outbox_, [&](const row& one) { return one.request == request; });
    return;
  }
  for (auto& one : outbox_)
    if (one.request == request) one.request = 0;
  // Another queue, not the one that did not answer.
  queue_ = (queue_ + 1 + random_() % std::max<std::size_t>(queues_ - 1, 1)) % queues_;
  chosen_until_ = time_.now() + 20ms;
  time_.after(5ms, [this] { pump(); });
}

v1::PartitionNews leader::news() const {
  v1::PartitionNews out;
  out.set_partition(partition_);
  out.set_tick(tick_);
  for (const auto& [type, all] : history_) {
    auto& last = *out.add_last();
    last.set_type(type);
    last.set_ordinal(all.size());
  }
  return out;
}

}  // namespace dunlin::grid
