/// LEDGER: what was seen while a plan was replayed on real near caches, and the figures that follow
/// (docs/replay.md). Times are of one clock, whatever its beginning. Pure; not thread safe.
///
///   stale  a look-up was answered with a tick older than the newest one whose write had been
///          acknowledged when the look-up began
///   age    from the first acknowledgement of a tick newer than the one returned to the look-up's
///          beginning; where acknowledgements come in the order of ticks, that is the next tick's
///   delay  from a write's acknowledgement until every node has heard of it, or of a newer change
///          of the item; below 0 if that was before the writer heard
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::replay {

class ledger {
public:
  using time = std::chrono::microseconds;

  struct figures {
    std::uint64_t lookups = 0, writes = 0;
    std::uint64_t hits = 0;  ///< look-ups for which no leader was asked
    std::uint64_t stale = 0;
    std::uint64_t absent = 0;     ///< look-ups that found nothing; none is right
    std::uint64_t went_back = 0;  ///< look-ups that got an older tick than one before at their node
    time age_p50{}, age_p99{}, age_max{};
    time delay_p50{}, delay_p99{}, delay_max{};
    std::uint64_t unheard = 0;  ///< writes that some node has not heard of
  };

  ledger(std::size_t items, std::size_t nodes) : writes_(items), nodes_{nodes} {}

  void acknowledged(time now, std::uint32_t item, std::uint64_t tick, bool counted);
  /// `tick` 0: there was no such item.
  void looked_up(time began, time ended, std::uint32_t item, std::uint16_t node, std::uint64_t tick,
                 bool from_cache, bool counted);
  void heard(time now, std::uint32_t item, std::uint16_t node, std::uint64_t tick);

  /// The newest tick whose write has been acknowledged; 0: none.
  std::uint64_t newest(std::uint32_t item) const;
  figures count() const;

private:
  struct write {
    std::uint64_t tick;
    time acknowledged;
    bool counted;
  };
  struct look_up {
    time began, ended;
    std::uint64_t tick;
    std::uint32_t item;
    std::uint16_t node;
    bool from_cache, counted;
  };
  struct hearing {
    time when;
    std::uint64_t tick;
    std::uint32_t item;
    std::uint16_t node;
  };

  void judge(const std::vector<std::vector<write>>& by_tick, figures& into) const;
  void find_steps_back(figures& into) const;
  void measure_delays(const std::vector<std::vector<write>>& by_tick, figures& into) const;

  std::vector<std::vector<write>> writes_;  // by item
  std::vector<look_up> lookups_;
  std::vector<hearing> hearings_;
  std::size_t nodes_;
};

}  // namespace dunlin::replay
