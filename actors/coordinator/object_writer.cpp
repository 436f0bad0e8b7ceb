#include "actors/coordinator/coordinator.hpp"

#include "messages/error.hpp"
#include "messages/page_id.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

namespace dunlin {

using self_pointer = object_writer_service::stateful_pointer<object_writer_state>;
using core = write_core;

static constexpr auto ticket_lifetime = std::chrono::minutes(10);

static void perform_all(self_pointer self, core::effects effects);

static std::chrono::nanoseconds now(self_pointer self) {
  return self->clock().now().time_since_epoch();
}

static const coordinator_options& options_of(self_pointer self) {
  return self->state.context->options;
}

static void perform(self_pointer self, const core::place& wish) {
  auto& state = self->state;
  const auto& context = *state.context;
  auto chosen =
      choose_set(context.map->sets, context.up(), wish.excluded, context.parts.random->next());
  if (!chosen) return perform_all(self, state.core->on_no_set());
  const auto replicas = chosen->nodes.size();
  const auto id = chosen->id;
  state.attempts[state.core->attempt()] = {std::move(*chosen),
                                           context.parts.random->bytes(page_id_bytes),
                                           std::vector<std::string>(replicas)};
  perform_all(self, state.core->on_placed(id, replicas));
}

static void perform(self_pointer self, const core::open_ticket& wish) {
  auto& state = self->state;
  const auto& attempt = state.attempts.at(wish.attempt);
  const auto answer = [self, wish](result<void> outcome) {
    perform_all(self, self->state.core->on_ticket(wish.attempt, wish.replica, outcome));
  };
  const auto node = state.context->parts.storage_at(attempt.set.nodes[wish.replica]);
  if (!node) return answer(ec::unavailable);
  v1::OpenTransfer message;
  message.set_operation(v1::OpenTransfer::WRITE);
  message.set_first_page(page_at(attempt.first_page, wish.first));
  message.set_pages(wish.pages);
  *message.mutable_item() = state.item;
  message.set_replica_set(attempt.set.id);
  message.set_trace_id(state.trace_id);
  message.set_lifetime_ms(std::chrono::milliseconds(ticket_lifetime).count());
  ask(
      self, node, options_of(self).control_timeout, std::move(message),
      [self, wish, answer](const v1::Ticket& ticket) {
        self->state.attempts.at(wish.attempt).tickets[wish.replica] = ticket.secret();
        answer(result<void>());
      },
      [answer](const caf::error& error) { answer(code_of(error)); });
}

static void perform(self_pointer self, const core::send_page& wish) {
  auto& state = self->state;
  const auto& attempt = state.attempts.at(wish.attempt);
  const auto timeout = options_of(self).write_timeout;
  exchange_page message{attempt.set.nodes[wish.replica], {}, timeout};
  message.transfer.head.set_ticket(attempt.tickets[wish.replica]);
  message.transfer.head.set_operation(v1::OpenTransfer::WRITE);
  message.transfer.head.set_page(page_at(attempt.first_page, wish.index));
  message.transfer.body = wish.bytes;
  const auto answer = [self, attempt = wish.attempt, replica = wish.replica,
                       index = wish.index](result<void> outcome) {
    perform_all(self, self->state.core->on_page(attempt, replica, index, outcome));
  };
  // The link answers by itself within the timeout; a second more tells of a dead link.
  ask(
      self, state.context->parts.link, timeout + std::chrono::seconds(1), std::move(message),
      [answer](const page_answer&) { answer(result<void>()); },
      [answer, node = attempt.set.nodes[wish.replica]](const caf::error& error) {
        log::debug("coordinator.replica_failed", {{"node", node}, {"error", render(error)}});
        answer(code_of(error));
      });
}

static void perform(self_pointer self, core::take_more) {
  auto& room = self->state.room;
  if (room) room->deliver(accepted{});
  room.reset();
}

static void perform(self_pointer self, core::arm_grace) {
  self->delayed_send(self, options_of(self).grace, caf::flush_atom::value);
}

static void perform(self_pointer self, core::arm_linger) {
  self->delayed_send(self, options_of(self).linger, caf::close_atom::value);
}

static void perform(self_pointer self, const core::finished& done) {
  auto& state = self->state;
  v1::Layout layout;
  if (done.length > 0) {
    const auto& attempt = state.attempts.at(state.core->attempt());
    auto& run = *layout.add_runs();
    run.set_replica_set(attempt.set.id);
    run.set_first_page(attempt.first_page);
    run.set_page_bytes(options_of(self).writing.page_bytes);
    run.set_length(done.length);
  }
  if (state.finish) state.finish->deliver(std::move(layout));
  state.finish.reset();
}

/// Tells whoever waits; if nobody does, the next who asks.
static void perform(self_pointer self, const core::failed& failed) {
  auto& state = self->state;
  log::warn("coordinator.write_failed",
            {{"trace", state.trace_id}, {"error", to_string(failed.why)}});
  const auto told = state.room || state.finish;
  if (state.room) state.room->deliver(make_error(failed.why, "write quorum"));
  if (state.finish) state.finish->deliver(make_error(failed.why, "write quorum"));
  state.room.reset();
  state.finish.reset();
  if (!told) state.failure = failed.why;
}

/// At best effort: the answer changes nothing, and often nobody is left to hear it.
template <class Reply, class Message>
static void tell(self_pointer self, const storage_node_actor& node, const Message& message) {
  ask(
      self, node, options_of(self).control_timeout, message, [](const Reply&) {},
      [](const caf::error&) {});
}

static void perform(self_pointer self, const core::repair& wish) {
  auto& state = self->state;
  const auto& attempt = state.attempts.at(state.core->attempt());
  const auto& lagging = attempt.set.nodes[wish.replica];
  log::info("coordinator.replica_left_behind", {{"node", lagging}, {"pages", wish.pages}});
  const auto node = state.context->parts.storage_at(lagging);
  // A node that cannot be told now asks its peers itself when it comes back (decision 19).
  if (!node || !state.context->up().contains(lagging)) return;
  v1::RepairPages message;
  message.set_replica_set(attempt.set.id);
  message.mutable_range()->set_first_page(page_at(attempt.first_page, wish.first));
  message.mutable_range()->set_pages(wish.pages);
  message.set_source(attempt.set.nodes[wish.source]);
  tell<v1::RepairPagesReply>(self, node, message);
}

static void perform(self_pointer self, const core::discard& wish) {
  auto& state = self->state;
  const auto at = state.attempts.find(wish.attempt);
  if (at == state.attempts.end()) return;
  v1::FreePages message;
  message.set_trace_id(state.trace_id);
  message.add_ranges()->set_first_page(at->second.first_page);
  message.mutable_ranges(0)->set_pages(wish.pages);
  // What a node does not hear of now is found by the collector: no commit names these pages.
  for (const auto& name : at->second.set.nodes)
    if (const auto node = state.context->parts.storage_at(name))
      tell<v1::FreePagesReply>(self, node, message);
}

static void perform(self_pointer self, core::close) {
  self->state.closed = true;
  // An untold failure waits for the next question, or for the idle limit.
  if (!self->state.failure) self->quit();
}

/// In order, also when performing an effect leads to more of them.
static void perform_all(self_pointer self, core::effects effects) {
  auto& state = self->state;
  for (auto& one : effects)
    state.effects.push_back(std::move(one));
  if (state.performing) return;
  state.performing = true;
  while (!state.effects.empty()) {
    const auto one = std::move(state.effects.front());
    state.effects.pop_front();
    std::visit([self](const auto& what) { perform(self, what); }, one);
  }
  state.performing = false;
}

/// Answers true if the request may go on.
static bool hear(self_pointer self) {
  auto& state = self->state;
  state.heard = now(self);
  if (!state.monitoring && self->current_sender()) {
    self->monitor(caf::actor_cast<caf::actor>(self->current_sender()));
    state.monitoring = true;
  }
  if (state.closed) self->quit();
  return !state.closed && !state.room && !state.finish;
}

static ec refusal(const object_writer_state& state) {
  if (state.failure) return *state.failure;
  return state.closed ? ec::closed : ec::invalid_argument;
}

object_writer_service::behavior_type object_writer(self_pointer self, shared_context context,
                                                   open_write wish) {
  auto& state = self->state;
  state.core.emplace(context->options.writing, context->map->write_quorum);
  state.context = std::move(context);
  state.item = std::move(wish.item);
  state.trace_id = std::move(wish.trace_id);
  state.heard = now(self);
  self->set_down_handler([self](const caf::down_msg&) {
    perform_all(self, self->state.core->on_abandoned());
    if (self->state.closed) self->quit();
  });
  self->delayed_send(self, options_of(self).idle_look, caf::tick_atom::value);
  return {
      [self](const object_bytes& more) -> caf::result<accepted> {
        if (!hear(self)) return make_error(refusal(self->state), "object writer");
        auto promise = self->make_response_promise<accepted>();
        self->state.room = promise;
        perform_all(self, self->state.core->on_bytes(more.bytes));
        return promise;
      },
      [self](finish_object) -> caf::result<v1::Layout> {
        if (!hear(self)) return make_error(refusal(self->state), "object writer");
        auto promise = self->make_response_promise<v1::Layout>();
        self->state.finish = promise;
        perform_all(self, self->state.core->on_finish());
        return promise;
      },
      [self](caf::flush_atom) { perform_all(self, self->state.core->on_grace()); },
      [self](caf::close_atom) { perform_all(self, self->state.core->on_linger()); },
      [self](caf::tick_atom) {
        auto& state = self->state;
        // Short looks instead of one long timer, which would keep the actor's memory all that time.
        self->delayed_send(self, options_of(self).idle_look, caf::tick_atom::value);
        if (now(self) - state.heard < options_of(self).idle || state.room || state.finish) return;
        perform_all(self, state.core->on_abandoned());
        if (state.closed) self->quit();
      },
  };
}

}  // namespace dunlin
