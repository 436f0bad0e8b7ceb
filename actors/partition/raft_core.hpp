/// RAFT CORE: the consensus of one partition, as a pure state machine (Q1, decision 7; Ongaro &
/// Ousterhout 2014, Ongaro's thesis for pre-vote, transfer and ReadIndex; the
/// step/tick/propose/ready shape of etcd). No clock, socket, disk or library: the owner feeds
/// messages, ticks and the completion of its own writes, and performs what `take_ready()` hands
/// out.
///
/// Nothing that a peer sends stops the process: what contradicts itself or this log is ignored.
/// What the owner gets wrong, and what the disk gives back wrong, does (DUNLIN_ASSERT).
///
/// Output gating: the core itself holds back every message that promises durability (votes, append
/// answers) until `on_stored` says that term, vote and entries are on disk. Whatever
/// `ready.messages` contains may be sent at once. A leader's appends leave before its own write is
/// durable; its own vote for an index counts only after on_stored.
#pragma once

#include "actors/partition/raft_log.hpp"
#include "actors/partition/raft_progress.hpp"
#include "actors/partition/raft_types.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace dunlin::raft {

class raft_core {
public:
  /// `random` answers a number to draw election timeouts from.
  raft_core(options config, std::function<std::uint64_t()> random, restored from);

  void tick();
  void step(message incoming);

  /// Appends a command; answers its (term, index). Errors: not_leader, overloaded (uncommitted
  /// bytes), unavailable (a transfer is under way).
  result<position> propose(buffer command);

  /// Asks for a linearizable read; the id comes back in reads or reads_failed (batched: one round
  /// of heartbeats serves all waiting). Errors: not_leader, overloaded.
  result<std::uint64_t> read();

  void on_stored(std::uint64_t token);
  void on_applied(index_t index);

  /// Hands leadership to `to` (a voter), or gives up after an election timeout.
  result<void> transfer(const node_id& to);

  /// Leader with a log that cannot grow (full disk): hands leadership to the most advanced voter.
  void step_aside();

  bool has_ready() const;
  ready take_ready();

  /// Forgets entries up to `index` (<= applied): the owner has a durable state there.
  void compact(index_t index);

  // ---- snapshots, as the leader (decision 9) ----

  /// A peer that is heard of needs what this log has forgotten, and nothing useful is offered: the
  /// owner makes a copy of its state, then calls offer_snapshot().
  bool wants_snapshot() const;
  /// Offers a copy of this replica's state to all who need one. Ignored if this replica does not
  /// lead, or if its log does not go on from there any more.
  void offer_snapshot(snapshot_ptr offer);
  /// The copy is gone.
  void withdraw_snapshot() { offered_ = nullptr; }
  /// Null: none, which is so whenever leadership is lost.
  const snapshot_ptr& offered() const { return offered_; }
  /// Somebody who is heard of may be fetching what is offered.
  bool snapshot_in_use() const;

  // ---- snapshots, as a follower that `ready.fetch` told to fetch one ----

  /// Null: none, or what was wanted has come by other ways.
  const snapshot_ptr& wanted() const { return wanted_; }
  /// The owner has all the bytes and replaces its state next; nothing is handed out to be applied
  /// until on_snapshot_…. False: no longer wanted.
  bool begin_install(const std::string& identity);
  /// The wanted state is this replica's own now, and durable.
  void on_snapshot_installed();
  /// It could not be fetched, was not what it was said to be, or there is no room. The leader
  /// offers again later.
  void on_snapshot_failed(const std::string& identity);

  role current_role() const { return role_; }
  term_t term() const { return hard_.term; }
  const node_id& leader() const { return leader_; }  ///< empty: unknown
  index_t commit() const { return commit_; }
  index_t last_index() const { return log_.last_index(); }
  index_t first_index() const { return log_.first_index(); }
  /// None: compacted (first_index() - 1 still has one) or beyond the end.
  std::optional<term_t> term_at(index_t index) const { return log_.term_at(index); }
  index_t match_of(const node_id& peer) const;  ///< leader only; 0: unknown
  const std::vector<node_id>& voters() const { return config_.voters; }
  bool leads() const { return role_ == role::leader; }

  const node_id& vote() const { return hard_.vote; }
  index_t applied() const { return applied_; }
  index_t stored_index() const { return log_.stored(); }  ///< entries up to here are on disk
  const entry* find(index_t index) const { return log_.find(index); }
  std::size_t log_bytes() const { return log_.bytes(); }
  /// The lowest index above which the log holds at most `bytes`.
  index_t index_keeping(std::size_t bytes) const { return log_.index_keeping(bytes); }

  /// Every voter's disk holds the committed log up to here, as the leader says: compacting no
  /// further than this leaves nobody behind who would need a snapshot.
  index_t settled() const { return settled_; }

  /// Leader only: the peer needs entries that the log no longer holds. It gets heartbeats and
  /// nothing else until a snapshot has brought it to first_index() - 1.
  bool needs_snapshot(const node_id& peer) const;
  /// Leader only: the peer has been heard of in the present or the last check-quorum window.
  bool is_reachable(const node_id& peer) const;
  /// Empty: no transfer is under way.
  const node_id& transfer_target() const { return transferee_; }

private:
  // raft_core.cpp: lives, time, work for the owner
  bool is_plausible(const message& m) const;
  bool admit_higher_term(const message& m);
  void answer_stale(const message& m);
  void become_follower(term_t term, const node_id& leader);
  void reset_election_timer();
  void tick_leader();
  std::size_t quorum() const { return config_.voters.size() / 2 + 1; }
  message make(message_kind kind, const node_id& to) const;
  void send(message m) { outbox_.push_back(std::move(m)); }
  void send_when_stored(message m);
  bool unstored() const { return hard_changed_ || reset_ || log_.has_unhanded(); }
  bool hard_is_stored() const { return !hard_changed_ && hard_token_ <= token_stored_; }
  index_t ready_to_apply() const;
  std::uint64_t token_of_pending() const { return token_issued_ + (unstored() ? 1 : 0); }
  void release_held();
  void set_hard(term_t term, const node_id& vote);

  // raft_election.cpp
  bool in_lease() const;
  void campaign(bool transfer);
  void become_candidate(bool transfer);
  void become_leader();
  void ask_for_pre_votes();
  void ask_for_vote(const node_id& peer, message_kind kind, term_t term, bool transfer);
  void give_way(const message& m);
  void on_pre_vote(const message& m);
  void on_vote(const message& m);
  void on_ballot(const message& m);
  void count_ballots();
  void count_own_vote();
  void on_timeout_now(const message& m);

  // raft_replication.cpp
  void on_append(message& m);
  bool merge(message& m);
  void reject_append(const message& m);
  void answer_append(const message& m, index_t matched);
  void on_append_reply(const message& m);
  void advance_commit();
  void commit_to(index_t index);
  void settle();
  void pump_appends();
  void send_heartbeat(const node_id& peer, const progress& state);
  void send_heartbeats();
  void check_quorum();
  void continue_transfer(const node_id& peer);

  // raft_snapshots.cpp
  bool is_useful(const snapshot_ptr& offer) const;
  void on_snapshot(const message& m);
  void want(const message& m);
  void on_snapshot_reply(const message& m);
  void offer_to(const node_id& name, progress& peer);

  // raft_reads.cpp
  bool may_read() const;
  bool round_is_due() const { return !gathering_.empty() && round_.empty() && may_read(); }
  void start_read_round();
  void confirm_reads();
  void fail_reads();

  options config_;
  std::function<std::uint64_t()> random_;
  raft_log log_;

  role role_ = role::follower;
  hard_state hard_;
  node_id leader_;
  index_t commit_ = 0;
  index_t settled_ = 0;
  index_t handed_to_apply_ = 0;
  index_t applied_ = 0;

  int election_elapsed_ = 0;
  int election_timeout_ = 0;  // of this wait
  int heartbeat_elapsed_ = 0;
  std::map<node_id, bool> ballots_;
  std::uint64_t own_vote_token_ = 0;  // counts when this is stored; 0: nothing waits

  // Leader only.
  std::map<node_id, progress> peers_;
  std::size_t uncommitted_bytes_ = 0;
  bool appends_pending_ = false;
  node_id transferee_;
  int transfer_elapsed_ = 0;
  bool timeout_now_sent_ = false;
  std::uint64_t read_id_ = 0;
  std::uint64_t read_context_ = 0;  // of the newest round
  index_t round_index_ = 0;
  std::vector<std::uint64_t> round_;      // reads that the round in flight serves
  std::vector<std::uint64_t> gathering_;  // reads that the next round serves

  snapshot_ptr offered_;

  // Follower: the state that it waits for.
  snapshot_ptr wanted_;
  node_id wanted_from_;
  bool fetch_unhanded_ = false;
  bool installing_ = false;

  // What the owner has to do.
  std::uint64_t token_issued_ = 0;
  std::uint64_t token_stored_ = 0;
  bool hard_changed_ = false;
  std::uint64_t hard_token_ = 0;  // under which the newest term and vote were given out
  std::optional<position> reset_;
  bool forgets_rest_ = false;
  struct held_message {
    std::uint64_t token;
    message what;
  };
  std::deque<held_message> held_;
  std::vector<message> outbox_;
  std::vector<ready::read_done> reads_done_;
  std::vector<std::uint64_t> reads_failed_;
};

}  // namespace dunlin::raft
