/// REPLICA TURNS: the state of a partition replica and one turn of it: an input to the core, then
/// all the work that the core has ready. Internal to the replica.
#pragma once

#include "actors/partition/change_memory.hpp"
#include "actors/partition/partition_replica.hpp"

#include <map>
#include <string>

namespace dunlin {

class replica_turns {
public:
  using self_pointer = partition_replica_actor::stateful_pointer<partition_replica_state>;

  replica_turns(self_pointer self, partition_replica_options options);

  /// Ends the actor if its store is broken, or does not belong to its log.
  void start();
  /// Ends the actor; what waits is told.
  void stop(const char* step, ec reason, const std::string& detail);
  void end(const caf::error& reason);

  caf::result<v1::CommandReply> on_command(const v1::PartitionCommand& wish);
  caf::result<v1::QueryReply> on_query(const v1::PartitionQuery& wish);
  void on_message(const v1::RaftMessage& incoming);
  void on_propose(const propose_round& wish);
  void on_stored(const log_stored& done);
  void on_refused(const log_refused& no);
  void on_tick();
  void on_step_aside();
  // replica_announcing.cpp
  void on_announced(const rows_announced& done);
  // replica_snapshots.cpp
  void on_checkpointed(const state_checkpointed& done);
  void on_copied(const state_copied& done);
  void on_fetched(const state_fetched& done);
  void on_installed(const state_installed& done);
  const state_keeper_actor& keeper() const { return options_.keeper; }
  v1::ReplicaStatus status() const;

private:
  struct read {
    caf::typed_response_promise<v1::QueryReply> promise;
    v1::PartitionQuery query;
  };
  struct proposal {
    raft::term_t term;
    std::uint64_t round;
  };

  void turn();
  void perform(raft::ready work);
  void store(raft::ready& work);
  void forget_unstored(raft::position through, bool rest);
  void apply(const raft::entry& e);
  void answer_applied(const raft::entry& e, std::vector<v1::CommandReply> replies);
  void answer_reads(const raft::ready& work);
  void answer(read& one);
  void follow_role();
  void tell_leader();
  void commit();
  bool full() const { return log_full_ || disk_full_; }
  void look_for_room();
  void leave_to_one_with_room();

  // replica_announcing.cpp
  void start_announcing();
  void stop_announcing();
  void offer_rows();
  void show_outbox(std::uint64_t rows);
  void remember_changes();
  v1::QueryReply change_age(const v1::GetChangeAge& of) const;

  // replica_snapshots.cpp
  bool begin_where_log_and_state_agree(raft::restored& from);
  void cut_log(bool force);
  void checkpoint();
  raft::index_t cut_index(bool force) const;
  void follow_snapshots();
  void make_copy();
  void fetch(const raft::ready& work);
  void refuse_fetch(const raft::snapshot& offered);
  void open_state();
  void arm_tick();
  std::chrono::milliseconds now() const;
  std::chrono::microseconds now_us() const;

  self_pointer self_;
  partition_replica_options options_;
  std::unique_ptr<partition_machine> machine_;
  std::unique_ptr<raft::raft_core> core_;
  std::map<node_id, partition_actor> peers_;
  bool stopped_ = false;

  partition_leader_actor leader_;  // of led_term_; null: this replica does not lead
  raft::term_t led_term_ = 0;
  raft::term_t told_term_ = 0;  // whose leader leader_known has heard of
  std::map<raft::index_t, proposal> proposals_;
  change_memory changes_;              // that are announced
  announcer_actor announcer_;          // of led_term_; null: none
  std::uint64_t offered_through_ = 0;  // it was given the rows up to this tick
  std::size_t offer_room_ = 0;         // rows that it would take now
  gauge* outbox_rows_ = nullptr;       // of the registry; null: never shown
  std::uint64_t outbox_shown_ = 0;
  std::map<std::uint64_t, read> reads_;                         // by the core's id
  std::multimap<raft::index_t, std::uint64_t> reads_to_serve_;  // confirmed, not yet applied so far

  std::deque<log_append> unstored_;  // given to the log writer, or waiting for room
  bool blocked_ = false;             // the writer refused unstored_.front()
  bool log_full_ = false;
  bool disk_full_ = false;
  std::chrono::milliseconds room_looked_for_{};
  std::chrono::milliseconds step_aside_next_{}, step_aside_wait_{};

  std::size_t uncommitted_entries_ = 0;
  std::size_t uncommitted_bytes_ = 0;
  std::uint64_t bytes_since_checkpoint_ = 0;
  raft::index_t checkpointed_ = 0;  // the store survives a crash up to here
  bool checkpointing_ = false;      // asked, not yet answered

  // As the leader: a copy of the state, asked for or made.
  raft::index_t copy_floor_ = 0;  // the copy is of this index or a later one; 0: none
  std::string copy_;              // its identity
  std::chrono::milliseconds copy_next_{};
  // As a follower.
  raft::snapshot_ptr fetching_;    // the keeper is at it; null: it is not
  bool installing_ = false;        // there is no machine
  std::uint64_t reset_token_ = 0;  // once stored the log knows of the installed state; 0: it does
};

}  // namespace dunlin
