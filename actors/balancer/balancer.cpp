#include "actors/balancer/balancer.hpp"

#include "actors/balancer/balancer_wire.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/proxy/proxy_header.hpp"

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <utility>

namespace dunlin {

namespace {

using self_pointer = balancer_shell::stateful_pointer<balancer_state>;
using core = balancer_core;
using event = balancer_line_event;

/// A pending timer keeps its actor: no wait is longer. Figures and idle lines are looked at as
/// often.
constexpr core::time wait_max{1'000};

void perform_all(self_pointer self, core::effects all);

core::time now(self_pointer self) {
  return std::chrono::duration_cast<core::time>(self->clock().now().time_since_epoch());
}

/// Tells the actor from threads of its lines, and keeps it no longer than others do.
class line_voice {
public:
  explicit line_voice(caf::actor_addr to) : to_(std::move(to)) {}
  explicit line_voice(self_pointer self) : to_(self->address()) {}
  void operator()(proxy::line_number line, decltype(event::what) what) const {
    if (const auto strong = caf::actor_cast<caf::strong_actor_ptr>(to_))
      caf::anon_send(caf::actor_cast<caf::actor>(strong), event{line, std::move(what)});
  }

private:
  const caf::actor_addr to_;
};

proxy::line_events events_for(const balancer_shell& owner) {
  const auto voice = line_voice{owner.address()};
  proxy::line_events events;
  events.first_bytes = [voice](proxy::line_number line, const proxy::line_client& client) {
    voice(line, event::first_bytes{client});
  };
  events.leg_lost = [voice](proxy::line_number line, const proxy::leg_loss& loss) {
    voice(line, event::lost{loss});
  };
  events.ended = [voice](proxy::line_number line) { voice(line, event::ended{}); };
  return events;
}

/// Null: it has ended, and says so.
std::shared_ptr<proxy::line> line_of(self_pointer self, proxy::line_number number) {
  return self->state.options.lines->find(number);
}

// ---- access nodes ----

/// A client that is moved keeps its connection, so its port tells it from others behind one
/// address; one that was closed comes back with another port.
std::string client_hash(const balancer_options& options, const std::string& address) {
  const auto host =
      options.settings.rebalance.rehome ? address : address.substr(0, address.rfind(':'));
  return crypto::hmac_sha256(options.client_key, host).substr(0, 8);
}

void perform(self_pointer self, const core::offer& wish) {
  auto& state = self->state;
  const auto admission = state.options.find(wish.node);
  if (!admission) return perform_all(self, state.core->on_offer_failed(now(self), wish.serial));
  auto message = balance_wire::to_message(wish);
  message.set_balancer(state.options.node);
  message.set_client(client_hash(state.options, state.clients[wish.line].address));
  ask(
      self, admission, state.options.settings.choose.offer_timeout, std::move(message),
      [self, serial = wish.serial](const v1::OfferReply& reply) {
        perform_all(self, self->state.core->on_offer_reply(now(self), serial,
                                                           balance_wire::from_message(reply)));
      },
      [self, serial = wish.serial, node = wish.node](const caf::error& why) {
        log::debug("balancer.offer_failed", {{"access_node", node}, {"reason", render(why)}});
        perform_all(self, self->state.core->on_offer_failed(now(self), serial));
      });
}

// ---- lines ----

/// The leg's address and what it begins with; nullopt: the node was taken away meanwhile.
template <class Effect>
std::optional<std::pair<sockets::endpoint, std::string>> leg_for(self_pointer self,
                                                                 const Effect& to) {
  const auto place = self->state.places.find(to.node);
  if (place == self->state.places.end()) return std::nullopt;
  const auto& client = self->state.clients[to.line];
  return std::pair{place->second.leg, proxy::encode({false, client.address, "", to.token,
                                                     to.connection, client.secure})};
}

void perform(self_pointer self, const core::attach& what) {
  const auto line = line_of(self, what.line);
  if (!line) return;
  auto leg = leg_for(self, what);
  if (!leg)
    return perform_all(self,
                       self->state.core->on_attached(now(self), what.line, what.serial, false));
  line->attach(
      leg->first, leg->second,
      [voice = line_voice{self}, number = what.line, serial = what.serial](result<void> done) {
        voice(number, event::attached{serial, done.has_value()});
      });
}

void perform(self_pointer self, const core::refuse& what) {
  log::debug("balancer.refused", {{"line", what.line}});
  if (const auto line = line_of(self, what.line))
    line->refuse(std::chrono::ceil<std::chrono::seconds>(what.retry_after),
                 crypto::hex(self->state.options.random->bytes(8)));
}

void perform(self_pointer self, const core::prepare& what) {
  const auto line = line_of(self, what.line);
  if (!line) return;
  auto leg = leg_for(self, what);
  if (!leg)
    return perform_all(self,
                       self->state.core->on_prepared(now(self), what.line, what.serial, false));
  line->prepare(
      leg->first, leg->second,
      [voice = line_voice{self}, number = what.line, serial = what.serial](result<void> done) {
        voice(number, event::prepared{serial, done.has_value()});
      });
}

void perform(self_pointer self, const core::stop_reading& what) {
  const auto line = line_of(self, what.line);
  if (!line) return;
  line->stop_reading([voice = line_voice{self}, number = what.line,
                      serial = what.serial](result<std::uint64_t> forwarded) {
    voice(number, event::stopped{serial, forwarded.has_value(), forwarded ? *forwarded : 0});
  });
}

void perform(self_pointer self, core::switch_over what) {
  const auto line = line_of(self, what.line);
  if (!line) return;
  line->switch_over(std::move(what.unread), [voice = line_voice{self}, number = what.line,
                                             serial = what.serial](result<void> done) {
    voice(number, event::switched{serial, done.has_value()});
  });
}

void perform(self_pointer self, const core::stay& what) {
  if (const auto line = line_of(self, what.line)) line->stay();
}

void perform(self_pointer self, const core::close& what) {
  if (const auto line = line_of(self, what.line)) line->close();
}

void perform(self_pointer self, const core::doubt& what) {
  if (const auto line = line_of(self, what.line)) line->doubt(what.outage);
}

void perform(self_pointer self, const core::answer_move& what) {
  auto waiting = self->state.moves.extract(what.ticket);
  if (!waiting) return;
  v1::MoveReady answer;
  answer.set_ready(what.ready);
  answer.set_forwarded(what.forwarded);
  if (what.all_refused) answer.set_reason(v1::MoveReady::ALL_REFUSED);
  waiting.mapped().deliver(std::move(answer));
}

// ---- turns ----

void arm(self_pointer self) {
  const auto at = now(self);
  auto wake = at + wait_max;
  if (const auto due = self->state.core->next_wake()) wake = std::min(wake, *due);
  self->state.timer.arm(self, at, wake, wait_max);
}

void perform_all(self_pointer self, core::effects all) {
  for (auto& one : all)
    std::visit([&](auto& effect) { perform(self, std::move(effect)); }, one);
}

void heed(self_pointer self, proxy::line_number line, const event::first_bytes& what) {
  self->state.clients[line] = what.client;
  perform_all(self, self->state.core->on_first_bytes(now(self), line, what.client.again));
}

void heed(self_pointer self, proxy::line_number line, const event::lost& what) {
  const auto& loss = what.loss;
  log::debug("balancer.leg_lost",
             {{"line", line}, {"in_order", loss.in_order}, {"replayable", loss.replayable}});
  perform_all(
      self, self->state.core->on_lost(now(self), line,
                                      {loss.in_order, loss.stopped, loss.replayable,
                                       loss.unanswered, loss.request, loss.silent, loss.resting}));
}

void heed(self_pointer self, proxy::line_number line, const event::attached& what) {
  perform_all(self, self->state.core->on_attached(now(self), line, what.serial, what.fine));
}

void heed(self_pointer self, proxy::line_number line, const event::prepared& what) {
  perform_all(self, self->state.core->on_prepared(now(self), line, what.serial, what.fine));
}

void heed(self_pointer self, proxy::line_number line, const event::stopped& what) {
  perform_all(
      self, self->state.core->on_stopped(now(self), line, what.serial, what.fine, what.forwarded));
}

void heed(self_pointer self, proxy::line_number line, const event::switched& what) {
  perform_all(self, self->state.core->on_switched(now(self), line, what.serial, what.fine));
}

void heed(self_pointer self, proxy::line_number line, const event::ended&) {
  self->state.clients.erase(line);
  perform_all(self, self->state.core->on_ended(line));
}

// ---- changes while running (B13) ----

void use_places(self_pointer self, const std::vector<access_place>& all) {
  auto& state = self->state;
  state.places.clear();
  selection::nodes nodes;
  for (const auto& each : all) {
    state.places[each.node] = each;
    nodes[each.node] = {each.rack, each.group};
  }
  state.core->set_nodes(nodes);
}

void use_settings(self_pointer self, const balance::settings& settings, std::uint64_t version) {
  auto& state = self->state;
  state.options.settings = settings;
  state.options.balance_version = version;
  state.core->set_settings(settings);
  auto& limits = state.options.lines->limits();
  limits.lines_max = settings.choose.lines_max;
  limits.first_byte_ms = settings.choose.first_byte_timeout.count();
  limits.idle_ms = settings.choose.idle_timeout.count();
  // Without re-homing an access node that gives a client away closes it, and means to.
  limits.outlives_legs = settings.rebalance.rehome;
}

/// Once a second: whether access nodes are missing is told when it changes, and by a metric.
void look_around(self_pointer self) {
  auto& state = self->state;
  const auto at = now(self);
  if (at < state.next_look) return;
  state.next_look = at + wait_max;
  state.options.lines->sweep(at);
  if (state.figures) state.figures->show(*state.core, at, *state.options.lines);
  const auto needed = state.core->more_access_nodes_needed(at);
  if (needed == std::exchange(state.more_needed, needed)) return;
  if (needed)
    log::warn("balancer.access_nodes_missing", {{"failed", state.core->count().failed}});
  else
    log::info("balancer.access_nodes_suffice", {});
}

v1::BalancerStatus status(self_pointer self) {
  const auto& state = self->state;
  auto out = balance_wire::to_status(*state.core, now(self));
  out.set_node(state.options.node);
  out.set_lines(state.options.lines->size());
  out.set_balance_version(state.options.balance_version);
  return out;
}

balancer_shell::behavior_type balancer(self_pointer self, balancer_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.core = std::make_unique<core>(core::options{}, state.options.rack, *state.options.random);
  if (state.options.counts)
    state.figures = std::make_unique<balancer_metrics>(*state.options.counts);
  use_settings(self, balance::settings{state.options.settings}, state.options.balance_version);
  use_places(self, state.options.access_nodes);
  arm(self);
  return {
      [self](const v1::OfferMove& wish) {
        auto promise = self->make_response_promise<v1::MoveReady>();
        const auto ticket = ++self->state.tickets;
        self->state.moves.emplace(ticket, promise);
        perform_all(self, self->state.core->on_offer_move(
                              now(self), balance_wire::from_message(ticket, wish)));
        arm(self);
        return promise;
      },
      [self](v1::HandOver& what) -> caf::result<v1::HandOverReply> {
        auto [effects, taken] = self->state.core->on_hand_over(
            now(self), what.access_node(), what.connection(), what.declined(),
            std::move(*what.mutable_unread()), what.incarnation());
        perform_all(self, std::move(effects));
        arm(self);
        if (!taken) return make_error(ec::stale);
        return v1::HandOverReply{};
      },
      [self](const v1::GetBalancerStatus&) { return status(self); },
      [self](const balancer_places& places) {
        self->state.options.access_nodes = places.all;
        use_places(self, places.all);
      },
      [self](const balancer_settings& settings) {
        if (settings.version < self->state.options.balance_version) return;
        use_settings(self, settings.now, settings.version);
      },
      [self](const balancer_link_up& up) {
        perform_all(self, self->state.core->on_reachable(now(self), up.node));
        arm(self);
      },
      [self](const balancer_link_down& down) {
        perform_all(self, self->state.core->on_unreachable(now(self), down.node));
        arm(self);
      },
      [self](const balancer_line_event& said) {
        std::visit([&](const auto& what) { heed(self, said.line, what); }, said.what);
        arm(self);
      },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (!self->state.timer.fires(armed_for)) return;
        perform_all(self, self->state.core->on_timer(now(self)));
        look_around(self);
        arm(self);
      },
  };
}

}  // namespace

balancer_shell spawn_balancer(caf::actor_system& system, balancer_options options) {
  const auto lines = options.lines;
  auto made = system.spawn(balancer, std::move(options));
  lines->serve(events_for(made));
  return made;
}

}  // namespace dunlin
