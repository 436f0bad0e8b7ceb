/// The words of the Raft core: entries, messages, options, work for the owner.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <memory>
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

/// A place in the log.
struct position {
  term_t term = 0;
  index_t index = 0;
  friend bool operator==(const position&, const position&) = default;
};

/// The state at one applied index, offered by a leader in place of entries that its log has
/// forgotten (decision 9). Only this descriptor passes through the core; the bytes travel on the
/// bulk link.
struct snapshot {
  position at;                  ///< the last entry that the state holds
  std::vector<node_id> voters;  ///< the configuration there
  std::uint64_t tick = 0;       ///< of the newest change in it
  std::uint64_t bytes = 0;      ///< of the file
  std::string hash;             ///< of all its bytes
  std::string identity;         ///< of this one file; random, and the ticket for its bytes
};
using snapshot_ptr = std::shared_ptr<const snapshot>;

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
  index_t settled = 0;    ///< append: every voter has this much on disk
  snapshot_ptr snapshot;  ///< snapshot: what is offered; null in all others
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
  int snapshot_ticks = 10;  ///< a snapshot is offered again after so many, three times as many
                            ///< after a refusal
};

/// What was found on disk. Entries are contiguous and start at first_index.
struct restored {
  hard_state hard;
  index_t snapshot_index = 0;  ///< last index that the log no longer holds
  term_t snapshot_term = 0;
  index_t applied = 0;  ///< the state machine's own applied index
  std::vector<entry> entries;
};

/// The state machine holds all up to `at`, beyond what the log may know of: it was installed, and
/// the log was not told before a crash. Forgets the same as the log would have.
void begin_at(restored& from, position at);

/// Work for the owner, in this order: persist (hard_state, then reset, then entries) under `token`,
/// and call on_stored(token) when durable; send messages; apply committed entries, then
/// on_applied(); answer reads.
struct ready {
  std::uint64_t token = 0;  ///< 0: nothing to store
  std::optional<hard_state> hard;
  /// The durable log forgets all up to here, and what is above it too if its own entry here is
  /// another or none. Of steps that are not stored yet it takes away the same (`forgets_rest`).
  std::optional<position> reset;
  bool forgets_rest = false;  ///< with `reset`: no entry that was handed out before is wanted
  /// Contiguous. The first one's index is where the durable log is cut before they are added.
  std::vector<entry> entries;
  std::vector<message> messages;
  /// Each exactly once, in order, and only what is in this replica's own durable log: an applied
  /// index on disk never runs ahead of the log. At most a few MiB at a time.
  std::vector<entry> committed;
  struct read_done {
    std::uint64_t id;
    index_t index;
  };  ///< serve when applied >= index
  std::vector<read_done> reads;
  std::vector<std::uint64_t> reads_failed;  ///< leadership was lost: answer not_leader
  /// Fetch this state from the leader `snapshot_from`; it takes the place of one asked for before.
  snapshot_ptr fetch;
  node_id fetch_from;
  bool empty() const;
};

/// What an entry counts for in limits: its bytes and a little for itself.
inline std::size_t bytes_of(const entry& e) { return 32 + (e.data ? e.data->size() : 0); }

}  // namespace dunlin::raft
