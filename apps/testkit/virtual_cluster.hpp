/// VIRTUAL CLUSTER: the nodes of a topology on one thread and virtual time, from a seed (U4). Same
/// assembly as in production; wires, bulk, disks, clocks and HTTP are simulated.
#pragma once

#include "apps/assembly/node.hpp"
#include "apps/testkit/signed_request.hpp"
#include "apps/testkit/virtual_entry.hpp"
#include "apps/testkit/virtual_time.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "runtime/simulation/sim_http.hpp"
#include "runtime/simulation/sim_identity.hpp"
#include "runtime/simulation/sim_network.hpp"

#include <functional>
#include <map>
#include <memory>
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
  std::int64_t wall_ms() const;

  // ---- verbs ----
  void start(const node_id& name);
  void start_all();
  /// Power failure: actors end, un-synced bytes are lost by seed, wires break.
  void crash(const node_id& name);
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

  /// Raft's safety properties, checked after every step of any replica; empty is what a test wants.
  std::vector<std::string> violations() const;

  /// Error lines that the nodes have logged.
  const std::vector<std::string>& error_lines() const { return error_lines_; }

private:
  struct machine {
    std::unique_ptr<simulation::sim_disk> disk;
    std::unique_ptr<simulation::sim_identity> identity;
    virtual_entry s3;
    std::shared_ptr<random_source> random;
    std::shared_ptr<metrics> counts;
    std::unique_ptr<assembly::node> node;
  };
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
};

}  // namespace dunlin::testkit
