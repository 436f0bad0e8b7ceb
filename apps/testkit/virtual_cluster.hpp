/// VIRTUAL CLUSTER: the nodes of a topology on one thread and virtual time, from a seed (U4). Same
/// assembly as in production; wires, bulk, disks, clocks and HTTP are simulated. docs/testing.md.
#pragma once

#include "apps/assembly/node.hpp"
#include "apps/testkit/signed_request.hpp"
#include "apps/testkit/virtual_entry.hpp"
#include "apps/testkit/virtual_time.hpp"
#include "runtime/disk/extents/extent_store.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/simulation/sim_http.hpp"
#include "runtime/simulation/sim_identity.hpp"
#include "runtime/simulation/sim_network.hpp"

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace dunlin::testkit {

class raft_watch;

class virtual_cluster {
public:
  /// `topology` is the text of a topology file; it must have no mistakes.
  virtual_cluster(std::uint64_t seed, const std::string& topology);
  ~virtual_cluster();

  // ---- the world ----
  std::uint64_t seed() const { return seed_; }
  virtual_time& time() { return time_; }
  simulation::sim_network& network() { return network_; }
  simulation::sim_disk& disk(const node_id& name) { return *machines_.at(name).disk; }
  std::vector<node_id> nodes() const;
  /// Those that serve S3.
  std::vector<node_id> access_nodes() const;
  /// One of them that runs; if none does, one that refuses.
  node_id any_access_node(std::mt19937_64& random) const;
  std::int64_t wall_ms() const;

  const topology::cluster& topology() const { return topology_; }

  // ---- verbs ----
  /// False: the power failed on the way; it may be started again.
  bool start(const node_id& name);
  void start_all();
  /// Power failure: actors end, un-synced bytes are lost by seed, wires break. Silent: peers are
  /// not told by resets.
  void crash(const node_id& name, bool silent = false);
  /// The power fails in the `calls`-th disk call from now.
  void crash_at_call(const node_id& name, std::uint64_t calls);
  bool runs(const node_id& name) const { return machines_.at(name).node != nullptr; }
  /// Every running node says READY, within `limit` of virtual time.
  bool wait_until_ready(std::chrono::seconds limit);

  // ---- what people see ----
  v1::NodeStatus status(const node_id& name);
  /// The node that leads the partition, as a running replica of the highest term says; empty: none.
  node_id leader_of(partition_id partition);
  const credentials& root() const { return root_; }

  /// One signed S3 request through a node. Lives until it has an answer or is cut.
  struct answer {
    int status = 0;  ///< 0: refused, cut, or no answer
    std::string body;
    std::vector<http::header> headers;
  };
  using on_answer = std::function<void(const answer&)>;
  void send(const node_id& through, const std::string& method, const std::string& path,
            const std::string& query, const std::string& body, on_answer done,
            std::vector<http::header> headers = {});
  /// Sends and waits in virtual time.
  answer call(const node_id& through, const std::string& method, const std::string& path,
              const std::string& query = {}, const std::string& body = {},
              std::vector<http::header> headers = {});

  /// The slowest answer so far, and requests without one.
  std::chrono::milliseconds longest_answer() const { return longest_answer_; }
  std::size_t open_requests() const { return open_requests_; }
  /// Requests until now.
  std::uint64_t requests() const { return requests_; }

  // ---- what only a checker sees ----
  /// Whether the node's replica led after its last step. Lets no time pass.
  bool leads(const node_id& name, partition_id partition) const;
  /// What the node's replica has applied, and the node's pages; null: none is open.
  std::shared_ptr<kv_store> state(const node_id& name, partition_id partition);
  std::shared_ptr<extents::extent_store> pages(const node_id& name);

  /// What the node's counter says, over all its lives.
  double counted(const node_id& name, const std::string& counter) const;

  /// Raft's safety properties, checked after every step of any replica; empty is what a test wants.
  std::vector<std::string> violations() const;

  /// Error lines that the nodes have logged, but for those that a power failure explains.
  const std::vector<std::string>& error_lines() const { return error_lines_; }

  /// Of every line, answer and step of Raft until now: the same seed and verbs, the same number.
  std::uint64_t history() const { return history_; }

  /// Hears every log line, request and answer, as a line with its virtual time.
  void on_event(std::function<void(std::string)> listener) { on_event_ = std::move(listener); }
  /// Adds an event of the one who plays with the cluster.
  void tell(std::string_view event);

private:
  struct machine {
    std::unique_ptr<simulation::sim_disk> disk;
    std::unique_ptr<simulation::sim_identity> identity;
    virtual_entry s3;
    std::shared_ptr<random_source> random;
    std::shared_ptr<metrics> counts;
    std::unique_ptr<assembly::node> node;
    std::map<partition_id, std::weak_ptr<kv_store>> states;
    std::map<partition_id, bool> leads;
    std::weak_ptr<extents::extent_store> pages;
  };
  assembly::node_options options_of(const node_id& name);
  void hear(log::level severity, const std::string& line);
  void note(std::string_view what);
  void note(std::uint64_t what);
  bool power_fails() const;

  std::uint64_t seed_;
  topology::cluster topology_;
  virtual_time time_;
  simulation::sim_network network_;
  std::shared_ptr<const wall_clock> clock_;
  credentials root_;
  std::map<node_id, machine> machines_;
  std::unique_ptr<raft_watch> watch_;
  std::vector<std::string> error_lines_;
  std::uint64_t requests_ = 0;
  std::size_t open_requests_ = 0;
  std::chrono::milliseconds longest_answer_{0};
  std::uint64_t history_ = 0xcbf29ce484222325ull;
  bool crashing_ = false;
  std::function<void(std::string)> on_event_;
};

}  // namespace dunlin::testkit
