#include "actors/balancer/balancer_wire.hpp"

#include <algorithm>

namespace dunlin::balance_wire {

namespace {

// A reply comes from another node: no more of it is looked at than a fleet can be large.
constexpr int digest_max = 1024;

balancer_core::refusal from_message(v1::OfferReply::Reason why) {
  using refusal = balancer_core::refusal;
  switch (why) {
    case v1::OfferReply::COOLING: return refusal::cooling;
    case v1::OfferReply::DRAINING: return refusal::draining;
    case v1::OfferReply::FULL: return refusal::full;
    case v1::OfferReply::STARTING: return refusal::starting;
    case v1::OfferReply::NONE: return refusal::none;
    default: return refusal::over;
  }
}

}  // namespace

v1::OfferConnection to_message(const balancer_core::offer& wish) {
  v1::OfferConnection out;
  out.set_line(wish.line);
  out.set_attempt(wish.attempt);
  out.set_last_resort(wish.last_resort);
  out.set_moved(wish.moved);
  out.set_demand(wish.demand);
  return out;
}

balancer_core::offer_reply from_message(const v1::OfferReply& reply) {
  balancer_core::offer_reply out;
  out.accepted = reply.accepted();
  out.why = from_message(reply.reason());
  out.connection = reply.connection();
  out.token = reply.token();
  for (int i = 0; i < std::min(reply.digest_size(), digest_max); ++i) {
    const auto& one = reply.digest(i);
    out.digest.push_back({one.node(), one.incarnation(), one.level(), one.capacity(),
                          std::chrono::milliseconds{one.age_ms()}, one.willing(),
                          one.connections()});
  }
  return out;
}

balancer_core::move_wish from_message(std::uint64_t ticket, const v1::OfferMove& wish) {
  return {
      ticket,        wish.access_node(), wish.connection(), wish.reason() == v1::OfferMove::DRAIN,
      wish.demand(), wish.incarnation()};
}

v1::BalancerStatus to_status(const balancer_core& core, balancer_core::time now) {
  v1::BalancerStatus out;
  const auto& count = core.count();
  out.set_connects(count.connects);
  out.set_failed(count.failed);
  for (const auto each : count.attempts)
    out.add_attempts(each);
  out.set_moves(count.moves);
  out.set_moves_refused(count.moves_refused);
  out.set_replays(count.replays);
  out.set_resets(count.resets);
  out.set_rested(count.rested);
  out.set_more_access_nodes_needed(core.more_access_nodes_needed(now));
  const auto lines = core.lines_by_node();
  for (const auto& each : core.picks(now)) {
    auto& one = *out.add_picks();
    one.set_node(each.node);
    one.set_level(each.level);
    one.set_age_ms(static_cast<std::uint32_t>(each.age.count()));
    one.set_reachable(each.reachable);
    const auto found = lines.find(each.node);
    one.set_lines(found == lines.end() ? 0 : found->second);
    one.set_accepted(each.accepted);
    one.set_refused(each.refused);
    one.set_failed(each.failed);
  }
  return out;
}

}  // namespace dunlin::balance_wire
