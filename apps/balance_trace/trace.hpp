/// BALANCE TRACE: long-lived connections with heavy-tailed lifetimes and heavy-tailed demand that
/// changes while they live, from a seed: what balancing is measured with, in simulation
/// and over real sockets. Numbers are drawn as Python's random.Random does, so that models of the
/// same workload written there see the same trace.
///
/// A population in equilibrium comes in over the first ten minutes, then a Poisson stream keeps it.
/// Lifetimes: bounded Pareto. Demand of a connection: lognormal weight × its present level (one of
/// four, mean 1) × its tenant's drift (lognormal, changing every half hour).
#pragma once

#include <cstdint>
#include <vector>

namespace dunlin::balance_trace {

/// From `at` on, in seconds of the trace, this factor holds.
struct change {
  double at = 0;
  double factor = 1;
};

struct connection {
  double begins = 0;  ///< seconds of the trace
  double ends = 0;
  double weight = 1;
  std::uint32_t tenant = 0;
  std::vector<change> levels;  ///< by time; the first begins with the connection
  double net = 1;              ///< network used for each unit of demand
  double memory = 1;           ///< held, whatever it does
};

struct shape {
  std::uint32_t connections = 1000;  ///< on average
  double seconds = 12 * 3600;
  double life_min = 600;
  double life_max = 24 * 3600;
  double life_exponent = 1.2;
};

inline constexpr std::uint32_t tenants = 16;

struct trace {
  std::vector<connection> connections;       ///< by `begins`
  std::vector<std::vector<change>> tenants;  ///< of each
  double demand = 0;                         ///< of all together, mean over hours 1 to 5
};

trace make_trace(std::uint32_t seed, const shape& of = {});

/// The factor that holds at `time`; `cursor` remembers where the last call was, for times that
/// never go back. Before the first change: 1.
double factor_at(const std::vector<change>& changes, double time, std::size_t& cursor);

/// Of one connection over time; times never go back.
class demand_meter {
public:
  demand_meter(const trace& of, const connection& which) : trace_{&of}, connection_{&which} {}
  double at(double time);

private:
  const trace* trace_;
  const connection* connection_;
  std::size_t level_ = 0, drift_ = 0;
};

}  // namespace dunlin::balance_trace
