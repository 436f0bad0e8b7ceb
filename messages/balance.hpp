/// The handles of those who place connections and move them (B1 to B14, docs/decisions/0015).
#pragma once

#include "messages/dunlin/v1/balance.pb.h"
#include "messages/protobuf_inspect.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace dunlin {

/// ADMISSION: decides which connections its access node takes (B2), tells peers how loaded it is
/// (B8), gives connections away when it has too many (B9 to B11). Role name "admission", instance
/// 0.
using admission_actor =
    caf::typed_actor<caf::replies_to<v1::OfferConnection>::with<v1::OfferReply>,
                     caf::reacts_to<v1::PeerIndicators>,
                     caf::replies_to<v1::GetAdmissionStatus>::with<v1::AdmissionStatus>>;

/// BALANCER: finds an access node for each client of its listener, and another one when the access
/// node wants to be rid of it. Role name "balancer", instance 0.
using balancer_actor =
    caf::typed_actor<caf::replies_to<v1::OfferMove>::with<v1::MoveReady>,
                     caf::replies_to<v1::HandOver>::with<v1::HandOverReply>,
                     caf::replies_to<v1::GetBalancerStatus>::with<v1::BalancerStatus>>;

}  // namespace dunlin
