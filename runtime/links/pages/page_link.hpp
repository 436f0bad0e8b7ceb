/// PAGE LINK: the client side of page transfers; one actor a node (decision 4). Contract in
/// messages/storage.hpp.
#pragma once

#include "messages/storage.hpp"
#include "runtime/links/bulk/bulk.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <optional>

namespace dunlin::links {

/// From now on transfers to this very node go to `transfers`.
struct serve_locally {
  page_transfers_actor transfers;
};

/// INTERNAL: the bulk port has answered.
struct bulk_answered {
  std::uint64_t call = 0;
  std::optional<ec> failure;
  bulk_message message;
};

using page_link_service =
    page_link_actor::extend<caf::reacts_to<serve_locally>, caf::reacts_to<bulk_answered>>;

struct page_link_state {
  bulk_port* bulk = nullptr;
  node_id self_node;
  page_transfers_actor local;
  std::uint64_t calls = 0;
  std::map<std::uint64_t, caf::typed_response_promise<page_answer>> open;
};

/// `bulk` outlives the actor.
page_link_service::behavior_type page_link(
    page_link_service::stateful_pointer<page_link_state> self, node_id self_node, bulk_port* bulk);

}  // namespace dunlin::links

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::serve_locally)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::bulk_answered)
