/// RUN SET: which numbers of a sequence have come, as few runs (ordinals and sequences of decision
/// 0011).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin {

/// Both inclusive; 0 is no number of a sequence.
struct ordinal_run {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const ordinal_run&, const ordinal_run&) = default;
};

/// No honest sequence gets there; sums and neighbours of smaller numbers do not overflow.
inline constexpr std::uint64_t ordinal_limit = std::uint64_t{1} << 62;

/// Within the limit, ascending, disjoint, not adjacent.
bool well_formed(const std::vector<ordinal_run>& runs);

/// How many numbers the runs hold together.
std::uint64_t numbers_in(const std::vector<ordinal_run>& runs);

class run_set {
public:
  /// False: nothing new. A run that is none, or beyond the limit, is not taken.
  bool add(ordinal_run run);
  bool contains(ordinal_run run) const;
  /// All numbers up to `last` go.
  void forget_through(std::uint64_t last);
  void forget_highest_run() { runs_.pop_back(); }
  const std::vector<ordinal_run>& runs() const { return runs_; }

private:
  std::vector<ordinal_run> runs_;  ///< well formed
};

/// Everything up to one number, and runs past holes, at most `runs_max`.
class run_progress {
public:
  explicit run_progress(std::uint64_t through = 0, std::size_t runs_max = 64)
      : through_{through}, runs_max_{runs_max} {}

  /// False: nothing new. Too many runs: the highest is forgotten, as if it had not come.
  bool add(ordinal_run run);
  bool add(const std::vector<ordinal_run>& runs);
  /// All numbers up to `through` count as there.
  void raise(std::uint64_t through);
  bool contains(ordinal_run run) const;
  std::uint64_t through() const { return through_; }
  /// Past a hole.
  const std::vector<ordinal_run>& beyond() const { return beyond_.runs(); }
  /// The greatest number that has come.
  std::uint64_t highest() const { return beyond().empty() ? through_ : beyond().back().last; }

private:
  std::uint64_t through_;
  std::size_t runs_max_;
  run_set beyond_;
};

}  // namespace dunlin
