/// LOAD METER: adjusted load and adjusted capacity of one node (B2, L1 to L3): the last sample and
/// decayed history of each resource, native capacity less an allowance for failures, and a credit
/// for what was accepted or has left and is not in the samples yet. Knows no clock: every input
/// says when it happened.
#pragma once

#include "runtime/balance/acceptance.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <vector>

namespace dunlin::balance {

/// One measurement: a rate since the last one, or what is held now.
struct resource_sample {
  resource of = resource::cpu;
  double load = 0;
  double native = 0;  ///< capacity, before the allowance
};

/// Of something each resource: by resource.
using parts = std::array<double, all_resources.size()>;

/// What an accepted connection is credited, in parts of a node: `demand` is what it is expected to
/// use and `capacity` the node's, both in unit nodes. What was measured where it was before is
/// believed up to half of the node, a guess up to a twentieth; the least is its share of
/// `connections_max`.
double credit_for(double demand, double capacity, std::uint32_t connections_max,
                  bool measured = false);

class load_meter {
public:
  using time = std::chrono::milliseconds;  ///< since any fixed moment

  explicit load_meter(load settings = {}) : settings_{std::move(settings)} {}
  /// What was measured so far is kept.
  void configure(load settings) { settings_ = std::move(settings); }

  /// Resources that are not among them are no longer measured.
  void on_sample(time now, const std::vector<resource_sample>& measured);

  /// `part`: of the node's adjusted capacity, of each resource that follows what connections do.
  void on_accepted(double part);
  /// One that was accepted at `then` and used that much of each resource: this goes, and what is
  /// left of a credit that expected something else; never more than a resource is used at all.
  void on_departed(time then, double credit, const parts& used);
  /// One that was accepted at `then` and never came: what is left of its credit goes.
  void on_never_came(time then, double credit) { on_departed(then, credit, {}); }

  bool started() const { return last_.has_value(); }
  uses loads() const;           ///< with the credit
  uses loads_measured() const;  ///< without
  double level() const { return level_of(loads()); }

private:
  struct past {
    time at;
    double load;
  };
  struct channel {
    bool measured = false;
    double latest = 0;
    double history = 0;
    double native = 0;
    double fresh = 0;         ///< credit since the last sample: counts whole
    double known = 0;         ///< credit that the last sample has seen and history has not
    std::deque<past> window;  ///< linear decay only
  };

  double kept(time elapsed) const;  ///< of a weight in history after so long
  void learn(channel& of, time now, double load, bool first);
  double linear_mean(channel& of, time now) const;
  /// Measured, in the resource's own unit; as credit is added to it.
  double measured(const channel& of) const;
  double credit(const channel& of) const;
  uses all(bool credited) const;

  load settings_;
  std::array<channel, all_resources.size()> channels_;
  std::optional<time> last_;
};

}  // namespace dunlin::balance
