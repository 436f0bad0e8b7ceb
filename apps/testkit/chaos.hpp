/// CHAOS: faults that come and go by themselves in a virtual cluster, drawn from its seed (U4). Any
/// number of nodes may be down, cut off, slow, full or without a working disk at once; what is
/// promised then is safety only. Damage of what was durable hits one node, the unlucky one, because
/// more than that no replication outlives (docs/ARCHITECTURE.md: what may fail where). After end()
/// the world is whole again, and progress is promised, too.
#pragma once

#include "apps/testkit/virtual_cluster.hpp"

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testkit {

enum class fault : std::uint8_t {
  crash,            ///< power failure, peers hear resets
  silent_crash,     ///< power failure, peers hear nothing
  crash_at_call,    ///< power failure in the middle of a disk call, by and by
  crash_leader,     ///< of some partition
  crash_all,        ///< everywhere at one instant
  crash_staggered,  ///< everywhere, one after another; they start while others start
  crash_loop,       ///< the node fails again and again, hardly started
  away_long,        ///< off so long that the others' logs are cut meanwhile; maybe hindered after
  pause,            ///< as SIGSTOP: nothing runs, then all timers at once
  cut_one_way,
  cut_both,
  isolate_leader,  ///< of some partition, both ways or one: it does not know that it is over
  halves,          ///< two groups that do not hear each other
  bridge,          ///< the same, but for one node that hears both
  sees_some,       ///< one node hears and is heard by some of the others only
  flapping,        ///< cut and healed, many times a second
  swizzle,         ///< cut off one by one, healed in another order
  break_wires,
  slow_node,
  loss,         ///< lost, delayed and broken on all ways
  adversary,    ///< frames and exchanges dropped, repeated, overtaken
  narrow,       ///< little bandwidth on all ways
  clock_jump,   ///< minutes, there and back
  clock_drift,  ///< by some per cent
  full_disk,    ///< of one node, within its reserve
  full_disks,   ///< of several nodes or all
  last_byte,    ///< a disk without a byte left: the node may end
  disk_error,   ///< in one call, by and by
  disk_errors,  ///< in many calls for a while
  slow_disk,
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
  std::chrono::milliseconds away_max{25'000};  ///< of away_long
};

class chaos {
public:
  chaos(virtual_cluster& cluster, chaos_options options);
  ~chaos() { *alive_ = false; }

  /// Faults come as virtual time goes by.
  void begin();
  /// No more faults; heals and starts everything.
  void end();

  /// One fault now, whatever the options list; it goes by itself.
  void strike(fault what);

  /// Is told of each fault when it has begun.
  void on_strike(std::function<void(fault)> listener) { on_strike_ = std::move(listener); }

  /// For people: when, what, to whom.
  const std::vector<std::string>& story() const { return story_; }

  /// How often each kind has struck somebody.
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

private:
  using milliseconds = std::chrono::milliseconds;
  using side = std::vector<node_id>;

  void next();
  void dispatch(fault what);
  void look_after();

  // chaos_power.cpp
  void crash(const node_id& victim, bool silent, milliseconds off);
  void crash_at_call(const node_id& victim);
  void stay_away(const node_id& victim);
  void hinder(const node_id& newcomer);
  void crash_leader();
  void crash_everywhere(milliseconds apart);
  void crash_again(const node_id& victim, std::uint64_t times);
  void revive(const node_id& victim);
  void pause(const node_id& victim);
  void jump_clock(const node_id& victim, bool drifts);
  void fill(const side& victims);
  void fill_up(const node_id& victim);
  void fail_disk(const node_id& victim, bool once);
  void slow_disk(const node_id& victim);
  void flip_bits();

  // chaos_network.cpp
  void cut(const node_id& victim, bool both);
  void isolate_leader();
  void split(bool bridged);
  void hide_some(const node_id& victim);
  void start_flapping(const node_id& victim);
  void flap(const node_id& victim, const node_id& other, std::uint64_t times);
  void swizzle();
  void break_wires(const node_id& victim);
  void slow(const node_id& victim);
  void spoil(const std::function<void(simulation::network_faults&)>& change);
  void lose();
  void disturb();
  void narrow();
  void isolate(const node_id& victim);
  void rejoin(const node_id& victim);
  void part(const side& one, const side& other);
  void join(const side& one, const side& other);

  /// Of some partition; none at the moment: empty.
  node_id draw_leader();
  const node_id& draw();
  node_id draw_other(const node_id& than);
  /// All nodes in an order of chance.
  side shuffled();
  std::uint64_t up_to(std::uint64_t most) { return random_() % (most + 1); }
  milliseconds between(milliseconds min, milliseconds max);
  milliseconds length() { return between(options_.length_min, options_.length_max); }
  void later(milliseconds wait, std::function<void()> what);
  void tell(const std::string& what);

  virtual_cluster& cluster_;
  simulation::sim_network& network_;
  chaos_options options_;
  std::mt19937_64 random_;
  std::vector<node_id> nodes_;
  node_id unlucky_;
  std::set<node_id> dark_;  // without power, until chaos gives it back
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::function<void(fault)> on_strike_;
  std::vector<std::string> story_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace dunlin::testkit
