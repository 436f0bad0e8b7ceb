/// The handles of a partition's actors (Q1, Q2, U8).
#pragma once

#include "messages/v1.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace dunlin {

/// PARTITION: one replica of a partition. Role name "partition", instance = partition id.
using partition_actor = caf::typed_actor<
    // Commits one command and answers when it is applied. Errors: not_leader (detail: the leader),
    // unavailable, overloaded, disk_full, stopping: it does not run; any other, timed_out above
    // all: outcome unknown. A command that was proposed is never answered not_leader.
    caf::replies_to<v1::PartitionCommand>::with<v1::CommandReply>,
    // Linearizable read. Errors: not_leader, overloaded, unavailable.
    caf::replies_to<v1::PartitionQuery>::with<v1::QueryReply>,
    // One Raft message of a peer; lost ones are sent again by the protocol.
    caf::reacts_to<v1::RaftMessage>,
    caf::replies_to<v1::GetReplicaStatus>::with<v1::ReplicaStatus>>;

/// PARTITION ROUTER: one a node; finds the leader by the cached map or by asking, retries with
/// back-off until the time is up, and stamps commands so that each is applied once (Q2, decision
/// 14).
using partition_router_actor = caf::typed_actor<
    // Errors: timed_out, unknown_outcome (it may have run), unavailable (it did not), overloaded,
    // disk_full, stale (a newer life of this node is open).
    caf::replies_to<v1::RoutedCommand>::with<v1::CommandReply>,
    caf::replies_to<v1::RoutedQuery>::with<v1::QueryReply>,
    // The newest cluster map known here; fetched first if older than asked for or none is known.
    caf::replies_to<v1::GetMap>::with<v1::ClusterMap>>;

}  // namespace dunlin
