/// ANNOUNCER: spawned by the replica that wins a term, beside the leader, while there are queues
/// (Q7, decision 13, docs/decisions/0011). Takes rows of the outbox as they are applied, gets them
/// to message queues, and says which are announced: to the replica, which then has room for more
/// to offer, and to the leader, whose next batch trims them. An actor of its own, so that encoding
/// for queues and waiting for them never delays those who wait for the leader. Decisions are in
/// announcer_core. Ends when the term does.
#pragma once

#include "actors/partition/announcer_core.hpp"
#include "actors/partition/announcer_figures.hpp"
#include "actors/partition/partition_leader.hpp"
#include "actors/partition/replica_messages.hpp"
#include "messages/message_queue.hpp"
#include "runtime/wake_timer.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace dunlin {

/// Rows of the outbox that were applied: ascending, above all offered before in this term, and no
/// more than there is room for.
struct outbox_rows {
  struct row {
    std::uint64_t tick = 0;
    /// One; of a row that stands for many, one per type; none: nothing to tell.
    std::vector<v1::TypeUpdates> changes;
  };
  std::vector<row> rows;
};

using announcer_actor =
    caf::typed_actor<caf::reacts_to<outbox_rows>, caf::reacts_to<leadership_lost>,
                     // INTERNAL: some wait is over; when it was armed for.
                     caf::reacts_to<caf::tick_atom, std::int64_t>>;

/// How the changes of a partition get to queues.
struct announcing_options {
  std::vector<node_id> queues;  ///< none: rows stay in the outbox, which drops the oldest
  /// The queue on a node; null: not to be reached. In production node_links::at(node,
  /// "message_queue").
  std::function<message_queue_actor(const node_id&)> find;
  queue_choice choice = queue_choice::random;
  announcer_core::limits limits;
  std::uint32_t time_to_live_ms = 0;  ///< of the updates (Q10); 0: the queue's default
  /// Types that are told; empty: all. What nobody caches costs no queue anything: it leaves the
  /// outbox as if a queue had it.
  std::set<std::string, std::less<>> types;
  /// Types whose changes carry the item as it is now, where it is small enough.
  std::set<std::string, std::less<>> carried;
  std::shared_ptr<metrics> counts;  ///< of the node; null: nothing is counted
};

struct announcer_options {
  node_id self;
  partition_id partition = 0;
  raft::term_t term = 0;
  partition_replica_actor replica;
  partition_leader_actor leader;
  random_source* random = nullptr;  ///< outlives the actor
  announcing_options how;
};

struct announcer_state {
  announcer_options options;
  std::unique_ptr<announcer_core> core;
  std::map<std::uint64_t, std::vector<v1::TypeUpdates>> rows;  ///< not yet announced, by tick
  std::unique_ptr<announcer_figures> figures;
  wake_timer timer;
};

announcer_actor::behavior_type announcer(announcer_actor::stateful_pointer<announcer_state> self,
                                         announcer_options options);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::outbox_rows)
