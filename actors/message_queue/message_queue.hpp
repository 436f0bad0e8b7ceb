/// MESSAGE QUEUE: the actor around queue_core. Handle in messages/message_queue.hpp. Keeps its rows
/// in the node's log (queue_spool), asks leaders for news through the node's router, and tells
/// subscribers by notes that are encoded once for all of them. Never blocks.
#pragma once

#include "actors/message_queue/queue_core.hpp"
#include "actors/message_queue/queue_spool.hpp"
#include "messages/cache_status.hpp"
#include "messages/log.hpp"
#include "messages/message_queue.hpp"
#include "messages/partition.hpp"
#include "runtime/clock.hpp"
#include "runtime/wake_timer.hpp"

#include <caf/atom.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace dunlin {

struct message_queue_options {
  node_id self;
  std::uint64_t incarnation = 1;  ///< of the node's life
  queue::options limits;
  std::vector<partition_id> partitions;  ///< whose news are asked for
  std::chrono::milliseconds news_timeout{1000};

  /// What open_spool() found.
  queue::opened_spool spool;
  /// To the log writer, as a log_append of queue::spool_group under the token; `from` hears the
  /// answer. Must not block.
  std::function<void(const log_client_actor& from, std::uint64_t token,
                     std::vector<wal::entry> entries)>
      append;
  /// To the log writer: log_compact{queue::spool_group, position, queue::spool_term}.
  std::function<void(std::uint64_t position)> compact;

  /// A v1::CacheBatch and a v1::QueueNews, encoded, for the role "cache_subscriber" of that node
  /// and instance; lost if it cannot be reached. In production node_links::tell(). Must not block.
  using tell = std::function<void(const queue::subscriber_key& to, const buffer& bytes)>;
  tell tell_batch, tell_news;

  partition_router_actor router;
};

/// The link to a node is gone, with whatever was on its way to there.
struct queue_peer_lost {
  node_id node;
};

/// What is spawned; it converts to message_queue_actor, log_client_actor and queue_status_actor.
using message_queue_shell =
    message_queue_actor::extend<caf::reacts_to<log_stored>, caf::reacts_to<log_refused>,
                                caf::reacts_to<queue_peer_lost>,
                                caf::replies_to<v1::GetQueueStatus>::with<v1::QueueStatus>,
                                // INTERNAL: some wait is over; when it was armed for.
                                caf::reacts_to<caf::tick_atom, std::int64_t>>;

struct message_queue_state {
  using waiting = std::variant<caf::typed_response_promise<v1::EnqueueReply>,
                               caf::typed_response_promise<v1::SubscribeReply>>;
  /// Rows that go to the disk as one; under way, by their token.
  struct flight {
    std::vector<std::uint64_t> rows;
    std::uint64_t position = 0;  ///< before their first entry
    std::vector<wal::entry> entries;
  };
  static inline const char* name = "message_queue";

  message_queue_options options;
  const wall_clock* clock = nullptr;
  std::unique_ptr<queue_core> core;

  std::map<std::uint64_t, waiting> requests;
  std::uint64_t last_request = 0;
  const v1::EnqueueUpdates* arriving = nullptr;  ///< in this turn; the core says what becomes of it

  flight gathered;  ///< the next; not under way yet
  std::map<std::uint64_t, flight> flights;
  std::map<std::uint64_t, std::uint64_t> positions;  ///< where rows end in the log
  std::uint64_t last_token = 0;
  std::uint64_t last_position = 0;

  std::set<partition_id> asking;  ///< questions for news that are open
  wake_timer timer;
};

/// How the queue is, with figures named as in `dunlin coherence` (Q25, X2).
v1::QueueStatus queue_status(const queue_core& core, std::uint64_t incarnation,
                             queue_core::time now);

/// `clock` outlives the actor.
message_queue_shell::behavior_type message_queue(
    message_queue_shell::stateful_pointer<message_queue_state> self, message_queue_options options,
    const wall_clock* clock);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::queue_peer_lost)
