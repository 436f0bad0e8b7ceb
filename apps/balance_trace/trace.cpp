#include "apps/balance_trace/trace.hpp"

#include "apps/replay/twister.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace dunlin::balance_trace {

namespace {

constexpr std::array<std::pair<double, double>, 4> levels{
    {{0.2, 0.3}, {0.8, 0.4}, {1.6, 0.2}, {3.0, 0.1}}};  // factor, probability
constexpr double level_seconds = 900, drift_seconds = 1800, drift_sigma = 0.35;
constexpr double ramp_seconds = 600, weight_max = 25;

/// Draws as Python's random.Random does.
class dice {
public:
  explicit dice(std::uint32_t seed) : numbers_{seed} {}
  double real() { return numbers_.real(); }
  double exponential(double mean) { return -std::log(1.0 - real()) * mean; }
  double lognormal(double mu, double sigma) { return std::exp(normal(mu, sigma)); }
  std::uint32_t below_16() {
    for (;;)
      if (const auto drawn = numbers_.bits(5); drawn < 16) return drawn;
  }

private:
  // Kinderman and Monahan, ACM TOMS 3 (1977).
  double normal(double mu, double sigma) {
    static const double magic = 4 * std::exp(-0.5) / std::numbers::sqrt2;
    for (;;) {
      const auto first = real(), second = 1.0 - real();
      const auto z = magic * (first - 0.5) / second;
      if (z * z / 4 <= -std::log(second)) return mu + z * sigma;
    }
  }
  replay::twister numbers_;
};

double draw_life(dice& random, const shape& of) {
  const auto u = random.real(), a = of.life_exponent;
  const auto low = std::pow(of.life_min, a), high = std::pow(of.life_max, a);
  return std::pow(-(u * high - u * low - high) / (high * low), -1 / a);
}

double mean_life(const shape& of) {
  const auto low = of.life_min, high = of.life_max, a = of.life_exponent;
  return std::pow(low, a) / (1 - std::pow(low / high, a)) * a / (a - 1) *
         (1 / std::pow(low, a - 1) - 1 / std::pow(high, a - 1));
}

double draw_level(dice& random) {
  auto left = random.real();
  for (const auto& [factor, probability] : levels) {
    if (left < probability) return factor;
    left -= probability;
  }
  return levels.back().first;
}

connection draw_connection(dice& random, const shape& of, double begins, double life) {
  connection made;
  made.begins = begins;
  made.ends = begins + life;
  made.weight = std::min(random.lognormal(-0.5, 1.0), weight_max);
  for (auto at = begins; at < std::min(made.ends, of.seconds);
       at += random.exponential(level_seconds))
    made.levels.push_back({at, draw_level(random)});
  made.tenant = random.below_16();
  made.net = random.lognormal(-0.18, 0.6);
  made.memory = random.lognormal(-0.125, 0.5);
  return made;
}

/// Who is there in equilibrium has a life drawn in proportion to its length.
double draw_length_biased(dice& random, const shape& of) {
  for (;;)
    if (const auto life = draw_life(random, of); random.real() < life / of.life_max) return life;
}

double mean_demand(const trace& of) {
  constexpr double from = 3600, to = 18000, step = 300;
  double sum = 0;
  for (const auto& one : of.connections) {
    demand_meter meter{of, one};
    for (auto at = std::max(from, std::ceil(one.begins / step) * step); at < std::min(to, one.ends);
         at += step)
      sum += meter.at(at);
  }
  return sum * step / (to - from);
}

}  // namespace

trace make_trace(std::uint32_t seed, const shape& of) {
  dice random{seed};
  trace made;
  for (std::uint32_t i = 0; i < of.connections; ++i) {
    const auto life = draw_length_biased(random, of);
    const auto begins = random.real() * ramp_seconds;
    const auto left = life * random.real() + 1;
    made.connections.push_back(draw_connection(random, of, begins, left));
  }
  const auto gap = mean_life(of) / of.connections;
  for (auto at = ramp_seconds + random.exponential(gap); at < of.seconds;
       at += random.exponential(gap)) {
    const auto life = draw_life(random, of);
    made.connections.push_back(draw_connection(random, of, at, life));
  }
  made.tenants.resize(tenants);
  for (auto& drift : made.tenants)
    for (double at = 0; at < of.seconds; at += random.exponential(drift_seconds))
      drift.push_back({at, random.lognormal(-drift_sigma * drift_sigma / 2, drift_sigma)});
  std::stable_sort(made.connections.begin(), made.connections.end(),
                   [](const auto& one, const auto& other) { return one.begins < other.begins; });
  made.demand = mean_demand(made);
  return made;
}

double factor_at(const std::vector<change>& changes, double time, std::size_t& cursor) {
  while (cursor < changes.size() && changes[cursor].at <= time)
    ++cursor;
  return cursor == 0 ? 1 : changes[cursor - 1].factor;
}

double demand_meter::at(double time) {
  return connection_->weight * factor_at(connection_->levels, time, level_) *
         factor_at(trace_->tenants[connection_->tenant], time, drift_);
}

}  // namespace dunlin::balance_trace
