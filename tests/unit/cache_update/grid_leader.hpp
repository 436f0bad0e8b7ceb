/// GRID LEADER: one partition's leader as far as near caches are concerned: it commits changes with
/// ticks and ordinals, and gives its rows to one queue after the other until one has taken them.
#pragma once

#include "messages/dunlin/v1/cache.pb.h"
#include "tests/unit/cache_update/grid_time.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace dunlin::grid {

struct committed {
  std::uint64_t tick, ordinal;
  std::string key;
  ms at;  ///< of the world
};

class leader {
public:
  /// Bytes of an EnqueueUpdates for a queue, under a request number.
  using give = std::function<void(std::size_t queue, std::uint64_t request, std::string bytes)>;

  leader(events& time, std::mt19937_64& random, std::uint32_t partition, std::size_t queues,
         give give)
      : time_{time},
        random_{random},
        partition_{partition},
        queues_{queues},
        give_{std::move(give)} {}

  void commit(const std::string& type);
  /// Sends what waits; goes on by itself.
  void pump();
  void answered(std::uint64_t request, bool accepted);
  /// What a linearizable read says.
  v1::PartitionNews news() const;

  const std::map<std::string, std::vector<committed>>& history() const { return history_; }
  std::size_t waiting() const { return outbox_.size(); }
  std::uint64_t collapsed = 0;

private:
  struct row {
    std::string type;
    std::uint64_t first, last, tick;
    std::string key;  ///< empty: whole
    std::uint64_t request = 0;
  };
  void collapse();
  std::string words(std::uint64_t request);

  events& time_;
  std::mt19937_64& random_;
  std::uint32_t partition_;
  std::size_t queues_;
  give give_;
  std::uint64_t tick_ = 0, requests_ = 0;
  std::map<std::string, std::vector<committed>> history_;
  std::vector<row> outbox_;
  std::size_t queue_ = 0;
  ms chosen_until_{0};
};

}  // namespace dunlin::grid
