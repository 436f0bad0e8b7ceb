/// TYPE COVERAGE: which changes of one type in one partition have been heard, and so until when
/// what is held of it was right (decision 0011). Before the first news nothing is known: neither
/// which changes were before this subscriber's time, nor that nothing has been missed since (Q26).
#pragma once

#include "actors/cache_update/subscription_options.hpp"
#include "actors/cache_update/subscription_words.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace dunlin::cache_update {

class type_coverage {
public:
  /// What a leader said: at `true_at` of the own clock (none: unknown) this was its last ordinal.
  struct claim {
    std::uint64_t ordinal = 0;
    std::uint64_t tick = 0;
    std::optional<time> true_at;
  };

  explicit type_coverage(std::size_t runs_max) : heard_{0, runs_max} {}

  /// False: nothing new.
  bool hear(time now, const std::vector<ordinal_run>& covered);
  /// Nothing that was read before this tick may be kept. False: that was so before.
  bool raise_base(std::uint64_t tick);

  /// True: it became the base.
  bool learn(const options& limits, time now, const claim& said);

  /// Something is missing that exists.
  bool has_hole() const { return !waiting_.empty() || !heard_.beyond().empty(); }
  /// When the hole will have been there for too long; none: no hole, or no news yet that could mend
  /// it.
  std::optional<time> drop_at(const options& limits) const;
  /// Takes the newest news as the base.
  void drop();

  /// The time that has been proved, if it has moved since the last call.
  std::optional<time> take_proven();

  bool known() const { return known_; }
  std::uint64_t base_tick() const { return base_tick_; }
  std::uint64_t through() const { return heard_.through(); }

private:
  struct waiting_claim {
    claim said;
    time since;
  };
  void settle();
  void prove(const claim& said);
  void note_hole(time now, std::uint64_t through_before);

  bool known_ = false;
  run_progress heard_;
  std::uint64_t base_tick_ = 0;
  std::vector<waiting_claim> waiting_;  ///< by ordinal; none of them is satisfied
  std::optional<time> beyond_since_;    ///< when it showed that what follows through() exists
  time progress_{};                     ///< when through() moved last
  std::optional<time> proven_;
  bool proven_moved_ = false;
};

}  // namespace dunlin::cache_update
