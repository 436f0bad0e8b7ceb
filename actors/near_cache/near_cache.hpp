/// NEAR CACHE: handle in messages/near_cache.hpp, decisions in near_cache_core, what a type is at
/// its partition in cached_type. Asks leaders through the node's router; one actor per type and
/// service.
#pragma once

#include "actors/near_cache/cache_event.hpp"
#include "actors/near_cache/cached_type.hpp"
#include "actors/near_cache/mirror_listing.hpp"
#include "actors/near_cache/near_cache_core.hpp"
#include "actors/near_cache/near_cache_status.hpp"
#include "actors/near_cache/sample_gate.hpp"
#include "messages/cache_control.hpp"
#include "messages/coherence.hpp"
#include "messages/near_cache.hpp"
#include "messages/partition.hpp"
#include "runtime/wake_timer.hpp"

#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace dunlin {

struct near_cache_options {
  const cached_type* type = nullptr;  ///< of the table in cached_type.hpp
  std::uint64_t service = 0;          ///< its number on the node
  near_cache_parameters parameters;
  partition_router_actor router;
  std::chrono::milliseconds fetch_timeout{15'000};
  /// A ticket that is out for longer belongs to a writer that is gone.
  std::chrono::milliseconds write_patience{120'000};
  /// Hears of each change that was told and has taken effect here; for measurements. Must not
  /// block.
  std::function<void(const std::string& key, std::uint64_t tick)> heard;
  /// Hears of some answers that no leader was asked for, at most so many a second (X2); null:
  /// nobody.
  coherence_sampler_actor sampler;
  std::uint32_t samples_a_second = 0;
  /// Hears of each answer and each write; for simulation, whose checkers judge them.
  std::function<void(const cache_event&)> watch;
};

/// What is spawned; it converts to near_cache_actor, cache_status_actor and cache_control_actor.
using near_cache_shell =
    near_cache_actor::extend<caf::replies_to<v1::GetCacheStatus>::with<v1::CacheStatus>,
                             caf::replies_to<change_caches>::with<caches_changed>,
                             // INTERNAL: some wait is over; when it was armed for.
                             caf::reacts_to<caf::tick_atom, std::int64_t>>;

struct near_cache_state {
  near_cache_options options;
  std::unique_ptr<near_cache_core> core;
  struct reader {
    caf::typed_response_promise<cache_answer> promise;
    std::string key;  ///< if somebody watches or samples
    near_cache_core::time asked{};
  };
  std::map<std::uint64_t, reader> readers;
  std::uint64_t last_reader = 0;
  struct write {
    std::uint64_t ticket = 0;
    std::string key;
    near_cache_core::time until{};
  };
  std::deque<write> writes;  ///< under way, oldest first
  /// Of all items, for a mirror: at the first proof, and whenever some may have been missed.
  struct listing {
    bool wanted = true;    ///< from the beginning
    bool allowed = false;  ///< since something is proven: what changes from now on is heard
    bool running = false;
    mirror_position at;
    near_cache_core::time not_before{};
  };
  listing list;
  cache_ages ages;
  std::string trace_id;  ///< of the reader whose turn it is
  sample_gate gate{0};
  wake_timer timer;
  static inline const char* name = "near_cache";
};

near_cache_shell::behavior_type near_cache(
    near_cache_shell::stateful_pointer<near_cache_state> self, near_cache_options options);

}  // namespace dunlin
