/// CHANGE MEMORY: when which item of a partition changed, of the last minute or so, by the clock of
/// the replica that applied it. Answers how long ago what a cache has served was overtaken, for
/// those who measure staleness from outside (X2). Beside the state, not part of it: what is
/// forgotten, or was before the replica's life, is said not to be known.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

namespace dunlin {

class change_memory {
public:
  using time = std::chrono::microseconds;  ///< since any fixed moment

  struct limits {
    std::size_t changes_max = 32'768;  ///< 24 bytes each
    time age_max{60'000'000};
  };

  /// Nothing before `now` is known.
  change_memory(limits bounds, time now) : limits_{bounds}, since_{now} {}

  /// The item changed; ticks of one item ascend.
  void note(time now, std::string_view type, std::string_view key, std::uint64_t tick);

  /// Changes may have passed unseen until now.
  void forget(time now);

  struct age {
    std::uint64_t newest_tick = 0;  ///< of a change of the item that is remembered; 0: none
    std::uint64_t next_tick = 0;    ///< of the first after the known one; 0: none
    time since_next{};              ///< since that was applied
    time remembers{};               ///< all changes that are younger are remembered
  };
  /// O(what is remembered).
  age age_of(time now, std::string_view type, std::string_view key, std::uint64_t known_tick) const;

  std::size_t size() const { return changes_.size(); }

private:
  struct change {
    std::uint64_t item;  // a hash: two items that share one cost a wrong sample in 2^64
    std::uint64_t tick;
    time at;
  };
  void drop_oldest();

  limits limits_;
  time since_;
  std::deque<change> changes_;  // oldest first
};

}  // namespace dunlin
