/// PAGE SERVER: the serving side of bulk transfers: exchanges of peers become messages to the local
/// storage node, or to who serves snapshots of partitions; answers and errors become replies.
/// Bounded.
#pragma once

#include "messages/storage.hpp"
#include "runtime/links/bulk/bulk.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>

namespace dunlin::links {

/// One exchange that a peer has opened.
struct bulk_call {
  node_id peer;
  bulk_message request;
  bulk_port::answer reply;
};

/// From now on pieces of snapshots come from `transfers`.
struct serve_snapshots {
  page_transfers_actor transfers;
};

using page_server_actor =
    caf::typed_actor<caf::reacts_to<bulk_call>, caf::reacts_to<serve_snapshots>>;

struct page_server_options {
  std::uint32_t calls_max = 64;  ///< beyond it the answer is overloaded, before anything is read
  std::chrono::milliseconds answer_timeout{10'000};
};

struct page_server_state {
  page_server_options options;
  page_transfers_actor transfers;  // null: no storage role here
  page_transfers_actor snapshots;
  std::uint32_t open = 0;
};

/// `transfers` may be null: pages are refused as unavailable.
page_server_actor::behavior_type page_server(
    page_server_actor::stateful_pointer<page_server_state> self, page_transfers_actor transfers,
    page_server_options options = {});

/// Lets `server` answer what peers ask over `bulk`.
result<void> serve_pages(bulk_port& bulk, page_server_actor server);

}  // namespace dunlin::links

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::bulk_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::serve_snapshots)
