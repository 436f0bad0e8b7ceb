/// The handle of a node's own manager (Q27, U8).
#pragma once

#include "messages/v1.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace dunlin {

/// NODE MANAGER: watches the roles of its node, seeds an empty cluster and knows how the node is.
/// Role name "node_manager", instance 0.
using node_manager_actor = caf::typed_actor<
    // How the node and its roles are; roles that do not answer in time are left out and warned of.
    caf::replies_to<v1::GetNodeStatus>::with<v1::NodeStatus>,
    caf::replies_to<v1::BeginDrain>::with<v1::BeginDrainReply>>;

}  // namespace dunlin
