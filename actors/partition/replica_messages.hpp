/// What a partition's replica and its leader actor say to each other, inside one node (decision 8).
#pragma once

#include "actors/partition/log_writer.hpp"
#include "actors/partition/state_keeper.hpp"
#include "messages/partition.hpp"

namespace dunlin {

/// Propose this CommandBatch, if the term is still the replica's own.
struct propose_round {
  raft::term_t term = 0;
  std::uint64_t round = 0;
  buffer batch;
};
/// The round was not appended and never will be.
struct round_refused {
  std::uint64_t round = 0;
  ec reason{};
};
/// The round's entry was applied, at the place it was proposed for. No replies: it made no sense.
struct round_applied {
  std::uint64_t round = 0;
  std::vector<v1::CommandReply> replies;
};
/// Somebody else leads now, or nobody.
struct leadership_lost {
  node_id leader;
};
/// Every row of the outbox up to a tick is durable at message queues; so many rows newly so.
struct rows_announced {
  raft::term_t term = 0;
  std::uint64_t through = 0;
  std::size_t rows = 0;
};
/// The node is about to stop: leave the leadership to another.
struct step_aside {};

/// The replica as the actors of its own node see it.
using partition_replica_actor =
    partition_actor::extend<caf::reacts_to<log_stored>, caf::reacts_to<log_refused>,
                            caf::reacts_to<propose_round>, caf::reacts_to<rows_announced>,
                            caf::reacts_to<state_checkpointed>, caf::reacts_to<state_copied>,
                            caf::reacts_to<state_fetched>, caf::reacts_to<state_installed>,
                            // Best effort; nothing to do for one that does not lead.
                            caf::reacts_to<step_aside>,
                            // INTERNAL: a heartbeat interval has passed.
                            caf::reacts_to<caf::tick_atom>>;

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::propose_round)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::round_refused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::round_applied)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::leadership_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rows_announced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::step_aside)
