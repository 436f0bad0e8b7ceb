/// What near caches hold, what can be set about one, and what it counts (Q4, Q6, Q22, X2).
#pragma once

#include "messages/vocabulary.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace dunlin {

/// A record as the service uses it: parsed once when it comes in, shared by all readers, never
/// changed. The cache does not look inside; one cache holds one type, so as<T>() is known.
struct cached_value {
  std::shared_ptr<const void> data;
  std::size_t bytes = 0;  ///< what it costs in memory, as its maker reckons

  template <class T>
  const T& as() const {
    return *static_cast<const T*>(data.get());
  }
};

/// What a partition says of one key as of some tick.
struct cached_item {
  std::uint64_t tick = 0;  ///< of the record; where it is absent, of the look that saw so
  std::optional<cached_value> value;  ///< none: there is no such item
};

/// What a change says about the item since then (CacheUpdate.now).
struct changed {};  ///< it has to be asked for
struct removed {};  ///< there is no such item
/// The value made from the one of exactly `base_tick`; merge may say that it cannot.
struct partial_value {
  std::uint64_t base_tick = 0;
  std::function<std::optional<cached_value>(const cached_value& held)> merge;
};
using change_content = std::variant<changed, removed, cached_value, partial_value>;

enum class cache_mode {
  bounded,    ///< served while the subscription proves it at most staleness_max old
  validated,  ///< every read asks the leader whether the held tick is still the newest
};

/// Of one cache. All of it can be changed while the cache runs (Q6).
struct near_cache_parameters {
  using duration = std::chrono::milliseconds;

  cache_mode mode = cache_mode::bounded;
  duration time_to_live{300'000};       ///< of an entry, whatever is heard about it
  duration staleness_max{1'000};        ///< mode bounded
  std::size_t items_max = 20'000;       ///< a quarter of them may be negative entries
  std::size_t bytes_max = 64u << 20;    ///< no single entry takes more than an eighth
  bool carry_values = true;             ///< false: changes only invalidate, whatever they carry
  bool mirror = false;                  ///< what is invalidated is fetched again at once (Q22)
  duration invalidation_interval{0};    ///< drops all this often (Q23); 0: never
  std::size_t tickets_max = 4'096;      ///< requests and writes under way
  std::size_t readers_max = 16'384;     ///< that wait for answers, of all keys …
  std::size_t key_readers_max = 4'096;  ///< … and of one
  duration ask_patience{1'000};         ///< then the next reader has the leader asked once more
  std::size_t prefetches_max = 8;       ///< of a mirror, at a time
  duration prefetch_pause{200};         ///< after one that brought nothing to keep
};

/// Why an entry went. `replaced`: a newer value took its place.
enum class cache_death {
  message,       ///< a change was heard that did not bring the new value
  expiry,        ///< time to live
  eviction,      ///< a bound was reached
  gap,           ///< changes were missed
  command,       ///< an operator's, or the periodic invalidation
  own_write,     ///< a write through this service, whose value could not be kept or is not known
  replaced,      ///< by a newer value
  contradicted,  ///< the leader, asked later, knew less than the entry claimed
};
inline constexpr std::size_t cache_deaths = 8;

/// Why something that was read was given to readers, but not kept.
enum class fill_refusal {
  overtaken,    ///< a newer change was heard since the leader was asked
  before_base,  ///< read before the point from which changes are heard
  older,        ///< a newer one is held
  too_large,    ///< for the bounds
};
inline constexpr std::size_t fill_refusals = 4;

struct near_cache_figures {
  std::uint64_t lookups = 0;
  std::uint64_t hits = 0;              ///< served without asking; negative ones included
  std::uint64_t negative_hits = 0;     ///< of these: "there is no such item"
  std::uint64_t misses = 0;            ///< lookups that found nothing held
  std::uint64_t shared = 0;            ///< lookups that waited for a request made for others
  std::uint64_t fetches = 0;           ///< requests to leaders for what is not held
  std::uint64_t confirmations = 0;     ///< requests whether what is held still holds
  std::uint64_t unchanged = 0;         ///< … answered with yes
  std::uint64_t prefetches = 0;        ///< requests of a mirror, not in `fetches`
  std::uint64_t listed = 0;            ///< items that a mirror has of a listing
  std::uint64_t repeated = 0;          ///< requests made anew, as readers had seen newer meanwhile
  std::uint64_t hurried = 0;           ///< requests made anew, as no answer came for ask_patience
  std::uint64_t failures = 0;          ///< requests that brought no answer
  std::uint64_t overloads = 0;         ///< lookups refused at a bound
  std::uint64_t untracked_writes = 0;  ///< began at the bound, so that their value is not kept

  std::uint64_t updates = 0;        ///< changes heard
  std::uint64_t updates_late = 0;   ///< of these: older than what is held
  std::uint64_t updates_moot = 0;   ///< of these: of items not held
  std::uint64_t updates_taken = 0;  ///< of these: brought the new value
  std::uint64_t leaps = 0;          ///< of these: named a tick far beyond the partition's newest
  std::uint64_t mirror_overflows = 0;

  std::array<std::uint64_t, cache_deaths> deaths{};
  std::array<std::uint64_t, fill_refusals> refused_fills{};

  std::size_t items = 0;  ///< held now
  std::size_t bytes = 0;

  std::uint64_t& died(cache_death why) { return deaths[static_cast<std::size_t>(why)]; }
  std::uint64_t died(cache_death why) const { return deaths[static_cast<std::size_t>(why)]; }
  std::uint64_t& refused(fill_refusal why) { return refused_fills[static_cast<std::size_t>(why)]; }
  std::uint64_t refused(fill_refusal why) const {
    return refused_fills[static_cast<std::size_t>(why)];
  }
};

}  // namespace dunlin
