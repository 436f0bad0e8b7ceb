/// STORAGE NODE: tickets, transfers and questions about the pages of one node (K2, decisions 4, 17
/// to 19). Contracts in messages/storage.hpp. Never touches the disk itself.
#pragma once

#include "actors/storage_node/extent_actors.hpp"
#include "actors/storage_node/repair.hpp"
#include "actors/storage_node/ticket_table.hpp"

#include <caf/actor_system.hpp>

#include <atomic>
#include <memory>
#include <vector>

namespace dunlin {

/// What the node hears on both sides: converts to storage_node_actor and to page_transfers_actor.
using storage_node_service =
    storage_node_actor::extend<caf::replies_to<page_transfer>::with<page_answer>>;

struct storage_node_options {
  std::chrono::milliseconds lifetime_default{60'000};
  std::chrono::milliseconds lifetime_max{600'000};
  std::chrono::milliseconds disk_timeout{8000};
  std::uint32_t transfers_max = 128;
  ticket_table::limits tickets;
};

struct storage_node_parts {
  shared_store store;
  extent_writer_actor writer;
  std::vector<extent_reader_actor> readers;
  repair_actor repair;
  std::shared_ptr<std::atomic<std::uint64_t>> repaired;
  random_source* random = nullptr;
};

struct storage_node_state {
  storage_node_options options;
  storage_node_parts parts;
  ticket_table tickets;
  std::uint32_t transfers = 0;
  std::size_t turn = 0;
};

storage_node_service::behavior_type storage_node(
    storage_node_service::stateful_pointer<storage_node_state> self, storage_node_options options,
    storage_node_parts parts);

/// Everything that one storage node consists of.
struct storage_service {
  storage_node_service node;
  repair_actor repair;
  extent_writer_actor writer;
  std::vector<extent_reader_actor> readers;

  /// Ends all of them. Their handles form a cycle through the page link, so nothing else would.
  void stop();
};

struct storage_service_options {
  storage_node_options node;
  extent_writer_options writer;
  repair_options repair;
  std::size_t readers = 2;
  bool detached =
      true;  ///< threads of their own for those that touch the disk; false in simulation
};

struct storage_service_parts {
  shared_store store;
  page_link_actor link;
  map_source map;
  random_source* random = nullptr;    ///< outlives the actors
  const wall_clock* clock = nullptr;  ///< outlives the actors
};

storage_service spawn_storage_service(caf::actor_system& system, storage_service_options options,
                                      storage_service_parts parts);

}  // namespace dunlin
