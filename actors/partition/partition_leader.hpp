/// PARTITION LEADER: spawned by the replica that wins a term and tagged with it (decision 8). Owns
/// the requests that wait; gathers them into rounds and answers them when their round is applied.
/// Ends when the term does. Every answer is one of: the command's reply; not_leader, overloaded,
/// disk_full, unavailable, invalid_argument (it was not run and will not be by this request); or
/// timed_out (it may have run: ask again under the same stamp).
#pragma once

#include "actors/partition/leader_desk.hpp"
#include "actors/partition/replica_messages.hpp"
#include "runtime/clock.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <map>

namespace dunlin {

using partition_leader_actor =
    caf::typed_actor<caf::replies_to<v1::PartitionCommand>::with<v1::CommandReply>,
                     caf::reacts_to<round_refused>, caf::reacts_to<round_applied>,
                     caf::reacts_to<leadership_lost>, caf::reacts_to<rows_announced>,
                     // INTERNAL: what has arrived makes a round.
                     caf::reacts_to<caf::flush_atom>,
                     // INTERNAL: look for requests that waited too long, and for clients to expire.
                     caf::reacts_to<caf::tick_atom>>;

struct leader_options {
  partition_id partition = 0;
  raft::term_t term = 0;
  partition_replica_actor replica;
  const wall_clock* clock = nullptr;  ///< outlives the actor
  desk_limits limits;
  std::chrono::milliseconds answer_timeout{10'000};
  std::chrono::milliseconds look_interval{1000};
  /// Announced rows of the outbox go with the next command, or after so long without one.
  std::chrono::milliseconds trim_interval{3000};
  /// A client that no command came from for so long is forgotten (decision 14). A new leader waits
  /// as long before it expires the first one (decision 15).
  std::chrono::milliseconds client_lifetime{15 * 60'000};
};

struct partition_leader_state {
  struct request {
    caf::typed_response_promise<v1::CommandReply> promise;  ///< not pending: our own command
    v1::Command command;
  };
  leader_options options;
  leader_desk desk;
  std::map<leader_desk::request_id, request> requests;
  leader_desk::request_id last_request = 0;
  bool flush_sent = false;
  leader_desk::time expire_next{};
  std::uint64_t announced_through = 0;  ///< goes along with every batch
  std::uint64_t announced_told = 0;     ///< by the newest batch
  leader_desk::time trim_next{};
};

partition_leader_actor::behavior_type partition_leader(
    partition_leader_actor::stateful_pointer<partition_leader_state> self, leader_options options);

}  // namespace dunlin
