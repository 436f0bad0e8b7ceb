#include "actors/coordinator/coordinator.hpp"

#include "messages/error.hpp"
#include "messages/page_id.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

namespace dunlin {

using self_pointer = object_reader_service::stateful_pointer<object_reader_state>;
using core = read_core;

static void perform_all(self_pointer self, const core::effects& effects);

static const coordinator_options& options_of(self_pointer self) {
  return self->state.context->options;
}

static std::string page_of(self_pointer self, const segment& what) {
  return page_at(self->state.core->run(what.run).first_page, what.page);
}

/// Hands the outcome of one try to the core.
static auto answer_of(self_pointer self, const core::fetch& wish) {
  return [self, sequence = wish.sequence, node = wish.node](result<buffer> outcome) {
    if (!outcome)
      log::debug("coordinator.read_failed_over",
                 {{"node", node}, {"error", to_string(outcome.error())}});
    perform_all(self, self->state.core->on_fetched(sequence, std::move(outcome)));
  };
}

static void exchange(self_pointer self, const core::fetch& wish, const v1::Ticket& ticket) {
  const auto timeout = options_of(self).read_timeout;
  exchange_page message{wish.node, {}, timeout};
  message.transfer.head.set_ticket(ticket.secret());
  message.transfer.head.set_operation(v1::OpenTransfer::READ);
  message.transfer.head.set_page(page_of(self, wish.what));
  message.transfer.head.set_offset(wish.what.offset);
  message.transfer.head.set_length(wish.what.length);
  const auto answer = answer_of(self, wish);
  ask(
      self, self->state.context->parts.link, timeout + std::chrono::seconds(1), std::move(message),
      [answer](const page_answer& page) { answer(page.body); },
      [answer](const caf::error& error) { answer(code_of(error)); });
}

static void perform(self_pointer self, const core::fetch& wish) {
  const auto answer = answer_of(self, wish);
  const auto node = self->state.context->parts.storage_at(wish.node);
  if (!node) return answer(ec::unavailable);
  v1::OpenTransfer message;
  message.set_operation(v1::OpenTransfer::READ);
  message.set_first_page(page_of(self, wish.what));
  message.set_pages(1);
  message.set_replica_set(self->state.core->run(wish.what.run).replica_set);
  message.set_trace_id(self->state.trace_id);
  message.set_lifetime_ms(static_cast<std::uint32_t>(2 * options_of(self).read_timeout.count()));
  ask(
      self, node, options_of(self).control_timeout, std::move(message),
      [self, wish](const v1::Ticket& ticket) { exchange(self, wish, ticket); },
      [answer](const caf::error& error) { answer(code_of(error)); });
}

static void perform(self_pointer self, const core::deliver& what) {
  auto promise = std::exchange(self->state.waiting, std::nullopt);
  if (promise) promise->deliver(object_bytes{what.bytes});
  if (what.bytes->empty()) self->quit();
}

static void perform(self_pointer self, const core::failed& what) {
  log::warn("coordinator.read_failed",
            {{"trace", self->state.trace_id}, {"error", to_string(what.why)}});
  auto promise = std::exchange(self->state.waiting, std::nullopt);
  if (promise) promise->deliver(make_error(what.why, "no replica has the page"));
  self->quit();
}

static void perform(self_pointer self, const core::repair& wish) {
  const auto page = page_of(self, wish.what);
  log::info("coordinator.replica_reported", {{"node", wish.node}, {"page", page_text(page)}});
  const auto node = self->state.context->parts.storage_at(wish.node);
  if (!node) return;
  v1::RepairPages message;
  message.set_replica_set(self->state.core->run(wish.what.run).replica_set);
  message.mutable_range()->set_first_page(page);
  message.mutable_range()->set_pages(1);
  message.set_source(wish.source);
  // At best effort: the next read reports it again.
  ask(
      self, node, options_of(self).control_timeout, std::move(message),
      [](const v1::RepairPagesReply&) {}, [](const caf::error&) {});
}

/// An answer that comes at once ends in here again; what it leads to is performed first, which is
/// fine: segments do not depend on each other's order.
static void perform_all(self_pointer self, const core::effects& effects) {
  for (const auto& one : effects)
    std::visit([self](const auto& what) { perform(self, what); }, one);
}

object_reader_service::behavior_type object_reader(self_pointer self, shared_context context,
                                                   std::vector<resolved_run> runs, open_read wish) {
  auto& state = self->state;
  auto order = [context](const std::vector<node_id>& nodes,
                         const std::map<node_id, std::uint32_t>& failures) {
    return reading_order(nodes, context->options.self, context->up(), failures,
                         context->parts.random->next());
  };
  state.core.emplace(context->options.reading, read_plan(std::move(runs), wish.offset, wish.length),
                     std::move(order));
  state.context = std::move(context);
  state.trace_id = std::move(wish.trace_id);
  state.heard = self->clock().now().time_since_epoch();
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->delayed_send(self, options_of(self).idle_look, caf::tick_atom::value);
  return {
      [self](const next_bytes& wish) -> caf::result<object_bytes> {
        auto& state = self->state;
        state.heard = self->clock().now().time_since_epoch();
        if (state.waiting) return make_error(ec::invalid_argument, "one wish at a time");
        if (!state.monitoring && self->current_sender()) {
          self->monitor(caf::actor_cast<caf::actor>(self->current_sender()));
          state.monitoring = true;
        }
        auto promise = self->make_response_promise<object_bytes>();
        state.waiting = promise;
        perform_all(self, state.core->on_want(wish.size));
        return promise;
      },
      [self](caf::tick_atom) {
        const auto& state = self->state;
        const auto silent = self->clock().now().time_since_epoch() - state.heard;
        if (!state.waiting && silent >= options_of(self).idle) return self->quit();
        self->delayed_send(self, options_of(self).idle_look, caf::tick_atom::value);
      },
  };
}

}  // namespace dunlin
