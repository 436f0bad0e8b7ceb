/// NODE CLOCK: the time of day as one machine of a virtual cluster has it: the virtual time, ahead
/// or behind, and maybe drifting.
#pragma once

#include "apps/testkit/virtual_time.hpp"
#include "runtime/clock.hpp"

namespace dunlin::testkit {

class node_clock final : public wall_clock {
public:
  static constexpr std::int64_t epoch_ms = 1'700'000'000'000;

  explicit node_clock(const virtual_time& of) : of_(of) {}

  std::int64_t now_ms() const override {
    using std::chrono::duration_cast, std::chrono::milliseconds;
    const auto gained = (of_.now() - set_at_).count() / 1000 * gains_per_million_ / 1000;
    return epoch_ms +
           duration_cast<milliseconds>(of_.now() + ahead_ + std::chrono::nanoseconds(gained))
               .count();
  }

  void set(std::chrono::milliseconds ahead, std::int64_t gains_per_million) {
    ahead_ = ahead;
    gains_per_million_ = gains_per_million;
    set_at_ = of_.now();
  }

private:
  const virtual_time& of_;
  std::chrono::nanoseconds ahead_{0};
  std::int64_t gains_per_million_ = 0;
  std::chrono::nanoseconds set_at_{0};
};

}  // namespace dunlin::testkit
