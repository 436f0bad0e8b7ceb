/// DECLARED METER: what connections use, from what their requests say they cost (B3). A connection
/// that asks every few seconds comes in lumps, which samples shorter than that would take for load
/// that comes and goes: here each cost is spread over the time until the next one is due, as long
/// as the one before took to come. Knows no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

namespace dunlin::balance {

class declared_meter {
public:
  using time = std::chrono::milliseconds;

  struct account {
    double declared = 0;  ///< since the connection began, as its requests said
    double known = 0;     ///< a second, from where it was before; 0: unknown
  };

  /// No connection is believed to use more a second.
  void set_rate_max(double most) { rate_max_ = most; }

  /// `all` is every open connection; those that are not among them are forgotten.
  void on_sample(time now, const std::map<std::uint64_t, account>& all);

  /// Declared until now, spread; never less than before. Of one connection, of all there ever were.
  double spread(std::uint64_t connection) const;
  double spread_of_all() const { return all_; }

private:
  struct entry {
    double declared = 0;
    time changed{};   ///< when it was seen to grow
    time gap{};       ///< how long that took; 0: it has not grown twice
    double rate = 0;  ///< a second, in that time
    double known = 0;
    time came{-1};  ///< seen first
    double spread = 0;
  };
  static double rate_of(const entry& of, time now, time usual);
  void learn(entry& of, time now, const account& is) const;
  time usual_gap() const;

  std::map<std::uint64_t, entry> entries_;
  time last_{-1};
  double all_ = 0;
  double rate_max_ = 1e12;
};

}  // namespace dunlin::balance
