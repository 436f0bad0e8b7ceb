/// CHAOS: faults that come and go by themselves in a virtual cluster, drawn from its seed (U4). Any
/// number of nodes may be down at once; what is promised then is safety only. After end() the
/// world is whole again, and progress is promised, too.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

enum class fault : std::uint8_t {
  crash,          ///< power failure, peers hear resets
  silent_crash,   ///< power failure, peers hear nothing
  crash_at_call,  ///< power failure in the middle of a disk call, by and by
  crash_leader,   ///< of some partition
  cut_one_way,
  cut_both,
  isolate_leader,  ///< of some partition, from everybody: it does not know that it is over
  break_wires,
  slow_node,
  loss,       ///< lost, delayed and broken on all ways
  full_disk,  ///< of the unlucky node
  flip_bits,  ///< in extents of the unlucky node
};

std::string_view to_string(fault what);

/// The full mix.
std::vector<fault> all_faults();

struct chaos_options {
  std::vector<fault> faults;
  std::chrono::milliseconds pause_min{100};  ///< between two faults
  std::chrono::milliseconds pause_max{2500};
  std::chrono::milliseconds length_min{50};  ///< of a fault
  std::chrono::milliseconds length_max{4000};
};

class chaos {
public:
  chaos(virtual_cluster& cluster, chaos_options options);
  ~chaos() { *alive_ = false; }

  /// Faults come as virtual time goes by.
  void begin();
  /// No more faults; heals and starts everything.
  void end();

  /// For people: when, what, to whom.
  const std::vector<std::string>& story() const { return story_; }

  /// How often each kind has struck somebody.
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

private:
  void next();
  void strike(fault what);
  void strike_node(fault what, const node_id& victim);
  void crash(const node_id& victim, bool silent);
  void isolate(const node_id& victim);
  /// Of some partition; none at the moment: empty.
  node_id draw_leader();
  void flip_bits(const node_id& victim);
  void later(std::chrono::milliseconds wait, std::function<void()> what);
  std::chrono::milliseconds between(std::chrono::milliseconds min, std::chrono::milliseconds max);
  std::chrono::milliseconds length() { return between(options_.length_min, options_.length_max); }
  void revive(const node_id& victim);
  void tell(const std::string& what);
  const node_id& draw();

  virtual_cluster& cluster_;
  chaos_options options_;
  std::mt19937_64 random_;
  std::vector<node_id> nodes_;
  node_id unlucky_;  // damage and full disks on one node only: the others hold what it lacks
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::string> story_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace dunlin::testkit
