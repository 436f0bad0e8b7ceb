/// TWISTER: MT19937 seeded and read as Python's random.Random(seed).random() does, so that a plan
/// draws the same numbers as models of it that are written there.
#pragma once

#include <array>
#include <cstdint>

namespace dunlin::replay {

class twister {
public:
  explicit twister(std::uint32_t seed) {
    start(19650218);
    std::size_t i = 1;
    for (std::size_t k = 0; k < words; ++k) {  // init_by_array() with one word
      state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + seed;
      i = next(i);
    }
    for (std::size_t k = 1; k < words; ++k) {
      state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) -
                  static_cast<std::uint32_t>(i);
      i = next(i);
    }
    state_[0] = 0x80000000u;
  }

  /// [0, 1), of 53 bits.
  double real() {
    const auto high = word() >> 5, low = word() >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  /// As getrandbits() gives so few; 1 to 32.
  std::uint32_t bits(unsigned count) { return word() >> (32 - count); }

private:
  static constexpr std::size_t words = 624, middle = 397;

  void start(std::uint32_t seed) {
    state_[0] = seed;
    for (std::uint32_t i = 1; i < words; ++i)
      state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
  /// Around, over the first word, which is a copy of the last by then.
  std::size_t next(std::size_t i) {
    if (i + 1 < words) return i + 1;
    state_[0] = state_[words - 1];
    return 1;
  }
  std::uint32_t word() {
    if (at_ == words) twist();
    auto y = state_[at_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }
  void twist() {
    at_ = 0;
    for (std::size_t i = 0; i < words; ++i) {
      const auto y = (state_[i] & 0x80000000u) | (state_[(i + 1) % words] & 0x7fffffffu);
      state_[i] = state_[(i + middle) % words] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0u);
    }
  }

  std::array<std::uint32_t, words> state_{};
  std::size_t at_ = words;
};

}  // namespace dunlin::replay
