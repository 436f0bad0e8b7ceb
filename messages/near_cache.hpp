/// The handle of a near cache, and what is said inside one node about what it holds (Q4 to Q6, Q11,
/// Q14, Q23, docs/decisions/0011). Types and keys: messages/cache_types.hpp.
#pragma once

#include "messages/cached_record.hpp"
#include "messages/storage.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dunlin {

struct cache_look_up {
  std::string key;
  /// As the leader says from now on, whatever the cache's mode: before a "no" is given to a client
  /// (decision 16).
  bool confirmed = false;
  std::string trace_id;
};

/// Before the leader is asked to change the item.
struct cache_begin_write {
  std::string key;
};
struct cache_ticket {
  std::uint64_t id = 0;  ///< 0: at the bound; write all the same, and tell the outcome
};

// ---- from the subscription, in the order of its effects ----

/// Changes of the cache's type that were heard, in the order in which they came.
struct cache_changes {
  struct one {
    std::uint64_t tick = 0;
    std::string key;
    cached_record record{};  ///< what the item is since then; null: has to be asked for, unless …
    bool removed = false;    ///< … there is no such item
  };
  partition_id partition = 0;
  std::vector<one> all;
};

/// Of the partition only what its leader read at or after `base_tick` may be kept.
struct cache_dropped {
  partition_id partition = 0;
  std::uint64_t base_tick = 0;
  bool whole = false;  ///< since the leader said so; else changes were, or may have been, missed
};

/// All changes in the partition that were committed before `at`, of cache_time(), and whose tick is
/// beyond base_tick, have been told by the messages before this one.
struct cache_proven {
  partition_id partition = 0;
  std::chrono::milliseconds at{};
  std::uint64_t base_tick = 0;
};

// ---- from operators ----

/// What is given is changed, at once (Q6).
struct set_cache {
  std::optional<bool> validated;
  std::optional<std::chrono::milliseconds> time_to_live, staleness_max, invalidation_interval;
  std::optional<std::size_t> items_max, bytes_max;
  std::optional<bool> carry_values;
};
/// All that is held (Q23).
struct drop_cache {};

/// The node's own clock, as near caches and their subscription reckon with it: never 0.
template <class Self>
std::chrono::milliseconds cache_time(Self* self) {
  using ms = std::chrono::milliseconds;
  return std::chrono::duration_cast<ms>(self->clock().now().time_since_epoch()) + ms{1};
}

/// NEAR CACHE: one type of one service on one node.
using near_cache_actor = caf::typed_actor<
    // Errors: overloaded at a bound, else those of the router.
    caf::replies_to<cache_look_up>::with<cache_answer>,
    // cache_written must follow, in the end before the writer's client is answered; a ticket that
    // is out for very long ends as `lost`.
    caf::replies_to<cache_begin_write>::with<cache_ticket>,
    caf::replies_to<cache_written>::with<accepted>,
    // Of the service's cache subscriber.
    caf::reacts_to<cache_changes>, caf::reacts_to<cache_dropped>, caf::reacts_to<cache_proven>,
    // Error: invalid_argument, nothing is changed.
    caf::replies_to<set_cache>::with<accepted>, caf::replies_to<drop_cache>::with<accepted>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_look_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_begin_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_ticket)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_changes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_dropped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::cache_proven)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::set_cache)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::drop_cache)
