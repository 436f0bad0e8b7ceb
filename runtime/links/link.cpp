#include "runtime/links/link.hpp"

#include "runtime/observe/log.hpp"

#include <caf/send.hpp>

namespace dunlin::links {

namespace {

using self_pointer = link_actor::stateful_pointer<link_state>;

link_core::time now(self_pointer self) {
  return std::chrono::duration_cast<link_core::time>(self->clock().now().time_since_epoch());
}

bool send_frame(self_pointer self, std::uint64_t wire, buffer frame) {
  auto& state = self->state;
  const auto found = state.wires.find(wire);
  if (found == state.wires.end()) return false;
  state.core->on_sent(now(self));
  state.figures->frames_sent.add();
  return found->second->send(std::move(frame));
}

void set_status(self_pointer self) {
  const auto& core = *self->state.core;
  self->state.shared->table->set_status(
      {self->state.peer, core.live().has_value(), core.incarnation(), core.last_error()});
}

void fail(self_pointer self, std::uint64_t call, ec reason, const std::string& detail) {
  const auto found = self->state.calls.find(call);
  if (found == self->state.calls.end()) return;
  self->state.figures->calls_failed.add();
  found->second.promise.deliver(make_error(reason, detail));
  self->state.calls.erase(found);
}

void flush(self_pointer self) {
  auto& state = self->state;
  if (state.outbox_bytes == 0) return;
  auto frame = encode(state.outbox);
  state.outbox.Clear();
  state.outbox_bytes = 0;
  const auto calls = std::exchange(state.outbox_calls, {});
  const auto live = state.core->live();
  if (live && send_frame(self, *live, std::move(frame))) return;
  // The unsent bytes are at their bound (a wire that is gone has failed its calls already). Nothing
  // of the frame has left, so a retry is safe.
  state.figures->dropped.add();
  for (const auto call : calls)
    if (state.core->close_call(call))
      fail(self, call, ec::overloaded, "the link to " + state.peer + " is full");
}

/// Adds to the frame of this turn: messages of one burst share a frame and a system call.
void post(self_pointer self, v1::Envelope envelope) {
  auto& state = self->state;
  const auto size = envelope.ByteSizeLong() + 16;
  if (state.outbox_bytes + size > state.shared->options.coalesce_bytes) flush(self);
  if (state.outbox_bytes == 0)
    *state.outbox.mutable_envelope() = std::move(envelope);
  else
    *state.outbox.add_more() = std::move(envelope);
  state.outbox_bytes += size;
  if (state.flush_armed) return;
  state.flush_armed = true;
  self->send(self, flush_atom::value);
}

void start_wire(const wire_ptr& wire, std::uint64_t id, const link_actor& to,
                const std::shared_ptr<note_lane>& lane) {
  wire->start({[to, id, lane](std::string bytes) { lane->read(id, std::move(bytes), to); },
               [to, id](ec reason) {
                 caf::anon_send(to, wire_closed{id, reason});
               }});
}

// ---- effects ----

void perform(self_pointer self, const link_core::dial& wish) {
  self->state.shared->port.dial(
      self->state.peer, [to = link_actor{self}, attempt = wish.attempt](result<wire_ptr> made) {
        caf::anon_send(to, made ? wire_dialed{attempt, *made, {}}
                                : wire_dialed{attempt, nullptr, made.error()});
      });
}

void perform(self_pointer self, const link_core::send_hello& out) {
  send_frame(self, out.wire, encode(out.words));
}

void perform(self_pointer self, const link_core::send_proof& out) {
  send_frame(self, out.wire, encode_proof(out.signature));
}

void perform(self_pointer self, const link_core::send_ping& out) {
  send_frame(self, out.wire, encode_ping(out.sequence));
}

void perform(self_pointer self, const link_core::send_goodbye& out) {
  send_frame(self, out.wire, encode_goodbye(out.reason, out.detail));
}

void perform(self_pointer self, const link_core::close& out) {
  const auto found = self->state.wires.find(out.wire);
  if (found == self->state.wires.end()) return;
  found->second->close();
  self->state.wires.erase(found);
}

void perform(self_pointer self, const link_core::up& news) {
  log::info("link.connected", {{"peer", self->state.peer}, {"incarnation", news.incarnation}});
  self->state.figures->ups.add();
  self->state.figures->connected.set(1);
  self->state.lane->open(news.wire, self->state.wires[news.wire]);
  set_status(self);
  self->state.shared->table->tell({self->state.peer, news.incarnation, true});
}

void perform(self_pointer self, const link_core::lost& news) {
  const auto severity = news.reason == ec::stopping ? log::level::info : log::level::warn;
  log::write(severity, "link.lost",
             {{"peer", self->state.peer},
              {"incarnation", news.incarnation},
              {"reason", to_string(news.reason)},
              {"detail", news.detail}});
  self->state.lane->close();
  self->state.figures->connected.set(0);
  set_status(self);
  self->state.shared->table->tell({self->state.peer, news.incarnation, false});
}

void perform(self_pointer self, const link_core::fail_call& out) {
  fail(self, out.call, out.reason, out.detail);
}

void perform(self_pointer self, const link_core::refused& news) {
  log::warn(
      "link.refused",
      {{"peer", self->state.peer}, {"reason", to_string(news.reason)}, {"detail", news.detail}});
  self->state.figures->refused.add();
  set_status(self);
}

void perform_all(self_pointer self, const link_core::effects& all) {
  for (const auto& one : all)
    std::visit([&](const auto& effect) { perform(self, effect); }, one);
}

// ---- what the peer says ----

void answer(self_pointer self, std::uint64_t wire, std::uint64_t call, served_answer&& said) {
  // The connection that asked is gone, and with it who waited.
  if (self->state.core->live() != wire) return self->state.figures->late_replies.add();
  if (said.payload.size() > frame_bytes_max / 2)
    said = refusal(ec::overloaded, "the answer is too large");
  post(self, to_reply(call, std::move(said)));
}

void ask_role(self_pointer self, std::uint64_t wire, const v1::Envelope& envelope) {
  auto& state = self->state;
  const auto call = envelope.call();
  const auto refuse = [&](ec code, const char* why) {
    answer(self, wire, call, refusal(code, why));
  };
  if (envelope.to().node() != state.shared->options.self)
    return refuse(ec::refused, "another node's message");
  const auto role = state.shared->table->find({envelope.to().role(), envelope.to().instance()});
  if (!role) return refuse(ec::unavailable, "the role is not running");
  const auto handler = role->calls.find(envelope.message());
  if (handler == role->calls.end())
    return refuse(ec::unsupported, "the role does not know the message");
  state.figures->served.add();
  if (!state.core->open_served()) return refuse(ec::overloaded, "too many calls are being served");
  auto timeout = state.shared->options.call_deadline;
  if (const auto asked = envelope.deadline_ms();
      asked > 0 && asked < static_cast<std::uint64_t>(timeout.count()))
    timeout = std::chrono::milliseconds(asked);
  handler->second(self, envelope.payload(), timeout, [self, wire, call](served_answer said) {
    self->state.core->close_served();
    answer(self, wire, call, std::move(said));
  });
}

void take_answer(self_pointer self, v1::Envelope& envelope) {
  auto& state = self->state;
  if (!state.core->close_call(envelope.call())) return state.figures->late_replies.add();
  if (envelope.has_failure())
    return fail(self, envelope.call(), to_ec(envelope.failure().code()),
                envelope.failure().detail());
  const auto found = state.calls.find(envelope.call());
  if (found == state.calls.end()) return;
  found->second.promise.deliver(found->second.read(envelope.message(), envelope.payload()));
  state.calls.erase(found);
}

void take_envelope(self_pointer self, std::uint64_t wire, v1::Envelope& envelope) {
  // Nothing is believed on a wire that has not passed its greeting, or is passed by a newer one.
  if (self->state.core->live() != wire) return self->state.figures->dropped.add();
  if (envelope.is_reply())
    take_answer(self, envelope);
  else if (envelope.call() == 0)
    self->state.lane->deliver(envelope, self->context());
  else
    ask_role(self, wire, envelope);
}

void take_words(self_pointer self, const wire_words& words) {
  auto& state = self->state;
  auto& core = *state.core;
  const auto wire = words.wire_id;
  if (!state.wires.contains(wire)) return state.figures->dropped.add();
  if (!words.frame) return perform_all(self, core.on_garbage(now(self), wire));
  auto& frame = *words.frame;
  core.on_received(now(self), wire);
  switch (frame.body_case()) {
    case v1::LinkFrame::kHello:
      return perform_all(self, core.on_hello(now(self), wire, to_greeting(frame.hello())));
    case v1::LinkFrame::kProof:
      return perform_all(self, core.on_proof(now(self), wire, frame.proof().signature()));
    case v1::LinkFrame::kPing:
      if (core.live() == wire) send_frame(self, wire, encode_pong(frame.ping().sequence()));
      return;
    case v1::LinkFrame::kPong: return;  // it was heard, which is all a ping asks
    case v1::LinkFrame::kGoodbye:
      perform_all(self, core.on_goodbye(now(self), wire, to_ec(frame.goodbye().reason().code()),
                                        frame.goodbye().reason().detail()));
      return set_status(self);
    case v1::LinkFrame::kEnvelope:
      take_envelope(self, wire, *frame.mutable_envelope());
      for (auto& next : *frame.mutable_more())
        take_envelope(self, wire, next);
      return;
    case v1::LinkFrame::BODY_NOT_SET: return perform_all(self, core.on_garbage(now(self), wire));
  }
}

// ---- what the stubs say ----

void make_call(self_pointer self, outgoing_call& message) {
  auto& state = self->state;
  auto promise = self->make_response_promise();
  state.figures->calls.add();
  if (message.payload.size() > frame_bytes_max / 2)
    return promise.deliver(make_error(ec::invalid_argument, "larger than a frame may be"));
  const auto call = state.core->open_call(now(self));
  if (!call) {
    state.figures->calls_failed.add();
    const auto why = call.error() == ec::overloaded ? std::string{"too many calls in flight"}
                                                    : state.core->last_error();
    return promise.deliver(make_error(call.error(), state.peer + ": " + why));
  }
  state.calls.emplace(*call, link_state::call{std::move(promise), message.read});
  state.outbox_calls.push_back(*call);
  post(self,
       to_envelope(state.peer, std::move(message), *call, state.shared->options.call_deadline));
}

void send_note(self_pointer self, outgoing_note& message) {
  auto& state = self->state;
  if (!state.core->live() || message.payload.size() > frame_bytes_max / 2)
    return state.figures->dropped.add();
  post(self, to_envelope(state.peer, std::move(message), 0, {}));
}

void take_dialed(self_pointer self, const wire_dialed& made) {
  auto& state = self->state;
  if (!made.wire) {
    perform_all(self, state.core->on_dial_failed(now(self), made.attempt, made.error));
    return set_status(self);
  }
  const auto id = ++state.shared->last_wire;
  state.wires[id] = made.wire;
  start_wire(made.wire, id, link_actor{self}, state.lane);
  perform_all(self,
              state.core->on_dialed(now(self), made.attempt, id, made.wire->peer_certificate()));
}

void take_greeted(self_pointer self, const wire_greeted& made) {
  auto& state = self->state;
  state.wires[made.wire_id] = made.wire;
  perform_all(self, state.core->on_greeted(now(self), made.wire_id, made.wire->peer_certificate(),
                                           to_greeting(made.hello)));
}

/// What passed beside this actor counts, too.
void note_traffic(self_pointer self) {
  auto& core = *self->state.core;
  const auto [sent, heard] = self->state.lane->take_traffic();
  if (sent) core.on_sent(now(self));
  if (heard && core.live()) core.on_received(now(self), *core.live());
}

void end(self_pointer self, caf::error reason) {
  flush(self);
  perform_all(self, self->state.core->stop());
  for (const auto& [id, wire] : self->state.wires)
    wire->close();
  self->state.wires.clear();
  self->quit(std::move(reason));
}

}  // namespace

link_actor::behavior_type link(self_pointer self, std::shared_ptr<link_context> shared,
                               node_id peer) {
  auto& state = self->state;
  state.core = std::make_unique<link_core>(shared->options, peer, shared->own, shared->random);
  state.lane = shared->lanes.find(peer);
  state.figures = &state.lane->figures();
  state.peer = std::move(peer);
  state.shared = std::move(shared);
  set_status(self);
  self->set_exit_handler([self](caf::exit_msg& order) { end(self, std::move(order.reason)); });
  perform_all(self, state.core->start(now(self)));
  self->delayed_send(self, state.shared->options.tick, tick_atom::value);
  return {
      [self](outgoing_call& message) {
        make_call(self, message);
        return caf::delegated<call_answer>{};  // its promise answers
      },
      [self](outgoing_note& message) { send_note(self, message); },
      [self](const wire_dialed& made) { take_dialed(self, made); },
      [self](const wire_greeted& made) { take_greeted(self, made); },
      [self](const wire_frame& raw) {
        take_words(self, read_frame(raw.wire_id, raw.bytes));
        self->state.lane->caught_up();
      },
      [self](const wire_words& words) {
        take_words(self, words);
        self->state.lane->caught_up();
      },
      [self](const wire_closed& news) {
        perform_all(self, self->state.core->on_closed(now(self), news.wire_id, news.reason));
        set_status(self);
      },
      [self](tick_atom) {
        self->delayed_send(self, self->state.shared->options.tick, tick_atom::value);
        note_traffic(self);
        perform_all(self, self->state.core->on_tick(now(self)));
      },
      [self](flush_atom) {
        self->state.flush_armed = false;
        flush(self);
      },
  };
}

}  // namespace dunlin::links
