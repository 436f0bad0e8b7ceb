/// What the sampler and the announcers of a node add to its coherence status (X2). Internal to
/// apps/assembly.
#pragma once

#include "apps/assembly/coherence_status.hpp"
#include "messages/coherence.hpp"
#include "messages/v1.hpp"
#include "runtime/observe/metrics.hpp"

namespace dunlin::assembly {

/// To the figures of the near cache whose answers were sampled.
void add_staleness(coherence_status& to, const staleness_report& from);

/// Of the partitions that the node leads; nothing if it has never announced anything.
void add_announcers(coherence_status& to, const v1::NodeStatus& node, metrics& counts);

}  // namespace dunlin::assembly
