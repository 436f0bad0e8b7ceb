/// SAMPLE GATE: which of many answers are looked at more closely: every n-th, where n follows from
/// the last second so that about as many pass as are wanted, spread over the second; never more.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace dunlin {

class sample_gate {
public:
  using time = std::chrono::milliseconds;

  /// 0: none.
  explicit sample_gate(std::uint32_t a_second) : wanted_{a_second} {}

  bool passes(time now) {
    if (wanted_ == 0) return false;
    if (now - began_ >= time{1000}) {
      stride_ = std::max<std::uint64_t>(1, seen_ / wanted_);
      began_ = now;
      seen_ = passed_ = 0;
    }
    return seen_++ % stride_ == 0 && passed_ < wanted_ && ++passed_ > 0;
  }

private:
  std::uint32_t wanted_;
  time began_{};
  std::uint64_t seen_ = 0;  // in this second
  std::uint64_t stride_ = 1;
  std::uint32_t passed_ = 0;
};

}  // namespace dunlin
