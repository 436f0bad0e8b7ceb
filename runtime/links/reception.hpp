/// RECEPTION: accepted wires wait here for their hello, which says whose link they are.
#pragma once

#include "runtime/links/link.hpp"

#include <caf/typed_actor.hpp>

namespace dunlin::links {

struct wire_accepted {
  wire_ptr wire;
};
/// A node that joined the cluster while this one ran.
struct peer_added {
  node_id peer;
  link_actor link;
};
struct wire_overdue {
  std::uint64_t wire_id = 0;
};

using reception_actor = caf::typed_actor<caf::reacts_to<wire_accepted>, caf::reacts_to<peer_added>,
                                         // INTERNAL: from the wires, and when a hello is overdue.
                                         caf::reacts_to<wire_frame>, caf::reacts_to<wire_closed>,
                                         caf::reacts_to<wire_overdue>>;

class wire_relay;

struct reception_state {
  struct guest {
    wire_ptr wire;
    std::shared_ptr<wire_relay> relay;
  };
  std::shared_ptr<link_context> shared;
  std::map<node_id, link_actor> links;
  std::map<std::uint64_t, guest> guests;
  counter* refused = nullptr;
  static inline const char* name = "reception";
};

reception_actor::behavior_type reception(reception_actor::stateful_pointer<reception_state> self,
                                         std::shared_ptr<link_context> shared,
                                         std::map<node_id, link_actor> links);

}  // namespace dunlin::links

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_accepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::peer_added)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::links::wire_overdue)
