/// SELECTION: which access node a balancer asks next (B6, B8, B13, C5, C6; docs/decisions/0015).
/// Pure: time and randomness come in. What it knows of levels is hearsay of different ages: it only
/// orders whom to ask; the access node decides.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/balance/settings.hpp"
#include "runtime/clock.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin {

/// How loaded an access node says it is; as v1::NodeLevel.
struct level_report {
  node_id node;
  std::uint64_t incarnation = 0;
  double level = 0;
  double capacity = 0;
  std::chrono::milliseconds age{0};
  bool willing = false;
  std::uint32_t connections = 0;
};

class selection {
public:
  using time = std::chrono::milliseconds;
  struct place {
    std::string rack;
    std::string group;  ///< its peers': who tell each other their levels
  };
  using nodes = std::map<node_id, place>;

  /// `random` outlives it.
  selection(std::string rack, random_source& random);

  void set_nodes(const nodes& all);
  void set_settings(const balance::settings& now);
  std::size_t size() const { return known_.size(); }
  bool knows(const node_id& node) const { return known_.count(node) > 0; }
  /// Those who are not of its peer group; nobody, if it is not known.
  std::set<node_id> outside_group_of(const node_id& node) const;

  /// The digest of a reply. Absurd numbers are clamped; unknown nodes are not believed in.
  /// `teller`: whose reply it is. Of itself it is believed whatever others have said, and what
  /// others say of a node makes its own word no older (B8).
  void heard(time now, const std::vector<level_report>& digest, const node_id& teller = {});

  /// An offer goes out; exactly one of the next three follows.
  void offered(const node_id& node);
  /// After heard() of the same reply, which counts the connection.
  void accepted(time now, const node_id& node, double demand);
  /// After heard() of the same reply. Overrules a low level until the node's next word.
  void refused(time now, const node_id& node, std::uint32_t attempt, bool last_resort = false);
  void dropped(const node_id& node);

  /// No answer, or no leg to be dialled: rests, longer each time, and is tried again.
  void unreachable(time now, const node_id& node);

  /// Its link has come up: it rests no longer.
  void reachable(const node_id& node);

  /// Of this attempt (from 1), without those in `not_these`; none: all are. `demand`: what the
  /// connection is known to use, in unit nodes; 0: unknown. By digest a heavy one goes where it
  /// weighs least.
  std::optional<node_id> pick(time now, std::uint32_t attempt, const std::set<node_id>& not_these,
                              double demand = 0);
  /// As a last resort: the lowest level, whether willing or not; `at_least`: what levels are, at
  /// the least, whatever is said of them.
  std::optional<node_id> pick_last(time now, const std::set<node_id>& not_these,
                                   const std::map<node_id, double>& at_least);
  /// What a level is, at the least, where such an offer is refused by load.
  double refused_from(time now, std::uint32_t attempt, bool last_resort) const;

  struct view {
    node_id node;
    double level = 0;
    time age{0};
    bool known = false;
    bool reachable = true;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t failed = 0;
  };
  std::vector<view> all(time now) const;

private:
  struct placement {
    time at{0};
    double demand = 0;
  };
  struct access_node {
    place where;
    // Its last word, or what others have heard of it.
    bool known = false;
    std::uint64_t incarnation = 0;
    time said{0};
    double level = 0;
    double capacity = 1;
    bool willing = true;
    std::uint32_t connections = 0;
    // What this balancer has seen itself.
    std::optional<time> refused_at;
    double refused_level = 0;
    std::deque<placement> placed;  // since its word
    std::uint32_t offers = 0;      // without an answer yet
    std::uint32_t failures = 0;    // one after the other
    time failed_at{0};
    time rests_until{0};
    std::optional<time> probed;  // last asked though nobody had heard of it
    double tries = 0;            // decayed
    double takes = 0;
    std::uint64_t accepts = 0;
    std::uint64_t refusals = 0;
    std::uint64_t losses = 0;
  };
  using entry = std::map<node_id, access_node>::value_type;
  using candidates = std::vector<const entry*>;

  void hear(time now, const level_report& one, bool of_itself);
  bool fresh(time now, const access_node& one) const;
  bool willing(time now, const access_node& one) const;
  double level_of(const access_node& one) const;
  double sent_since(const access_node& one, double demand, double next) const;
  double mean_demand(time now) const;
  double fleet_level(time now) const;
  double threshold(time now, std::uint32_t attempt) const;
  access_node* find(const node_id& node);
  static void count(access_node& one, bool took);

  candidates able(time now, const std::set<node_id>& not_these) const;
  void prefer_rack(candidates& all) const;
  const entry* probe(time now, const candidates& all);
  const entry* by_digest(time now, candidates all, double demand);
  candidates drawn(time now, const candidates& all, double demand);
  const entry* by_success(const candidates& all);
  const entry* lowest(time now, const candidates& all, double demand = 0,
                      const std::map<node_id, double>& at_least = {});
  const entry* any(const candidates& all);
  const entry* next_by_name(const candidates& all);
  const entry* next_in_cycle(const candidates& all);
  void make_cycle();

  const std::string rack_;
  random_source& random_;
  balance::settings settings_;
  std::map<node_id, access_node> known_;
  std::map<std::string, time> probed_;  // groups, when
  node_id turn_;                        // round robin: asked last
  std::vector<node_id> cycle_;
  std::size_t cycle_at_ = 0;
};

}  // namespace dunlin
