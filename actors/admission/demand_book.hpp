/// DEMAND BOOK: what each connection of an access node uses, in capacities of a unit node: its mean
/// over the last minutes (B14, R2), from what it counts and what the node's resources do.
#pragma once

#include "runtime/balance/load_meter.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace dunlin {

class demand_book {
public:
  using time = std::chrono::milliseconds;
  /// Since the connection began.
  struct account {
    std::uint64_t connection = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
    double declared = 0;
    double known = 0;  ///< what it used on another node, if it came from there
  };
  struct node_view {
    std::vector<balance::resource_sample> resources;
    double capacity = 1;  ///< native, in unit nodes
    double declared_rate = 1;
    time history{300'000};
    // Of those who come straight, since the start: their part of the work is no connection's.
    std::uint64_t direct_requests = 0;
    std::uint64_t direct_bytes = 0;
  };

  /// `all` is every open connection; those that are not among them are forgotten.
  void on_sample(time now, const node_view& node, const std::vector<account>& all);
  /// Of the scarcest resource; at most twice the node. 0: nothing is known yet.
  double demand(std::uint64_t connection) const;
  /// Of each resource whose use by one connection is known, in unit nodes.
  balance::parts parts(std::uint64_t connection) const;

private:
  struct entry {
    account last;
    double sum = 0;         ///< decayed demand × time
    balance::parts sums{};  ///< of each resource
    double weight = 0;      ///< decayed time
    double seen = 0;        ///< of it, here
    std::uint64_t round = 0;
  };
  /// What a connection's share of the work costs of what nobody measures one by one.
  struct shares {
    double cpu = 0, requests = 0;
  };
  static balance::parts rates(const entry& was, const account& is, const node_view& node,
                              const shares& each, double seconds);
  static double demand_of(const balance::parts& used);
  static double share(const node_view& node, balance::resource of, double done);

  std::map<std::uint64_t, entry> entries_;
  time last_{-1};
  std::uint64_t direct_requests_ = 0;
  std::uint64_t direct_bytes_ = 0;
  std::uint64_t round_ = 0;
};

}  // namespace dunlin
