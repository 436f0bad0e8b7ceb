/// BUCKET POLICY WORKLOAD: policies of buckets that are put, replaced and deleted through all nodes
/// while a guest, who may only what they say, asks for something there (Q4, Q16, decision 16,
/// docs/decisions/0012). Each bucket has one owner, whose changes do not overlap; one of which the
/// outcome of a change is not known is left as it is, and another one begun.
///
/// What the guest was told is judged when it comes, as of an account with one policy
/// (access_history.hpp): a policy is part of its bucket's record, so a "yes" may be as old as the
/// bound of the bucket caches, and a "no" only what was so while the request was on its way.
#pragma once

#include "apps/testkit/access_history.hpp"
#include "apps/testkit/virtual_cluster.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct bucket_policy_options {
  int owners = 1;
  int lives = 8;     ///< of all buckets together
  int changes = 20;  ///< of a bucket's policy
  int readers = 1;
  std::chrono::milliseconds pause_max{1800};  ///< between two changes, and of a reader
};

class bucket_policy_workload {
public:
  bucket_policy_workload(virtual_cluster& cluster, bucket_policy_options options = {});
  ~bucket_policy_workload();

  void begin();
  bool finished() const { return open_ == 0; }
  /// No further change.
  void stop() { stopped_ = true; }

  /// Asks for every bucket through every node: call when the cluster is whole.
  void read_all();
  const std::vector<std::string>& mistakes() const { return mistakes_; }
  /// How often each verdict was given.
  const std::map<verdict, std::uint64_t>& counts() const { return counts_; }
  /// Buckets, all that there ever were.
  std::vector<std::string> names() const;

private:
  struct place;
  using answer = virtual_cluster::answer;

  // the guest
  void invite();
  void give_key();
  void on_guest(const result<v1::CommandReply>& reply, void (bucket_policy_workload::*then)());
  void open_doors();

  // owners
  void live();
  void make(place& one);
  void next(place& one);
  void put(place& one, document what);
  void changed(place& one, const node_id& through, const answer& seen);

  // the guest's requests
  void read();
  void look_after_change(place& one, const node_id& changed_at);
  void ask(place& one, const node_id& through, std::function<void()> done);
  void judge(place& one, access_attempt attempt, const answer& seen);
  account_history::bounds bounds() const;

  void later(std::chrono::milliseconds most, std::function<void()> what);
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  node_id any_node() { return cluster_.any_access_node(random_); }

  virtual_cluster& cluster_;
  bucket_policy_options options_;
  std::mt19937_64 random_;
  int guests_ = 0;  // that were tried
  std::string guest_, key_, secret_;
  std::vector<std::unique_ptr<place>> places_;  // all that there ever were
  int lives_ = 0;
  int open_ = 0;    // owners, readers and requests at work
  int owners_ = 0;  // of these
  bool stopped_ = false;
  std::vector<std::string> mistakes_;
  std::map<verdict, std::uint64_t> counts_;
};

}  // namespace dunlin::testkit
