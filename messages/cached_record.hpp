/// What a service gets out of its near caches, and tells them (Q5, docs/decisions/0011). No CAF.
#pragma once

#include "messages/dunlin/v1/stored.pb.h"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace dunlin {

/// Parsed once when it comes to a node; shared by all who are served it, never changed.
using cached_record = std::shared_ptr<const v1::CachedRecord>;

/// What near caches say of one key.
struct cache_answer {
  std::uint64_t tick = 0;  ///< of the record; of an absent one: of the look that saw so
  cached_record record;    ///< null: there is no such item
  partition_id partition = 0;
  bool from_cache = false;          ///< no leader was asked for it
  bool confirmed = false;           ///< as its leader said after the question came
  std::chrono::milliseconds age{};  ///< since it was surely the newest (X2)
};

/// What became of a write.
enum class cache_outcome : std::uint8_t {
  changed,  ///< the item is `record` since `tick`; null: whoever wants it has to ask
  removed,  ///< there is no such item since `tick`
  lost,     ///< it may have happened, or may yet
  refused,  ///< it has not happened, nor will it
};

/// The end of a write that began with a ticket.
struct cache_written {
  std::uint64_t ticket = 0;  ///< 0: none could be had
  std::string key;
  cache_outcome outcome = cache_outcome::lost;
  partition_id partition = 0;  ///< these of `changed` and `removed` only
  std::uint64_t tick = 0;
  cached_record record{};
};

}  // namespace dunlin
