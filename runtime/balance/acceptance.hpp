/// ACCEPTANCE: whether a node takes a connection, from numbers alone (B2 to B4, L1 to L8,
/// docs/decisions/0015). The same function decides live, in simulation and when a recorded decision
/// is checked, so that equal inputs give equal verdicts for ever.
#pragma once

#include "runtime/balance/settings.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace dunlin::balance {

/// Adjusted, both in the resource's own unit (L1). Only measured resources are listed.
struct resource_use {
  resource of = resource::cpu;
  double load = 0;
  double capacity = 0;
  bool operator==(const resource_use&) const = default;
};
using uses = std::vector<resource_use>;

/// Load in parts of capacity; 0 capacity counts as full.
double part_of(const resource_use& use);
/// Of the scarcest resource; 0 if nothing is measured.
double level_of(const uses& all);

/// Evaluates a form. A resource that is not measured is below everything: nobody is refused by a
/// number that does not exist. `threshold` is lent to parts without a limit of their own.
bool holds(const condition& form, const uses& all, double threshold);

struct offer {
  std::uint32_t attempt = 1;
  bool last_resort = false;
  uses loads;              ///< with what was accepted and not measured yet
  double fleet_level = 0;  ///< L, not floored
  // What refuses whatever the load.
  bool starting = false;  ///< nothing is known of the load yet
  bool draining = false;
  bool full = false;
  bool cooling = false;  ///< was given away here a short while ago
};

/// In the order of OfferReply.Reason.
enum class refusal : std::uint8_t {
  none,
  over_threshold,
  over_cap,
  cooling,
  draining,
  full,
  starting
};
std::string_view to_string(refusal why);

struct verdict {
  bool accepted = false;
  refusal why = refusal::none;
  double limit = 0;     ///< in parts of adjusted capacity, of the row that decided
  bool absurd = false;  ///< the attempt count was clamped (L7)
};

verdict decide(const acceptance& by, const offer& what);

/// Only what the load says: what a recorded decision can be checked against.
verdict decide_by_load(const acceptance& by, const offer& what);

/// What attempt 1, 2, … may meet, in parts of adjusted capacity.
std::vector<double> limits_of(const acceptance& by, double fleet_level);

}  // namespace dunlin::balance
