// What people see of it, and what is recorded (B14, X4).
#include "actors/admission/admission_state.hpp"
#include "runtime/topology/balance_change.hpp"

#include <algorithm>

namespace dunlin::admitting {

namespace {

constexpr std::size_t legs_shown_max = 32;

void add(google::protobuf::RepeatedPtrField<v1::ResourceLevel>& to, const balance::uses& loads) {
  for (const auto& use : loads) {
    auto& one = *to.Add();
    one.set_name(std::string(balance::to_string(use.of)));
    one.set_load(use.load);
    one.set_capacity(use.capacity);
  }
}

v1::BalanceRecord record_of(self_pointer self) {
  v1::BalanceRecord made;
  const auto& options = self->state.options;
  made.set_at_ms(options.wall ? options.wall->now_ms() : now(self).count());
  made.set_node(options.self);
  return made;
}

void add_legs(self_pointer self, v1::AdmissionStatus& to) {
  const auto& state = self->state;
  const auto at = now(self);
  auto all = state.options.legs->open();
  const auto demand = [&](const auto& leg) { return state.demands.demand(leg.connection); };
  std::stable_sort(all.begin(), all.end(),
                   [&](const auto& a, const auto& b) { return demand(a) > demand(b); });
  for (std::size_t i = 0; i < std::min(all.size(), legs_shown_max); ++i) {
    const auto& leg = all[i];
    auto& one = *to.add_legs();
    one.set_connection(leg.connection);
    one.set_balancer(leg.agreed.balancer);
    one.set_client(leg.client);
    one.set_age_ms(static_cast<std::uint64_t>((at - leg.agreed.accepted_at).count()));
    one.set_requests(leg.counts.requests);
    one.set_bytes_in(leg.counts.bytes_in);
    one.set_bytes_out(leg.counts.bytes_out);
    one.set_demand(demand(leg));
    one.set_drops(leg.counts.drops);
  }
}

void add_peers(self_pointer self, v1::AdmissionStatus& to) {
  const auto at = now(self);
  for (const auto& peer : self->state.peers.known()) {
    auto& one = *to.add_peers();
    one.set_node(peer.node);
    one.set_incarnation(peer.incarnation);
    one.set_level(peer.level);
    one.set_capacity(peer.capacity);
    one.set_age_ms(static_cast<std::uint32_t>(
        std::clamp<time::rep>((at - peer.said_at).count(), 0, 0xFFFFFFFF)));
    one.set_willing(peer.willing);
    one.set_connections(peer.connections);
  }
}

void add_figures(const admission_figures& from, v1::AdmissionStatus& to) {
  for (const auto& [attempt, row] : from.attempts) {
    auto& one = *to.add_attempts();
    one.set_attempt(attempt);
    one.set_accepted(row.accepted);
    one.set_refused(row.refused);
  }
  to.set_accepted(from.accepted);
  to.set_refused(from.refused);
  to.set_last_resorts(from.last_resorts);
  to.set_absurd_attempts(from.absurd);
  to.set_moves_offered(from.moves_offered);
  to.set_moved_away(from.moved_away);
  to.set_declined(from.declined);
  to.set_moved_here(from.moved_here);
}

}  // namespace

v1::AdmissionStatus status(self_pointer self) {
  const auto& state = self->state;
  v1::AdmissionStatus made;
  *made.mutable_own() = level_now(self);
  add_peers(self, made);
  add(*made.mutable_resources(), state.meter.loads());
  made.set_fleet_level(fleet_level(self));
  for (const auto limit : balance::limits_of(state.options.settings.accept, made.fleet_level()))
    made.add_limits(limit);
  add_figures(state.figures, made);
  made.set_strangers(state.options.legs->sum().strangers);
  made.set_mode(std::string(balance::mode_of(state.options.settings)));
  made.set_balance_version(state.options.balance_version);
  add_legs(self, made);
  made.set_draining(state.draining);
  return made;
}

void record_settings(self_pointer self) {
  const auto& options = self->state.options;
  if (!options.recorder) return;
  auto made = record_of(self);
  made.mutable_settings()->set_balance(topology::show_balance(options.settings));
  made.mutable_settings()->set_version(options.balance_version);
  options.recorder->record(made);
}

void record_load(self_pointer self) {
  const auto& state = self->state;
  if (!state.options.recorder) return;
  auto made = record_of(self);
  auto& load = *made.mutable_load();
  add(*load.mutable_resources(), state.meter.loads_measured());
  // A replay needs the node's size beside the others': a resource that is not one.
  auto& whole = *load.add_resources();
  whole.set_name("node");
  whole.set_capacity(own(state).capacity);
  whole.set_load(own(state).level * own(state).capacity);
  load.set_level(own(state).level);
  load.set_fleet_level(fleet_level(self));
  load.set_connections(own(state).connections);
  state.options.recorder->record(made);
}

void record_offer(self_pointer self, const v1::OfferConnection& asked, const balance::uses& loads,
                  double fleet_level, const v1::OfferReply& said) {
  const auto& options = self->state.options;
  if (!options.recorder) return;
  auto made = record_of(self);
  auto& offer = *made.mutable_offer();
  offer.set_balancer(asked.balancer());
  offer.set_line(asked.line());
  offer.set_attempt(asked.attempt());
  offer.set_last_resort(asked.last_resort());
  add(*offer.mutable_resources(), loads);
  offer.set_fleet_level(fleet_level);
  offer.set_accepted(said.accepted());
  offer.set_reason(said.reason());
  offer.set_connection(said.connection());
  options.recorder->record(made);
}

void record_leg(self_pointer self, std::uint64_t connection, const expected_leg& agreed,
                bool ended) {
  const auto& state = self->state;
  if (!state.options.recorder) return;
  auto made = record_of(self);
  auto& leg = *made.mutable_leg();
  leg.set_connection(connection);
  leg.set_balancer(agreed.balancer);
  leg.set_line(agreed.line);
  leg.set_age_ms(static_cast<std::uint64_t>((now(self) - agreed.accepted_at).count()));
  leg.set_demand(state.demands.demand(connection));
  leg.set_ended(ended);
  const auto move = state.moves.find(connection);
  leg.set_moved(state.moved_away.contains(connection) ||
                (move != state.moves.end() && move->second.left));
  state.options.recorder->record(made);
}

void count_offer(self_pointer self, bool accepted) {
  auto* metrics = self->state.options.metrics;
  if (!metrics) return;
  metrics
      ->counter("dunlin_admission_offers_total", "Connections that balancers offered",
                {{"verdict", accepted ? "accepted" : "refused"}})
      .add();
}

void show_levels(self_pointer self) {
  const auto& state = self->state;
  auto* metrics = state.options.metrics;
  if (!metrics) return;
  metrics->gauge("dunlin_admission_level", "Adjusted load over adjusted capacity")
      .set(own(state).level);
  metrics->gauge("dunlin_admission_fleet_level", "Mean of the access nodes' levels")
      .set(fleet_level(self));
  metrics->gauge("dunlin_admission_legs", "Connections through balancers, and their tokens")
      .set(own(state).connections);
  metrics->gauge("dunlin_admission_moved_away", "Connections given to other nodes since the start")
      .set(static_cast<double>(state.figures.moved_away));
  metrics->gauge("dunlin_admission_moving", "Connections that are being given away")
      .set(static_cast<double>(state.moves.size()));
}

}  // namespace dunlin::admitting
