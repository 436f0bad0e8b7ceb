// Yes or no, at once, from what the node knows.
#include "actors/admission/admission_state.hpp"

#include <algorithm>
#include <cmath>

namespace dunlin::admitting {

namespace {

constexpr std::size_t token_bytes = 16;
constexpr std::size_t digest_max = 31;

std::string line_key(const std::string& balancer, std::uint64_t line) {
  return "line/" + balancer + "/" + std::to_string(line);
}
std::string client_key(const std::string& hash) { return "client/" + hash; }

/// The very line that was given away; or a client that comes back anew, unless others of its
/// address are here: then the address is that of many, and says nothing about one of them.
bool cooling(self_pointer self, const v1::OfferConnection& offer) {
  const auto& state = self->state;
  const auto at = now(self);
  if (state.refusals.refuses(line_key(offer.balancer(), offer.line()), at)) return true;
  return !offer.client().empty() && state.refusals.refuses(client_key(offer.client()), at) &&
         !state.options.legs->has_client(offer.client());
}

/// What a moved connection is said to have used; beyond twice the node nobody is believed.
double demand_of(self_pointer self, const v1::OfferConnection& offer) {
  const auto most = 2 * own(self->state).capacity;
  return std::isfinite(offer.demand()) ? std::clamp(offer.demand(), 0.0, most) : 0;
}

double credit_of(self_pointer self, const v1::OfferConnection& offer) {
  const auto& state = self->state;
  const auto me = own(state);
  // By what was measured: credits say nothing about what a connection uses.
  const auto level = balance::level_of(state.meter.loads_measured());
  const auto said = demand_of(self, offer);
  const auto known =
      said > 0 ? said
               : state.peers.mean_demand(now(self), {level, me.capacity, state.sampled_legs});
  return balance::credit_for(known, me.capacity, state.options.legs_max, said > 0);
}

void count(self_pointer self, const v1::OfferConnection& offer, const balance::verdict& verdict) {
  auto& figures = self->state.figures;
  const auto& by = self->state.options.settings.accept;
  const auto rows = static_cast<std::uint32_t>(by.steps.size()) + (by.last_resort ? 1 : 0);
  auto& row = figures.attempts[std::clamp(offer.attempt(), 1u, std::max(1u, rows))];
  ++(verdict.accepted ? row.accepted : row.refused);
  ++(verdict.accepted ? figures.accepted : figures.refused);
  if (verdict.absurd) ++figures.absurd;
  if (verdict.accepted && offer.last_resort()) ++figures.last_resorts;
  if (verdict.accepted && offer.moved()) ++figures.moved_here;
  count_offer(self, verdict.accepted);
}

void take(self_pointer self, const v1::OfferConnection& offer, v1::OfferReply& reply) {
  auto& state = self->state;
  const auto at = now(self);
  expected_leg agreed{offer.balancer(),
                      offer.line(),
                      offer.client(),
                      offer.moved(),
                      demand_of(self, offer),
                      credit_of(self, offer),
                      at};
  state.meter.on_accepted(agreed.credit);
  auto token = state.options.random->bytes(token_bytes);
  reply.set_token(token);
  reply.set_token_ttl_ms(static_cast<std::uint32_t>(state.options.token_ttl.count()));
  reply.set_connection(state.options.legs->expect(std::move(token), std::move(agreed),
                                                  at + state.options.token_ttl));
}

void add_digest(self_pointer self, v1::OfferReply& reply) {
  *reply.add_digest() = level_now(self);
  const auto at = now(self);
  for (const auto& peer : self->state.peers.digest(at, digest_max, self->state.figures.accepted)) {
    auto& one = *reply.add_digest();
    one.set_node(peer.node);
    one.set_incarnation(peer.incarnation);
    one.set_level(peer.level);
    one.set_capacity(peer.capacity);
    one.set_age_ms(static_cast<std::uint32_t>(std::max<time>(at - peer.said_at, time{0}).count()));
    one.set_willing(peer.willing);
    one.set_connections(peer.connections);
  }
}

}  // namespace

v1::OfferReply answer(self_pointer self, const v1::OfferConnection& offer) {
  auto& state = self->state;
  balance::offer what;
  what.attempt = offer.attempt();
  what.last_resort = offer.last_resort();
  what.loads = state.meter.loads();
  what.fleet_level = fleet_level(self);
  what.starting = !state.meter.started();
  what.draining = state.draining;
  what.full = full(state);
  what.cooling = cooling(self, offer);
  const auto verdict = balance::decide(state.options.settings.accept, what);
  count(self, offer, verdict);
  v1::OfferReply reply;
  reply.set_accepted(verdict.accepted);
  reply.set_reason(static_cast<v1::OfferReply::Reason>(verdict.why));
  if (verdict.accepted) take(self, offer, reply);
  record_offer(self, offer, what.loads, what.fleet_level, reply);
  add_digest(self, reply);
  return reply;
}

}  // namespace dunlin::admitting
