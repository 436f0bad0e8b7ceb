/// LOG WRITER: one a node, the only owner of its write-ahead log (decision 9). What came from all
/// replicas since the last flush goes to disk with one write and one sync (group commit), then each
/// is told. Blocks on the disk, so production runs it detached.
///
/// On any error but a full log it ends, with the reason as its exit reason, and promises nothing
/// any more: what the disk holds is unknown, so the node must stop (fail-stop).
#pragma once

#include "actors/partition/raft_types.hpp"
#include "messages/log.hpp"
#include "runtime/disk/wal/wal.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace dunlin {

/// One step of one group; tokens of a group ascend. Token 0: only asks whether there is room.
struct log_append {
  log_client_actor from;
  partition_id group = 0;
  std::uint64_t token = 0;
  std::optional<raft::hard_state> hard;
  std::optional<raft::position> reset;  ///< forgets as log_compact does, before the entries
  std::vector<raft::entry> entries;
};
struct log_compact {
  partition_id group = 0;
  raft::index_t index = 0;
  raft::term_t term = 0;
};

using log_writer_actor = caf::typed_actor<
    // Answered with log_stored or log_refused, at least one for the newest of several tokens.
    caf::reacts_to<log_append>,
    // Forgets entries up to an index; durable with the next flush.
    caf::reacts_to<log_compact>,
    // INTERNAL: what has arrived goes to disk.
    caf::reacts_to<caf::flush_atom>,
    // INTERNAL: nothing waits; the log may prepare for later.
    caf::reacts_to<caf::update_atom>>;

struct log_writer_state {
  static inline const char* name = "log_writer";
  struct answer {
    log_client_actor to;
    std::uint64_t token = 0;
  };
  std::shared_ptr<wal::log> log;
  std::vector<std::variant<log_append, log_compact>> waiting;  ///< in the order of their arrival
  bool flush_sent = false;
  std::map<partition_id, std::uint64_t> refused;  ///< by group: the token that must come again
};

log_writer_actor::behavior_type log_writer(
    log_writer_actor::stateful_pointer<log_writer_state> self, std::shared_ptr<wal::log> log);

/// What a group's replica starts from. `applied` is its state machine's.
raft::restored restored_from(wal::group_state group, raft::index_t applied);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::log_append)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::log_compact)
