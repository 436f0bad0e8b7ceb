// Giving connections away: offered, stopped at a boundary, handed over (B9 to B11).
#include "actors/admission/admission_state.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace dunlin::admitting {

namespace {

constexpr time drain_interval{200};
constexpr time drain_again{1'000};  // after one that nobody took, or that was in a request

/// While it drains: the place of a move that has ended is another one's at once.
void drain_next(self_pointer self) {
  auto& state = self->state;
  if (state.drained.empty()) return;
  state.next_drain = now(self);
  state.timer.arm(self, state.next_drain, state.next_drain);
}

/// No leg is waited for longer than the drain that wants it to go.
time boundary_wait(self_pointer self) {
  const auto& state = self->state;
  const auto most = state.options.boundary_timeout;
  if (state.drained.empty()) return most;
  return std::clamp(state.drain_until - now(self), time{1}, std::max(most, time{1}));
}

void end_move(self_pointer self, std::uint64_t connection, bool moved) {
  auto& state = self->state;
  const auto found = state.moves.find(connection);
  if (found == state.moves.end()) return;
  const auto move = std::move(found->second);
  state.moves.erase(found);
  const auto at = now(self);
  drain_next(self);
  // Of a number that has ended and was settled nothing is kept: it never comes again.
  const auto known = state.options.legs->holds(connection);
  if (!moved) {
    ++state.figures.declined;
    if (!known) return state.balancing.on_gone(connection);
    state.balancing.on_kept(at, connection);
    state.drain_after[connection] = at + drain_again;
    return;
  }
  ++state.figures.moved_away;
  state.balancing.on_moved(connection);
  if (known) state.moved_away.insert(connection);
  const auto until = at + state.options.settings.rebalance.refusal;
  state.refusals.add("line/" + move.balancer + "/" + std::to_string(move.line), until);
  if (!move.client_hash.empty()) state.refusals.add("client/" + move.client_hash, until);
}

/// The leg calls back on a thread of its own; what it says comes in as a message.
void stop_leg(self_pointer self, std::uint64_t connection, std::uint64_t forwarded) {
  const auto leg = self->state.options.legs->find(connection);
  if (!leg) return on_stopped(self, {connection, false, ec::closed, {}});
  const auto me = caf::actor_cast<caf::actor_addr>(self);
  leg->handle->hand_over(forwarded, boundary_wait(self),
                         [me, connection](result<std::string> unread) {
                           const auto to = caf::actor_cast<admission_shell>(me);
                           if (!to) return;
                           leg_stopped said{connection, unread.has_value(), ec::closed, {}};
                           if (unread)
                             said.unread = std::move(*unread);
                           else
                             said.why = unread.error();
                           caf::anon_send(to, std::move(said));
                         });
}

void hear_ready(self_pointer self, std::uint64_t connection, const v1::MoveReady& ready) {
  if (ready.ready()) return stop_leg(self, connection, ready.forwarded());
  auto& state = self->state;
  // Every peer that the balancer asked has refused what a first attempt may meet (B8).
  if (ready.reason() == v1::MoveReady::ALL_REFUSED) state.peers.on_nobody_takes();
  end_move(self, connection, false);
}

void tell_balancer(self_pointer self, const leg_stopped& leg) {
  auto& state = self->state;
  const auto& move = state.moves.at(leg.connection);
  const auto balancer = state.options.find_balancer(move.balancer);
  const auto lost = [self, leg](const caf::error&) {
    // The balancer reads on at a leg that has ended its sending, or is gone itself: without this
    // leg it finds the client another one.
    if (leg.at_boundary)
      if (const auto open = self->state.options.legs->find(leg.connection))
        open->handle->close_soon();
    end_move(self, leg.connection, leg.at_boundary);
  };
  if (!balancer) return lost(make_error(ec::unavailable));
  v1::HandOver over;
  over.set_access_node(state.options.self);
  over.set_connection(leg.connection);
  over.set_declined(!leg.at_boundary);
  over.set_unread(leg.unread);
  over.set_incarnation(state.options.incarnation);
  ask(
      self, balancer, state.options.call_timeout, over,
      [self, leg](const v1::HandOverReply&) { end_move(self, leg.connection, leg.at_boundary); },
      lost);
}

void throttle(self_pointer self, const std::vector<std::uint64_t>& heavy) {
  auto& state = self->state;
  const std::set<std::uint64_t> wanted(heavy.begin(), heavy.end());
  const auto set = [&](std::uint64_t connection, double part) {
    if (const auto leg = state.options.legs->find(connection)) leg->handle->throttle(part);
  };
  for (const auto connection : state.throttled)
    if (!wanted.contains(connection)) set(connection, 0);
  for (const auto connection : wanted)
    set(connection, state.options.settings.rebalance.throttle);
  state.throttled = wanted;
}

rebalancer::view view_of(self_pointer self) {
  const auto& state = self->state;
  const auto at = now(self);
  const auto me = own(state);
  rebalancer::view made;
  made.loads = state.meter.loads();
  made.fleet_level = state.peers.fleet_level(at, me);
  const auto below = state.options.settings.rebalance.peers_level.value_or(made.fleet_level);
  made.part_below = state.peers.part_below(at, below);
  made.part_willing = state.peers.part_willing(at);
  made.capacity = me.capacity;
  return made;
}

std::vector<rebalancer::candidate> candidates(self_pointer self) {
  const auto& state = self->state;
  std::vector<rebalancer::candidate> made;
  for (const auto& leg : state.options.legs->open())
    if (!state.moved_away.contains(leg.connection))
      made.push_back({leg.connection, now(self) - leg.agreed.accepted_at,
                      state.demands.demand(leg.connection), leg.agreed.moved});
  return made;
}

void finish_drain(self_pointer self, std::size_t left) {
  auto& state = self->state;
  for (auto& waiting : std::exchange(state.drained, {}))
    waiting.deliver(legs_drained{left});
  if (left == 0) log::info("admission.drained", {{"node", state.options.self}});
}

}  // namespace

void rebalance(self_pointer self) {
  auto& state = self->state;
  const auto draw = [self](std::size_t below) {
    return static_cast<std::size_t>(self->state.options.random->next() % below);
  };
  const auto decision = state.balancing.on_time(now(self), view_of(self), candidates(self), draw);
  throttle(self, decision.what == rebalancer::act::throttle ? decision.connections
                                                            : std::vector<std::uint64_t>{});
  for (const auto connection : decision.connections)
    if (decision.what == rebalancer::act::move)
      begin_move(self, connection, false);
    else if (decision.what == rebalancer::act::close)
      close_plainly(self, connection);
}

void begin_move(self_pointer self, std::uint64_t connection, bool drain) {
  auto& state = self->state;
  const auto leg = state.options.legs->find(connection);
  if (!leg) return state.balancing.on_gone(connection);
  const auto demand = state.demands.demand(connection);
  state.moves[connection] = {
      drain, leg->agreed.balancer, leg->agreed.line, leg->agreed.client_hash, demand, false, false};
  ++state.figures.moves_offered;
  const auto balancer = state.options.find_balancer(leg->agreed.balancer);
  if (!balancer) return end_move(self, connection, false);
  v1::OfferMove offer;
  offer.set_access_node(state.options.self);
  offer.set_connection(connection);
  offer.set_reason(drain ? v1::OfferMove::DRAIN : v1::OfferMove::REBALANCE);
  offer.set_demand(demand);
  offer.set_incarnation(state.options.incarnation);
  ask(
      self, balancer, state.options.call_timeout, offer,
      [self, connection](const v1::MoveReady& ready) { hear_ready(self, connection, ready); },
      [self, connection](const caf::error&) { end_move(self, connection, false); });
}

void close_plainly(self_pointer self, std::uint64_t connection) {
  auto& state = self->state;
  const auto leg = state.options.legs->find(connection);
  if (!leg) return state.balancing.on_gone(connection);
  state.moves[connection] = {false,
                             leg->agreed.balancer,
                             leg->agreed.line,
                             leg->agreed.client_hash,
                             state.demands.demand(connection),
                             true,
                             false};
  DUNLIN_REACHED("admission.closes_plainly");
  // What the protocol calls a clean close: after an answer, before the next request (R8).
  stop_leg(self, connection, leg->counts.bytes_in);
}

void on_stopped(self_pointer self, const leg_stopped& leg) {
  auto& state = self->state;
  const auto found = state.moves.find(leg.connection);
  if (found == state.moves.end() || found->second.stopped) return;
  found->second.stopped = true;
  found->second.left = leg.at_boundary;
  if (!found->second.close) return tell_balancer(self, leg);
  end_move(self, leg.connection, leg.at_boundary);
}

caf::result<legs_drained> drain(self_pointer self, std::chrono::milliseconds within) {
  auto& state = self->state;
  if (!state.draining) log::info("admission.draining", {{"node", state.options.self}});
  state.draining = true;
  state.drain_until = now(self) + within;
  state.next_drain = now(self);
  throttle(self, {});
  auto promise = self->make_response_promise<legs_drained>();
  state.drained.push_back(promise);
  tell_peers(self);
  self->state.timer.arm(self, now(self), now(self));
  return promise;
}

void drain_on(self_pointer self) {
  auto& state = self->state;
  const auto at = now(self);
  state.next_drain = at + drain_interval;
  const auto left = state.options.legs->taken();
  if (left == 0 || at >= state.drain_until) return finish_drain(self, left);
  auto open = state.options.legs->open();
  // First those that can go at once.
  std::stable_partition(open.begin(), open.end(),
                        [](const auto& leg) { return !leg.counts.in_request; });
  for (const auto& leg : open) {
    if (state.moves.size() >= state.options.drains_at_once) break;
    if (state.moves.contains(leg.connection) || state.moved_away.contains(leg.connection)) continue;
    const auto wait = state.drain_after.find(leg.connection);
    if (wait != state.drain_after.end() && at < wait->second) continue;
    begin_move(self, leg.connection, true);
  }
}

}  // namespace dunlin::admitting
