/// Randomness and time of day as a test wants them.
#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <random>
#include <string>

namespace dunlin::support {

struct seeded_random final : random_source {
  explicit seeded_random(std::uint64_t seed) : engine{seed} {}
  std::uint64_t next() override { return engine(); }
  std::string bytes(std::size_t size) override { return std::string(size, 'r'); }
  std::mt19937_64 engine;
};

struct counting_random final : random_source {
  std::uint64_t value = 0;
  std::uint64_t next() override { return ++value; }
  std::string bytes(std::size_t size) override { return std::string(size, 'r'); }
};

struct set_clock final : wall_clock {
  explicit set_clock(std::int64_t at = 1'700'000'000'000) : ms{at} {}
  std::int64_t ms;
  std::int64_t now_ms() const override { return ms; }
};

}  // namespace dunlin::support
