/// RANDOM and the time of day, real and seeded (runtime/clock.hpp).
#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace dunlin::crypto {

/// OpenSSL's generator, fit for secrets. Stops the process if the system has no entropy.
class system_random final : public random_source {
public:
  std::uint64_t next() override;
  std::string bytes(std::size_t size) override;
};

/// The same seed gives the same numbers on every machine; for simulation and tests only.
class seeded_random final : public random_source {
public:
  explicit seeded_random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override;
  std::string bytes(std::size_t size) override;

private:
  std::mutex guard_;
  std::mt19937_64 engine_;  // its sequence is fixed by the standard, unlike the distributions
};

class system_wall_clock final : public wall_clock {
public:
  std::int64_t now_ms() const override;
};

}  // namespace dunlin::crypto
