/// GATHERED UPDATES: many changes as one enqueue instruction: of each partition and type the
/// ordinals as runs and each key once, with its newest tick (Q7, Q12). Pure.
#pragma once

#include "messages/dunlin/v1/cache.pb.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin {

class gathered_updates {
public:
  void add(const v1::TypeUpdates& change);
  v1::EnqueueUpdates finish() const;

private:
  struct of_type {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> covered;  // first, last; in any order
    std::map<std::string, v1::CacheUpdate> by_key;
    std::optional<v1::CacheUpdate> whole;
  };
  std::map<std::pair<std::string, std::uint32_t>, of_type> types_;  // by type and partition
};

}  // namespace dunlin
