/// PARTITION REPLICA: one member of a partition's Raft group on one node (Q1, decisions 7 to 9).
/// Owns the Raft core, the store and the machine on it; applies, answers linearizable reads, and
/// spawns the leader actor of each term that it wins, and where there are message queues the
/// announcer beside it. Ends, with the reason as its exit reason,
/// when its store or the node's log fails: memory and disk may disagree, so the node must stop.
///
/// The store is committed lazily, since the log is the durability: every 512 entries or with the
/// next heartbeat. It is checkpointed every few MiB of applied log, by the state keeper in the
/// background; the log is then cut up to what every voter has on disk, and further where it has
/// grown beyond what is kept for those who lag: they get a snapshot (docs/decisions/0009).
///
/// While it takes a snapshot itself it has no state: it answers as one that does not lead.
#pragma once

#include "actors/partition/announcer.hpp"
#include "actors/partition/machine/partition_machine.hpp"
#include "actors/partition/partition_leader.hpp"
#include "actors/partition/raft_core.hpp"
#include "actors/partition/replica_messages.hpp"
#include "actors/partition/state_keeper.hpp"
#include "runtime/storage/kv_store.hpp"

#include <deque>
#include <functional>

namespace dunlin {

struct partition_replica_options {
  partition_id id = 0;
  std::uint64_t first_hash = 0;
  std::uint64_t last_hash = 0;
  node_id self;
  std::vector<node_id> voters;  ///< self among them

  std::shared_ptr<kv_store> store;
  wal::group_state recovered;  ///< of this group, from the node's log
  log_writer_actor writer;
  /// The replica of this partition on another node; null: not to be reached.
  std::function<partition_actor(const node_id&)> peer;
  const wall_clock* clock = nullptr;  ///< outlives the actor, as does random
  random_source* random = nullptr;

  std::chrono::milliseconds heartbeat{100};
  std::chrono::milliseconds election{1000};
  std::size_t commit_entries_max = 512;
  std::size_t entry_bytes_max = 1u << 20;  ///< of one log entry; never more than the log takes
  std::size_t inflight_bytes_max = 0;  ///< appends on the way to one follower; 0: the core's own
  std::size_t inflight_messages_max = 0;
  std::uint64_t checkpoint_bytes = 8u << 20;
  /// Null: checkpoints are the replica's own turns, and there are no snapshots.
  state_keeper_actor keeper;
  /// The state was installed at this place in a former life, and the log may not know of it.
  std::optional<raft::position> installed;
  /// Of log kept for voters that lag; more and they need a snapshot.
  std::uint64_t laggard_bytes_max = 32u << 20;
  /// A client that was not heard of for so long is forgotten, and what it asked with it.
  std::chrono::milliseconds client_lifetime{15 * 60'000};
  /// After a copy of the state could not be made.
  std::chrono::milliseconds copy_interval{10'000};
  /// Sees the store that is open from now on; null: none, it is being replaced.
  std::function<void(std::shared_ptr<kv_store>)> store_changed;
  /// Whether the disk has room for what commands add to the store; asked now and then. Null:
  /// always.
  std::function<bool()> has_room;
  /// How often to look for room. A leader without leaves the leadership after as long, and then
  /// ever more rarely, since the others may have none either.
  std::chrono::milliseconds room_interval{1000};
  std::chrono::milliseconds step_aside_interval_max{60'000};
  /// Told of every leader that this replica learns of, and of its term. Null: nobody wants to know.
  std::function<void(const node_id& leader, std::uint64_t term)> leader_known;
  /// The queues that hear of changes; none by default.
  announcing_options announcing;
  /// Sees every query that this replica answers as the leader (Q24). Null: nobody counts.
  std::function<void(const v1::PartitionQuery&)> looked_up;
  /// Sees the core after every step and what it wants done; for the simulation's checkers.
  std::function<void(const raft::raft_core&, const raft::ready&)> observer;
};

class replica_turns;  // partition_replica.cpp

struct partition_replica_state {
  std::shared_ptr<replica_turns> turns;
};

partition_replica_actor::behavior_type partition_replica(
    partition_replica_actor::stateful_pointer<partition_replica_state> self,
    partition_replica_options options);

}  // namespace dunlin
