/// The balancer's core in the words of messages/dunlin/v1/balance.proto.
#pragma once

#include "actors/balancer/balancer_core.hpp"
#include "messages/balance.hpp"

#include <cstdint>

namespace dunlin::balance_wire {

/// Without the balancer and the client.
v1::OfferConnection to_message(const balancer_core::offer& wish);
balancer_core::offer_reply from_message(const v1::OfferReply& reply);
balancer_core::move_wish from_message(std::uint64_t ticket, const v1::OfferMove& wish);
/// Without what only the shell knows.
v1::BalancerStatus to_status(const balancer_core& core, balancer_core::time now);

}  // namespace dunlin::balance_wire
