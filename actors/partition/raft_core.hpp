/// RAFT CORE: the consensus of one partition, as a pure state machine (Q1, decision 7; Ongaro &
/// Ousterhout 2014, Ongaro's thesis for pre-vote, transfer and ReadIndex; the
/// step/tick/propose/ready shape of etcd). No clock, socket, disk or library: the owner feeds
/// messages, ticks and the completion of its own writes, and performs what `take_ready()` hands
/// out.
///
/// Output gating: the core itself holds back every message that promises durability (votes, append
/// answers) until `on_stored` says that term, vote and entries are on disk. Whatever
/// `ready.messages` contains may be sent at once. A leader's appends leave before its own write is
/// durable; its own vote for an index counts only after on_stored.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::raft {

using term_t = std::uint64_t;
using index_t = std::uint64_t;

enum class entry_kind : std::uint8_t { noop, command, configuration };

struct entry {
  term_t term = 0;
  index_t index = 0;
  entry_kind kind = entry_kind::noop;
  buffer data;  ///< null for noop
};

struct hard_state {
  term_t term = 0;
  node_id vote;  ///< empty: none
  friend bool operator==(const hard_state&, const hard_state&) = default;
};

enum class message_kind : std::uint8_t {
  append,
  append_reply,
  vote,
  vote_reply,
  pre_vote,
  pre_vote_reply,
  timeout_now,
  snapshot,
  snapshot_reply,
};

/// Field meanings as in dunlin.v1.RaftMessage.
struct message {
  message_kind kind{};
  node_id from, to;
  term_t term = 0;
  index_t log_index = 0;
  term_t log_term = 0;
  index_t commit = 0;
  std::vector<entry> entries;
  bool reject = false;
  index_t reject_hint = 0;
  term_t reject_hint_term = 0;
  std::uint64_t read_context = 0;
  bool transfer = false;
};

enum class role : std::uint8_t { follower, pre_candidate, candidate, leader };

struct options {
  node_id self;
  std::vector<node_id> voters;
  int election_ticks = 10;  ///< randomised to 1x to 2x
  int heartbeat_ticks = 1;
  std::size_t append_bytes_max = 1u << 20;    ///< entries in one message
  std::size_t inflight_bytes_max = 8u << 20;  ///< appends in flight to one follower
  std::size_t inflight_messages_max = 64;
  std::size_t uncommitted_bytes_max = 32u << 20;  ///< more and propose() refuses with overloaded
  std::size_t reads_max = 4096;                   ///< waiting ReadIndex requests
};

/// What was found on disk. Entries are contiguous and start at first_index.
struct restored {
  hard_state hard;
  index_t snapshot_index = 0;  ///< last index that the log no longer holds
  term_t snapshot_term = 0;
  index_t applied = 0;  ///< the state machine's own applied index
  std::vector<entry> entries;
};

/// Work for the owner, in this order: persist (hard_state, then entries) under `token`, and call
/// on_stored(token) when durable; send messages; apply committed entries, then on_applied(); answer
/// reads.
struct ready {
  std::uint64_t token = 0;  ///< 0: nothing to store
  std::optional<hard_state> hard;
  /// Contiguous. The first one's index is where the durable log is cut before they are added.
  std::vector<entry> entries;
  std::vector<message> messages;
  std::vector<entry> committed;  ///< each exactly once, in order
  struct read_done {
    std::uint64_t id;
    index_t index;
  };  ///< serve when applied >= index
  std::vector<read_done> reads;
  std::vector<std::uint64_t> reads_failed;  ///< leadership was lost: answer not_leader
  bool empty() const;
};

class raft_core {
public:
  /// `random` answers a number to draw election timeouts from.
  raft_core(options config, std::function<std::uint64_t()> random, restored from);

  void tick();
  void step(message incoming);

  /// Appends a command; answers its (term, index). Errors: not_leader, overloaded (uncommitted
  /// bytes), unavailable (a transfer is under way).
  struct position {
    term_t term;
    index_t index;
  };
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

  role current_role() const;
  term_t term() const;
  node_id leader() const;  ///< empty: unknown
  index_t commit() const;
  index_t last_index() const;
  index_t first_index() const;
  std::optional<term_t> term_at(index_t index) const;  ///< none: compacted or beyond the end
  index_t match_of(const node_id& peer) const;         ///< leader only
  const std::vector<node_id>& voters() const;
  bool leads() const { return current_role() == role::leader; }

  // The implementation's state follows; see raft_core.cpp.
};

}  // namespace dunlin::raft
