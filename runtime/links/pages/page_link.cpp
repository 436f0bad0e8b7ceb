#include "runtime/links/pages/page_link.hpp"

#include "messages/error.hpp"
#include "runtime/disk/crc32c.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace dunlin::links {

using self_pointer = page_link_service::stateful_pointer<page_link_state>;

namespace {

std::string_view view(const buffer& body) {
  return body ? std::string_view(*body) : std::string_view();
}

/// What came back over the bulk link, checked.
caf::result<page_answer> checked(const bulk_answered& answered) {
  if (answered.failure) return make_error(*answered.failure);
  page_answer answer;
  if (!answer.head.ParseFromString(answered.message.head)) return make_error(ec::bad_message);
  if (answer.head.has_failure())
    return make_error(static_cast<ec>(answer.head.failure().code()),
                      answer.head.failure().detail());
  answer.body = answered.message.body;
  if (crc32c(view(answer.body)) != answer.head.crc32c())
    return make_error(ec::damaged, "on the bulk link");
  return answer;
}

void deliver(caf::typed_response_promise<page_answer>& promise, caf::result<page_answer> outcome) {
  if (outcome.flag == caf::rt_error)
    promise.deliver(std::move(outcome.err));
  else
    promise.deliver(outcome.value.get_as<page_answer>(0));
}

/// Over the bulk link; its callback comes from a foreign thread.
void send_over_bulk(self_pointer self, const exchange_page& wish, const page_transfer& transfer) {
  const auto call = self->state.calls;
  const auto me = caf::actor_cast<page_link_service>(self);
  self->state.bulk->exchange(wish.node, {transfer.head.SerializeAsString(), transfer.body},
                             wish.timeout, [me, call](result<bulk_message> outcome) {
                               bulk_answered answered{call, {}, {}};
                               if (outcome)
                                 answered.message = std::move(*outcome);
                               else
                                 answered.failure = outcome.error();
                               caf::anon_send(me, std::move(answered));
                             });
}

void send_to_local(self_pointer self, const exchange_page& wish, const page_transfer& transfer) {
  const auto call = self->state.calls;
  auto finish = [self, call](caf::result<page_answer> outcome) {
    const auto at = self->state.open.find(call);
    if (at == self->state.open.end()) return;
    deliver(at->second, std::move(outcome));
    self->state.open.erase(at);
  };
  self->request(self->state.local, wish.timeout, transfer)
      .then([finish](const page_answer& answer) { finish(answer); },
            [finish](const caf::error& error) { finish(error); });
}

}  // namespace

page_link_service::behavior_type page_link(self_pointer self, node_id self_node, bulk_port* bulk) {
  self->state.self_node = std::move(self_node);
  self->state.bulk = bulk;
  return {
      [self](const exchange_page& wish) -> caf::result<page_answer> {
        auto& state = self->state;
        const auto local = wish.node == state.self_node;
        if (local && !state.local) return make_error(ec::unavailable, "no storage role here");
        auto transfer = wish.transfer;
        if (transfer.head.operation() == v1::OpenTransfer::WRITE)
          transfer.head.set_crc32c(crc32c(view(transfer.body)));
        auto promise = self->make_response_promise<page_answer>();
        state.open.emplace(++state.calls, promise);
        if (local)
          send_to_local(self, wish, transfer);
        else
          send_over_bulk(self, wish, transfer);
        return promise;
      },
      [self](const serve_locally& with) { self->state.local = with.transfers; },
      [self](const bulk_answered& answered) {
        const auto at = self->state.open.find(answered.call);
        if (at == self->state.open.end()) return;
        deliver(at->second, checked(answered));
        self->state.open.erase(at);
      },
  };
}

}  // namespace dunlin::links
