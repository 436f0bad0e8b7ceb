/// COLLECTORS: three small actors that run on every node with the role storage and clean up what
/// commits and crashes leave behind (decision 18). Each does one thing after the other, so that its
/// load is bounded by one request in flight (garbage: one per replica); what fails is left for a
/// later round, further apart each time.
#pragma once

#include "messages/collector.hpp"
#include "messages/partition.hpp"
#include "messages/storage.hpp"
#include "runtime/clock.hpp"
#include "runtime/map_source.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace dunlin {

struct collector_options {
  node_id self;
  map_source map;
  storage_node_actor storage;  ///< of this node
  /// The storage node of any node, null if it is not known; node_links::at in production.
  std::function<storage_node_actor(const node_id&)> storage_at;
  const wall_clock* clock = nullptr;  ///< outlives the actors
  random_source* random = nullptr;    ///< likewise; spreads the rounds of the nodes

  std::chrono::milliseconds interval{60'000};  ///< between rounds
  std::chrono::milliseconds timeout{10'000};   ///< of one request
  /// How long garbage stays readable: longer than a reader needs from its lookup to its last byte,
  /// and than nodes' clocks differ.
  std::chrono::milliseconds grace{10 * 60'000};
  std::uint32_t garbage_rows = 256;   ///< of one answer
  std::size_t garbage_ranges = 1024;  ///< freed at once

  std::chrono::milliseconds sweep_interval{3600'000};
  std::chrono::milliseconds sweep_pause{1000};  ///< between batches of a sweep
  std::uint32_t sweep_pages = 256;              ///< of one batch
  /// Older than any upload may take: a page in flight that is fenced costs its client the upload.
  std::chrono::seconds orphan_age{24 * 3600};

  std::chrono::milliseconds deletion_age{60'000};  ///< a deletion this old has lost its gateway
};

/// Frees garbage past its grace at every replica, then lets its partition forget it.
struct garbage_collector_state;
collector_actor::behavior_type garbage_collector(
    collector_actor::stateful_pointer<garbage_collector_state> self, collector_options options);

/// Finds pages of this node that no commit names any more, or ever did: asks their partition,
/// fences them there, and only then frees them.
struct orphan_sweeper_state;
collector_actor::behavior_type orphan_sweeper(
    collector_actor::stateful_pointer<orphan_sweeper_state> self, collector_options options);

/// Ends bucket deletions whose gateway died half-way (decision 11).
struct deletion_resumer_state;
collector_actor::behavior_type deletion_resumer(
    collector_actor::stateful_pointer<deletion_resumer_state> self, collector_options options);

/// All three, as apps/assembly starts them.
std::vector<collector_actor> spawn_collectors(caf::actor_system& system,
                                              const collector_options& options);

}  // namespace dunlin
