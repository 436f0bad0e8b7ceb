/// GRID WORLD: leaders, queues and subscribers on virtual time, with faults. The subscribers judge
/// what they are told; the world asks at the end whether everybody heard of everything.
#pragma once

#include "tests/unit/cache_update/grid_leader.hpp"
#include "tests/unit/cache_update/grid_queue.hpp"
#include "tests/unit/cache_update/grid_subscriber.hpp"
#include "tests/unit/cache_update/grid_time.hpp"

#include <memory>
#include <string>
#include <vector>

namespace dunlin::grid {

struct plan {
  std::uint32_t partitions = 3;
  std::size_t queues = 3;
  std::vector<std::vector<std::string>> subscribers;
  ms commit_pause{15};       ///< about, per partition
  std::uint64_t bursts = 5;  ///< of a thousand commits
  queue::options queue_limits;
  cache_update::options subscriber_limits;
};

class grid_world {
public:
  grid_world(std::uint64_t seed, plan what);

  /// Commits go on, faults as they come, for so long.
  void rage(ms duration);
  /// Commits go on, nothing is broken any more.
  void calm();
  void run(ms duration);
  void stop_commits() { committing_ = false; }
  /// Empty: every live subscriber has heard of every change, and knows that it has.
  std::string judge(ms proved_within);

  void crash_queue(std::size_t which, bool spool_lost, ms down);
  void cut_subscriber(std::size_t which, ms duration, bool noticed);

  std::string wrong;  ///< the first thing that was
  events time;
  std::mt19937_64 random;
  network net;
  std::vector<std::unique_ptr<leader>> leaders;
  std::vector<std::unique_ptr<queue_node>> queues;
  std::vector<std::unique_ptr<subscriber_node>> subscribers;
  std::map<std::string, std::uint64_t> faults;
  std::uint64_t noticed = 700;  ///< of a thousand ends and beginnings of peers

private:
  static node_id queue_name(std::size_t which) { return "q" + std::to_string(which); }
  std::size_t number_of(const node_id& name) const { return std::stoul(name.substr(1)); }
  void add_leader(std::uint32_t partition);
  void add_queue(std::size_t which);
  void add_subscriber(std::size_t which);
  void commit(std::uint32_t partition);
  void strike();
  void start_queue(std::size_t which);
  void check_bounds();
  void ask_news(std::size_t which);
  void fail(const std::string& what);
  template <class What>
  void to_queue(const std::string& from, std::size_t which, What what);

  plan plan_;
  bool committing_ = true, raging_ = false;
  ms rage_until_{0};
  std::vector<std::string> types_;
  /// Which leader's request, or whose subscription, a queue's request is.
  struct asked {
    std::size_t who;
    std::uint64_t number;
    bool subscription;
  };
  std::map<std::uint64_t, asked> requests_;
  std::uint64_t last_request_ = 0;
};

}  // namespace dunlin::grid
