/// REPAIR: puts missing and damaged pages of one storage node right (K4, decision 19). Fetches what
/// others report, what a read has found damaged, and what a comparison with a peer that came shows.
#pragma once

#include "actors/storage_node/compare_core.hpp"
#include "actors/storage_node/extent_actors.hpp"
#include "actors/storage_node/repair_core.hpp"
#include "messages/partition.hpp"
#include "runtime/clock.hpp"
#include "runtime/map_source.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>

namespace dunlin {

/// The storage node of a peer: a stub of the links.
using storage_node_lookup = std::function<storage_node_actor(const node_id&)>;

/// Connected peers, without oneself, with the incarnation of each.
using connected_peers = std::function<std::map<node_id, std::uint64_t>()>;

/// A read of this node met a damaged page.
struct damaged_page {
  std::string page;
  std::uint32_t replica_set = 0;
};

using look_atom = caf::atom_constant<caf::atom("look")>;

using repair_actor = caf::typed_actor<caf::replies_to<v1::RepairPages>::with<v1::RepairPagesReply>,
                                      caf::reacts_to<damaged_page>,
                                      // INTERNAL: something may be due.
                                      caf::reacts_to<caf::tick_atom>,
                                      // INTERNAL: see which peers are connected.
                                      caf::reacts_to<look_atom>>;

struct repair_options {
  node_id self;
  storage_node_lookup storage_at;
  connected_peers peers;
  repair_core::limits fetches;
  compare_core::limits comparing;
  std::chrono::milliseconds look_interval{1000};  ///< for peers that have come
  std::chrono::milliseconds control_timeout{3000};
  std::chrono::milliseconds page_timeout{10'000};
  std::uint32_t list_max = 256;
  std::size_t waiting_max = 512;  ///< no further list is asked for above it
};

struct repair_state {
  repair_options options;
  extent_writer_actor writer;
  extent_reader_actor reader;
  page_link_actor link;
  map_source map;
  std::shared_ptr<std::atomic<std::uint64_t>> repaired;
  repair_core fetches;
  compare_core comparing;
  std::map<std::uint32_t, std::vector<node_id>> sets;
  std::chrono::nanoseconds next_tick{};  // of the earliest tick that is on its way; 0: none
};

/// What the repair of one node stands on.
struct repair_parts {
  extent_writer_actor writer;
  extent_reader_actor reader;
  page_link_actor link;
  map_source map;
  std::shared_ptr<std::atomic<std::uint64_t>> repaired;
};

repair_actor::behavior_type repair(repair_actor::stateful_pointer<repair_state> self,
                                   repair_options options, repair_parts parts);

}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::damaged_page)
