/// FLEET: balancers and access nodes as their cores alone, on a modelled clock of five-second
/// steps: the real acceptance, load meter, demand book, peer table, rebalancer and selection,
/// without messages between them. For what-if (X4) and for fleets of hundreds.
#pragma once

#include "actors/admission/demand_book.hpp"
#include "actors/admission/peer_table.hpp"
#include "actors/admission/rebalancer.hpp"
#include "actors/balancer/selection.hpp"
#include "apps/balance_model/workload.hpp"
#include "runtime/balance/declared_meter.hpp"
#include "runtime/balance/load_meter.hpp"
#include "runtime/crypto/random.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace dunlin::balance_model {

struct fleet_options {
  balance::settings settings;
  std::vector<double> capacities{1, 1, 1, 1, 1.5, 1.5, 0.5, 0.5};  ///< native, in unit nodes
  std::uint32_t balancers = 3;
  std::uint64_t seed = 1;
  double seconds = 5 * 3600;
  double steady_from = 3600, steady_to = 5 * 3600;  ///< figures are of this time
  std::optional<double> add_at;                     ///< one more access node, of capacity 1
  std::optional<double> kill_at;                    ///< the first access node
  /// Seconds between a client's requests, each of which declares what the time until the next will
  /// cost: all that access nodes know of its demand. 0: they know it at every moment.
  double ask_every = 0;
};

struct fleet_figures {
  double mean = 0;      ///< use of native capacity
  double max_mean = 0;  ///< mean of max/mean over time
  double max_mean_p95 = 0;
  double p99 = 0;              ///< of all nodes' use
  double overload = 0;         ///< part of node-time above native capacity
  double closes_per_hour = 0;  ///< of a connection, voluntary
  double attempts_mean = 0;
  std::map<std::uint32_t, std::uint64_t> attempts;  ///< connects by the offers they took
  std::uint64_t connects = 0, failed = 0, accepted = 0, refused = 0, moves = 0, moves_refused = 0;
  std::uint64_t moved_soon = 0;       ///< the same client twice within its cool-down
  std::optional<double> add_minutes;  ///< until the new node had 80 % of the mean
  std::uint64_t add_moves = 0;        ///< meanwhile
  double kill_peak = 0;               ///< of the half hour after the kill
};

class fleet {
public:
  fleet(fleet_options options, workload& load);
  fleet_figures run();

  /// Every verdict, as it is recorded live; for tests of the literal check.
  std::function<void(double at, const node_id& node, const balance::offer& what,
                     const balance::verdict& verdict)>
      watch;
  /// A node has decided to give some away; a client has come, and was taken or not.
  std::function<void(double at, const node_id& node)> watch_decisions;
  std::function<void(double at, bool placed)> watch_connects;

private:
  struct access_node {
    node_id name;
    double capacity = 1;
    bool up = true;
    balance::load_meter meter;
    balance::declared_meter declared;
    double declared_before = 0;
    peer_table peers;
    demand_book demands;
    rebalancer balancing;
    refusal_window refusals;
    std::map<std::size_t, double> lines;  ///< client → since when it is here
    std::uint64_t sequence = 0;
    std::uint32_t sampled_lines = 0;
    double published = 0;
    double use = 0;     ///< of native capacity, now
    double smooth = 0;  ///< of the last minute
    double peak = 0;    ///< greatest of all resources, now
  };
  struct line {
    std::size_t node = none;
    std::uint32_t balancer = 0;
    bool moved = false;
    double moved_at = -1e9;
    double used = 0;  ///< demand × time
    double wait = 0.5;
    std::chrono::milliseconds accepted_at{};
    double credit = 0;
    double asks_at = 0;   ///< next
    double declared = 0;  ///< here, in demand × time
    double known = 0;     ///< demand, as where it was before knew it; 0: came from nowhere
  };
  static constexpr std::size_t none = ~std::size_t{0};
  struct event {
    double at;
    std::uint64_t order;
    std::size_t client;
    bool operator>(const event& other) const {
      return std::pair{at, order} > std::pair{other.at, other.order};
    }
  };
  using queue = std::priority_queue<event, std::vector<event>, std::greater<>>;

  std::chrono::milliseconds now() const {
    return std::chrono::milliseconds{static_cast<std::int64_t>(time_ * 1000)};
  }
  peer_table::own_level own(const access_node& of) const;
  void add_node(double capacity);
  void meet();
  std::vector<level_report> digest(const access_node& of) const;
  level_report report(const access_node& of) const;
  bool offer(std::size_t client, std::size_t node, std::uint32_t attempt, bool last, bool moving);
  std::optional<std::size_t> place(std::size_t client, std::size_t exclude, bool may_last);
  void connect(std::size_t client);
  void attach(std::size_t client, std::size_t node);
  void detach(std::size_t client);
  void sample(access_node& of);
  void ask(access_node& of);
  double demand_known(std::size_t client);
  void exchange(access_node& of);
  void rebalance(std::size_t index);
  void move(std::size_t from, std::size_t client);
  void close(std::size_t from, std::size_t client);
  void measure();
  void kill();
  void step();
  bool steady() const { return time_ >= options_.steady_from && time_ < options_.steady_to; }
  fleet_figures finish();

  fleet_options options_;
  workload& load_;
  double step_;  ///< seconds between samples
  std::vector<std::unique_ptr<crypto::seeded_random>> dice_;
  std::vector<std::unique_ptr<selection>> balancers_;
  std::vector<access_node> nodes_;
  std::map<node_id, std::size_t> by_name_;
  std::vector<line> lines_;
  queue arrivals_, ends_;
  std::uint64_t order_ = 0, steps_ = 0;
  double time_ = 0;
  double accepted_credit_ = 0;  ///< of the last acceptance
  std::optional<std::size_t> added_;
  fleet_figures figures_;
  std::vector<double> spreads_, uses_, means_, populations_;
  std::uint64_t over_ = 0, offers_steady_ = 0, connects_steady_ = 0, moves_steady_ = 0;
};

}  // namespace dunlin::balance_model
