/// What the subscriber's core speaks of: plain structs beside cache.proto.
#pragma once

#include "messages/run_set.hpp"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::cache_update {

using time = std::chrono::milliseconds;  ///< since any fixed moment, greater than 0

/// A CacheUpdate that names an item.
struct change {
  std::uint64_t tick = 0;
  std::string key;
  std::optional<std::string> value;  ///< a CachedRecord
  bool removed = false;
  std::uint64_t base_tick = 0;
};

/// A TypeUpdates.
struct type_changes {
  std::string type;
  partition_id partition = 0;
  std::vector<ordinal_run> covered;
  std::vector<change> changes;
  std::uint64_t whole_tick = 0;  ///< not 0: any item may have changed up to this tick
};

/// A CacheBatch.
struct batch {
  node_id queue;
  std::uint64_t queue_incarnation = 0;
  std::uint64_t after = 0, sequence = 0;
  std::vector<type_changes> parts;
};

/// A SubscribeReply.
struct subscribed {
  std::uint64_t queue_incarnation = 0;
  std::uint64_t next_sequence = 0;
  bool missed = false;
};

struct partition_news {
  partition_id partition = 0;
  std::uint64_t tick = 0;
  std::uint32_t age_ms = 0;
  std::vector<std::pair<std::string, std::uint64_t>> last;  ///< type, ordinal
};

/// A QueueNews.
struct news {
  node_id queue;
  std::uint64_t queue_incarnation = 0;
  std::uint64_t last_sequence = 0, first_kept = 0, idle_through = 0;
  std::uint64_t echo = 0;
  std::vector<partition_news> partitions;
};

}  // namespace dunlin::cache_update
