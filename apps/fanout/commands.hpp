/// The parts of dunlin-fanout. Each obeys lines of its standard input, answers each with a line of
/// JSON, and ends with its input.
#pragma once

#include "runtime/topology/topology.hpp"

#include <string>
#include <vector>

namespace dunlin::fanout {

/// Light nodes of the file in this process.
///   status          {"nodes","subscribed"}: how many there are, and know all queues
///   follow          from now on each tick is noted
///   count           from now on they are only counted
///   report          {"changes","ticks":[[tick,nodes,last_ns]…]} since the report before: how many
///                   nodes have heard of a tick and when the last did, of CLOCK_MONOTONIC
int listen(const topology::cluster& cluster, const std::vector<node_id>& names);

/// A database node and a writer beside it.
///   make N          N buckets
///   write RATE S    policies of the buckets in turn, one at a time, RATE a second, for S seconds:
///                   {"failed","writes":[[tick,began_ns,committed_ns,acknowledged_ns]…]}
///   flood RATE S ROUND_MS BYTES
///                   as three leaders would, that commit every ROUND_MS: changes of 10,000 keys to
///                   the queue; BYTES 0: without values: {"changes","messages","failed","seconds"}
int drive(const topology::cluster& cluster, const node_id& database, const node_id& leader);

}  // namespace dunlin::fanout
