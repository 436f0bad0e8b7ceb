#include "actors/admission/admission.hpp"

#include "actors/admission/admission_state.hpp"
#include "runtime/observe/log.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <utility>

namespace dunlin {

namespace admitting {

namespace {

/// Between interim accounts of connections (X4): often enough to show how their demand changes.
time account_interval(const balance::settings& settings) {
  return std::clamp(settings.rebalance.demand_history / 5, time{1'000}, time{60'000});
}

void use(self_pointer self, const balance::settings& settings, std::uint64_t version) {
  auto& state = self->state;
  state.options.settings = settings;
  state.options.balance_version = version;
  state.meter.configure(settings.load);
  state.declared.set_rate_max(2 * state.options.capacity * settings.load.declared_rate);
  state.peers.configure(settings.peers);
  state.balancing.configure(settings);
  state.options.legs->honour_declared_load(settings.load.declared);
  record_settings(self);
}

/// What has ended since the last look: its load goes with it.
void settle_ended(self_pointer self) {
  auto& state = self->state;
  for (const auto& one : state.options.legs->take_ended()) {
    record_leg(self, one.connection, one.agreed, true);
    auto used = state.demands.parts(one.connection);
    for (auto& part : used)
      part /= own(state).capacity;
    state.meter.on_departed(one.agreed.accepted_at, one.agreed.credit, used);
    state.balancing.on_gone(one.connection);
    state.moved_away.erase(one.connection);
    state.throttled.erase(one.connection);
    state.drain_after.erase(one.connection);
  }
}

void settle_expired(self_pointer self) {
  auto& state = self->state;
  for (const auto& one : state.options.legs->expire(now(self)))
    state.meter.on_never_came(one.agreed.accepted_at, one.agreed.credit);
}

void spread_declared(admission_state& state, time at,
                     const std::vector<leg_table::open_leg>& legs) {
  std::map<std::uint64_t, balance::declared_meter::account> all;
  for (const auto& leg : legs)
    all[leg.connection] = {leg.counts.declared,
                           leg.agreed.demand * state.options.settings.load.declared_rate};
  state.declared.on_sample(at, all);
}

void sample(self_pointer self) {
  auto& state = self->state;
  settle_expired(self);
  settle_ended(self);
  const auto at = now(self);
  const auto since = state.sampled ? at - *state.sampled : time{0};
  const auto legs = state.options.legs->open();
  spread_declared(state, at, legs);
  auto done = state.options.legs->sum();
  done.declared = state.declared.spread_of_all();
  state.latest = state.options.load->sample(since, done, state.options.settings.load);
  // The first one knows no rates. Without connections there are none; with those of a former life
  // nothing is known until the second.
  if (state.sampled || legs.empty()) state.meter.on_sample(at, state.latest);
  state.sampled = at;
  state.sampled_legs = static_cast<std::uint32_t>(legs.size());
  std::vector<demand_book::account> accounts;
  for (const auto& leg : legs)
    accounts.push_back({leg.connection, leg.counts.requests,
                        leg.counts.bytes_in + leg.counts.bytes_out,
                        state.declared.spread(leg.connection), leg.agreed.demand});
  demand_book::node_view node{state.latest, state.options.capacity,
                              state.options.settings.load.declared_rate,
                              state.options.settings.rebalance.demand_history};
  if (const auto* direct = state.options.direct.get()) {
    node.direct_requests = direct->requests;
    node.direct_bytes = direct->bytes;
  }
  state.demands.on_sample(at, node, accounts);
  record_load(self);
  show_levels(self);
  state.refusals.forget_before(at);
}

void account(self_pointer self) {
  for (const auto& leg : self->state.options.legs->open())
    record_leg(self, leg.connection, leg.agreed, false);
}

void arm(self_pointer self) {
  auto& state = self->state;
  auto wake = std::min({state.next_sample, state.next_exchange, state.next_account});
  if (!state.drained.empty()) wake = std::min(wake, state.next_drain);
  state.timer.arm(self, now(self), wake, time{1'000});
}

void on_time(self_pointer self) {
  auto& state = self->state;
  const auto at = now(self);
  if (at >= state.next_sample) {
    state.next_sample = at + state.options.settings.load.sample_interval;
    sample(self);
    if (!state.draining) rebalance(self);
  }
  if (at >= state.next_exchange) {
    state.next_exchange = at + state.options.settings.peers.exchange;
    tell_peers(self);
  }
  if (at >= state.next_account) {
    state.next_account = at + account_interval(state.options.settings);
    account(self);
  }
  if (!state.drained.empty() && at >= state.next_drain) {
    settle_expired(self);
    settle_ended(self);
    drain_on(self);
  }
  arm(self);
}

/// With other settings: what would come later than they say. Nothing comes at once: a sample of a
/// moment says nothing, and all nodes would take and tell one together.
void come_earlier(self_pointer self) {
  auto& state = self->state;
  const auto at = now(self);
  const auto by = [at](time& next, time interval) { next = std::min(next, at + interval); };
  by(state.next_sample, state.options.settings.load.sample_interval);
  by(state.next_exchange, state.options.settings.peers.exchange);
  by(state.next_account, account_interval(state.options.settings));
  arm(self);
}

void hear(self_pointer self, const v1::PeerIndicators& said) {
  auto& state = self->state;
  const auto& own = said.own();
  state.peers.on_indicators({own.node(), own.incarnation(), own.level(), own.capacity(),
                             own.willing(), own.connections(), now(self) - time{own.age_ms()}},
                            said.sequence());
  if (said.balance_version() > state.options.balance_version && state.options.on_later_settings)
    state.options.on_later_settings(said.balance_version());
}

void start(self_pointer self, admission_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  if (state.options.incarnation == 0 && state.options.wall)
    state.options.incarnation = static_cast<std::uint64_t>(state.options.wall->now_ms());
  state.peers.set_peers(state.options.peers);
  use(self, balance::settings{state.options.settings}, state.options.balance_version);
  const auto at = now(self);
  // Nodes that start together do not speak together.
  const auto exchange = state.options.settings.peers.exchange.count();
  const auto phase = static_cast<std::int64_t>(state.options.random->next() %
                                               static_cast<std::uint64_t>(exchange));
  sample(self);
  state.next_sample = at + state.options.settings.load.sample_interval;
  state.next_account = at + account_interval(state.options.settings);
  tell_peers(self);
  state.next_exchange = at + time{phase + 1};
  arm(self);
}

}  // namespace

time now(self_pointer self) {
  return std::chrono::duration_cast<time>(self->clock().now().time_since_epoch());
}

peer_table::own_level own(const admission_state& state) {
  const auto overhead = state.options.settings.load.failure_overhead;
  return {state.meter.level(), state.options.capacity * (1 - overhead),
          static_cast<std::uint32_t>(state.options.legs->taken())};
}

bool full(const admission_state& state) {
  const auto* direct = state.options.direct.get();
  return state.options.legs->taken() + (direct ? direct->held() : 0) >= state.options.legs_max;
}

double fleet_level(self_pointer self) {
  auto me = own(self->state);
  me.level = self->state.published;
  return self->state.peers.fleet_level(now(self), me);
}

v1::NodeLevel level_now(self_pointer self) {
  const auto& state = self->state;
  const auto me = own(state);
  const auto loads = state.meter.loads();
  v1::NodeLevel made;
  made.set_node(state.options.self);
  made.set_incarnation(state.options.incarnation);
  made.set_level(me.level);
  made.set_capacity(me.capacity);
  made.set_connections(me.connections);
  balance::offer first;
  first.loads = loads;
  first.fleet_level = fleet_level(self);
  first.starting = !state.meter.started();
  first.draining = state.draining;
  first.full = full(state);
  made.set_willing(balance::decide(state.options.settings.accept, first).accepted);
  return made;
}

void tell_peers(self_pointer self) {
  auto& state = self->state;
  state.published = state.meter.level();
  if (!state.options.tell_peer) return;
  v1::PeerIndicators said;
  *said.mutable_own() = level_now(self);
  said.set_sequence(++state.sequence);
  said.set_balance_version(state.options.balance_version);
  for (const auto& peer : state.options.peers)
    state.options.tell_peer(peer, said);
}

}  // namespace admitting

admission_shell::behavior_type admission(admission_shell::stateful_pointer<admission_state> self,
                                         admission_options options) {
  using namespace admitting;
  start(self, std::move(options));
  return {
      [self](const v1::OfferConnection& offer) {
        settle_expired(self);
        settle_ended(self);
        return answer(self, offer);
      },
      [self](const v1::PeerIndicators& said) { hear(self, said); },
      [self](const v1::GetAdmissionStatus&) { return status(self); },
      [self](const use_balance_settings& change) {
        use(self, change.settings, change.version);
        come_earlier(self);
      },
      [self](const use_access_peers& change) {
        self->state.options.peers = change.all;
        self->state.peers.set_peers(change.all);
        tell_peers(self);
      },
      [self](const drain_legs& wish) { return drain(self, wish.within); },
      [self](const leg_stopped& leg) { on_stopped(self, leg); },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (self->state.timer.fires(armed_for)) on_time(self);
      },
  };
}

admission_shell spawn_admission(caf::actor_system& system, admission_options options) {
  return system.spawn(admission, std::move(options));
}

}  // namespace dunlin
