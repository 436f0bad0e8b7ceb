/// PEER TABLE: what an access node knows of the levels of the others (B8, R1), and what follows for
/// the fleet. Nobody is believed beyond clamps, and nobody for longer than `stale_after`.
#pragma once

#include "runtime/balance/settings.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin {

struct peer_level {
  node_id node;
  std::uint64_t incarnation = 0;
  double level = 0;     ///< adjusted load over adjusted capacity
  double capacity = 1;  ///< adjusted, in unit nodes
  bool willing = false;
  std::uint32_t connections = 0;
  std::chrono::milliseconds said_at{};  ///< on the listener's clock
};

class peer_table {
public:
  using time = std::chrono::milliseconds;
  struct own_level {
    double level = 0;
    double capacity = 1;
    std::uint32_t connections = 0;
  };

  explicit peer_table(balance::peers settings = {}) : settings_{settings} {}
  void configure(balance::peers settings) { settings_ = settings; }
  /// Who counts; what is known of others is forgotten.
  void set_peers(const std::vector<node_id>& all);

  /// False: a stranger, an earlier life, or older than what was heard.
  bool on_indicators(const peer_level& said, std::uint64_t sequence);
  /// No peer took a connection: until its next word, none counts as willing or below anything. What
  /// it said of itself stays what it said, for L and for others.
  void on_nobody_takes();

  /// L: mean of fresh levels and the own one, by capacity.
  double fleet_level(time now, const own_level& own) const;
  /// Of all peers, the stale ones included in their number only.
  double part_below(time now, double level) const;
  double part_willing(time now) const;
  /// Of one connection anywhere, in unit nodes; 0: nobody has any.
  double mean_demand(time now, const own_level& own) const;

  std::vector<peer_level> known() const;  ///< by name
  /// What a reply carries: at most `most`. Of many, half are the least loaded; the other half goes
  /// round with `turn`, so that in time a balancer hears of all.
  /// What is stale is left out: nobody is to judge by it.
  std::vector<peer_level> digest(time now, std::size_t most, std::uint64_t turn) const;
  std::size_t size() const { return peers_.size(); }

private:
  struct entry {
    peer_level said;
    std::uint64_t sequence = 0;
    bool heard = false;
    bool refused = false;  ///< since its last word
  };
  bool fresh(const entry& of, time now) const;

  balance::peers settings_;
  std::map<node_id, entry> peers_;
};

}  // namespace dunlin
