/// Three nodes with one partition each in one actor system: real logs and databases on simulated
/// disks, virtual time, and a network of relays that a test cuts. Raft's invariants are watched.
#pragma once

#include "actors/partition/partition_replica.hpp"
#include "actors/partition/raft_invariants.hpp"
#include "messages/error.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "tests/support/sources.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <random>
#include <set>

namespace dunlin::testing_partition {

/// What one request came to.
struct outcome {
  bool done = false;
  std::optional<v1::CommandReply> reply;
  std::optional<v1::QueryReply> answer;
  std::optional<ec> error;
  std::string detail;
};
using outcome_ptr = std::shared_ptr<outcome>;

v1::Command put_object(const std::string& key, const std::string& etag = "e");

class replica_world {
public:
  struct settings {
    std::uint64_t seed = 1;
    wal::options log{.segment_bytes = 64 << 10, .bytes_max = 1 << 20, .reserve_bytes = 0};
    std::uint64_t checkpoint_bytes = 8 << 20;
    std::uint64_t laggard_bytes_max = 0;  ///< 0: no state keeper, so no snapshots
    announcing_options announcing{};
  };
  explicit replica_world(settings with, std::vector<node_id> names = {"n1", "n2", "n3"});
  replica_world() : replica_world(settings{}) {}
  ~replica_world();

  struct node {
    std::unique_ptr<simulation::sim_disk> disk;
    std::shared_ptr<wal::log> log;
    log_writer_actor writer;
    partition_replica_actor replica;
    state_keeper_actor keeper;
    partition_actor relay;
    std::weak_ptr<kv_store> store;
    bool up = false;
    bool has_room = true;
  };

  node& at(const node_id& name) { return nodes_.at(name); }
  void start(const node_id& name);
  /// The power fails: what was not synced is lost as the seed says.
  void crash(const node_id& name);
  void advance(std::chrono::milliseconds by) { world.advance(by); }
  /// Waits for a leader and answers who it is; empty: none in time.
  node_id leader(std::chrono::milliseconds within = std::chrono::milliseconds{10'000});
  v1::ReplicaStatus status(const node_id& name);

  outcome_ptr command(const node_id& to, v1::Command what);
  outcome_ptr query(const node_id& to, v1::PartitionQuery what);
  outcome_ptr get(const node_id& to, const std::string& key);
  /// The same, waiting for the outcome up to five seconds.
  outcome_ptr wait(outcome_ptr of);

  std::set<node_id> cut;
  std::function<bool(const v1::RaftMessage&)> drop = [](const v1::RaftMessage&) { return false; };
  /// What a piece of a snapshot becomes on its way; null: lost.
  std::function<buffer(buffer)> pass_piece = [](buffer piece) { return piece; };
  raft::raft_invariants watch;
  support::virtual_system world;

private:
  void start_keeper(const node_id& name, partition_replica_options& options);

  settings settings_;
  std::vector<node_id> names_;
  std::map<node_id, node> nodes_;
  support::seeded_random random_;
  support::set_clock clock_;
  page_link_actor bulk_;
};

}  // namespace dunlin::testing_partition
