/// A whole group under faults, from one seed: virtual time, a network that loses, repeats, reorders
/// and cuts, disks that lag and lose what was not stored, clients that write, read and move
/// leaders.
#pragma once

#include "tests/unit/raft/member.hpp"

#include <random>

namespace dunlin::raft {

class simulation {
public:
  simulation(std::uint64_t seed, int nodes);

  /// Faults and clients for a while, then peace; checks everything. Empty: all is well.
  std::string run();

  std::uint64_t reads_served = 0, acknowledged = 0, elections = 0, installed = 0;

private:
  using moment = std::uint64_t;
  struct read_in_flight {
    index_t floor;  // what was acknowledged before it began
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  void at(moment delay, std::function<void()> what);
  void pass(moment until);
  void work(member& node);
  void post(message m);
  void schedule_tick(const node_id& name);
  void schedule_store(const node_id& name);
  void schedule_client();
  void schedule_fault();
  void client_acts(member& node);
  void fault();
  void compact_somewhere();
  void schedule_copies(const node_id& name);
  void follow_fetch(member& node);
  void arrived(const node_id& name, const std::string& identity);
  void install(const node_id& name);
  /// Runs it unless the node has crashed by then.
  void at_node(moment delay, const node_id& name, std::function<void(member&)> what);
  void crash_for_a_while(const node_id& name);
  void crash(const node_id& name);
  void restart(const node_id& name);
  void collect_reads(member& node);
  void fail(const std::string& text);
  std::string verdict();

  std::mt19937_64 random_;
  moment now_ = 0;
  std::multimap<moment, std::function<void()>> events_;
  std::vector<node_id> names_;
  std::map<node_id, std::unique_ptr<member>> members_;
  std::map<node_id, int> life_;
  std::map<node_id, std::string> fetches_;  // by whom: the identity
  member::states copies_;
  std::uint64_t copies_made_ = 0;
  std::map<node_id, int> side_;  // nodes on different sides do not hear each other
  std::map<std::pair<node_id, std::uint64_t>, read_in_flight> reads_;
  std::map<node_id, std::map<index_t, term_t>> proposed_;
  std::map<index_t, term_t> acked_;
  std::uint64_t written_ = 0;
  bool peace_ = false;
  std::string failure_;
  raft_invariants watch_;
};

}  // namespace dunlin::raft
