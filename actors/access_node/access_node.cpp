#include "actors/access_node/access_node.hpp"

#include <caf/all.hpp>

#include <utility>

namespace dunlin {

namespace {

using self_pointer = access_node_actor::stateful_pointer<access_node_state>;

void accept(self_pointer self, const http::exchange_ptr& exchange) {
  auto& state = self->state;
  if (state.counts.draining) {
    state.options.gate->leave();
    ++state.counts.refused;
    state.options.refuse(exchange);
    return;
  }
  ++state.counts.in_flight;
  ++state.counts.started;
  self->monitor(state.options.start(self->system(), exchange));
}

void on_ended(self_pointer self) {
  auto& state = self->state;
  --state.counts.in_flight;
  state.options.gate->leave();
  if (state.counts.in_flight > 0) return;
  for (auto& waiting : std::exchange(state.drained, {}))
    waiting.deliver(accepted{});
}

}  // namespace

bool request_gate::enter(const http::exchange_ptr& exchange) {
  if (open_.fetch_add(1) < requests_max_) return true;
  --open_;
  ++refused_;
  refuse_(exchange);
  return false;
}

access_node_actor::behavior_type access_node(self_pointer self, access_node_options options) {
  self->state.options = std::move(options);
  self->set_down_handler([self](const caf::down_msg&) { on_ended(self); });
  return {
      [self](const incoming_request& request) { accept(self, request.exchange); },
      [self](const drain_requests&) -> caf::result<accepted> {
        self->state.counts.draining = true;
        auto promise = self->make_response_promise<accepted>();
        if (self->state.counts.in_flight == 0)
          promise.deliver(accepted{});
        else
          self->state.drained.push_back(promise);
        return promise;
      },
      [self](const count_requests&) {
        auto counts = self->state.counts;
        counts.refused += self->state.options.gate->refused();
        return counts;
      },
  };
}

http::acceptor acceptor_of(access_node_actor bridge, std::shared_ptr<request_gate> gate) {
  return [bridge, gate](http::exchange_ptr exchange) {
    if (!gate->enter(exchange)) return;
    caf::anon_send(bridge, incoming_request{std::move(exchange)});
  };
}

}  // namespace dunlin
