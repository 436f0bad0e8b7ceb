/// VIRTUAL LOAD: what the resources of a simulated access node do: as a test says, or by chance,
/// here much and there little, so that connections are given away.
#pragma once

#include "actors/admission/load_source.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <vector>

namespace dunlin::testkit {

class virtual_load final : public load_source {
public:
  explicit virtual_load(std::uint64_t seed) : random_(seed) {}

  /// Parts of the node's native capacity, apart from its connections; nullopt: chance.
  void set(std::optional<double> others) { set_ = others; }
  /// What each connection costs of a native unit.
  void set_leg(double cost) { leg_ = cost; }

  std::vector<balance::resource_sample> sample(std::chrono::milliseconds since,
                                               const leg_table::totals& legs,
                                               const balance::load&) override {
    for (left_ -= since; left_.count() <= 0;) {
      left_ += std::chrono::milliseconds(1000 + random_() % 20'000);
      // Now and then it is more than the node has.
      others_ =
          static_cast<double>(random_() % 4 == 0 ? 900 + random_() % 300 : random_() % 600) / 1000;
    }
    const auto used = set_.value_or(others_) + leg_ * static_cast<double>(legs.open);
    return {{balance::resource::cpu, std::clamp(used, 0.0, 4.0), 1.0},
            {balance::resource::mem, std::clamp(used, 0.0, 1.0), 1.0},
            {balance::resource::sockets, static_cast<double>(legs.open), 1024}};
  }

private:
  std::mt19937_64 random_;
  std::chrono::milliseconds left_{0};
  double others_ = 0;
  std::optional<double> set_;
  double leg_ = 0.01;
};

}  // namespace dunlin::testkit
