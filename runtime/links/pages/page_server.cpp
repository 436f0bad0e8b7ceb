#include "runtime/links/pages/page_server.hpp"

#include "messages/error.hpp"
#include "messages/state_transfer.hpp"
#include "runtime/observe/log.hpp"

#include <caf/send.hpp>

namespace dunlin::links {

using self_pointer = page_server_actor::stateful_pointer<page_server_state>;

static bulk_message refusal(ec code, const std::string& detail) {
  v1::PageTransferReply head;
  head.mutable_failure()->set_code(static_cast<std::uint32_t>(code));
  head.mutable_failure()->set_detail(detail);
  return {head.SerializeAsString(), nullptr};
}

static void serve(self_pointer self, const bulk_call& call) {
  page_transfer transfer;
  if (!transfer.head.ParseFromString(call.request.head))
    return call.reply(refusal(ec::bad_message, "no PageTransfer"));
  if (self->state.open >= self->state.options.calls_max)
    return call.reply(refusal(ec::overloaded, "too many page transfers"));
  const auto& state = self->state;
  const auto snapshot = transfer.head.operation() == read_snapshot;
  const auto& to = snapshot ? state.snapshots : state.transfers;
  if (!to) return call.reply(refusal(ec::unavailable, "no such role here"));
  transfer.body = call.request.body;
  ++self->state.open;
  self->request(to, self->state.options.answer_timeout, std::move(transfer))
      .then(
          [self, reply = call.reply](const page_answer& answer) {
            --self->state.open;
            reply({answer.head.SerializeAsString(), answer.body});
          },
          [self, reply = call.reply, peer = call.peer](const caf::error& error) {
            --self->state.open;
            log::debug("page_server.transfer_failed", {{"peer", peer}, {"error", render(error)}});
            reply(refusal(code_of(error), detail_of(error)));
          });
}

page_server_actor::behavior_type page_server(self_pointer self, page_transfers_actor transfers,
                                             page_server_options options) {
  self->state.options = options;
  self->state.transfers = std::move(transfers);
  return {
      [self](const bulk_call& call) { serve(self, call); },
      [self](const serve_snapshots& with) { self->state.snapshots = with.transfers; },
  };
}

result<void> serve_pages(bulk_port& bulk, page_server_actor server) {
  return bulk.serve([server](const node_id& peer, bulk_message request, bulk_port::answer reply) {
    caf::anon_send(server, bulk_call{peer, std::move(request), std::move(reply)});
  });
}

}  // namespace dunlin::links
