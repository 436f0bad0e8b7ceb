#include "actors/storage_node/storage_node.hpp"

#include "messages/error.hpp"
#include "messages/page_id.hpp"
#include "runtime/ask.hpp"
#include "runtime/disk/crc32c.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>

namespace dunlin {

using self_pointer = storage_node_service::stateful_pointer<storage_node_state>;
using answer_promise = caf::typed_response_promise<page_answer>;

static constexpr std::size_t secret_bytes = 16;

static std::chrono::nanoseconds now(self_pointer self) {
  return self->clock().now().time_since_epoch();
}

static const extent_reader_actor& next_reader(storage_node_state& state) {
  return state.parts.readers[state.turn++ % state.parts.readers.size()];
}

// ---- tickets ----

static caf::result<v1::Ticket> open_transfer(self_pointer self, const v1::OpenTransfer& wish) {
  auto& state = self->state;
  const auto pages_wanted =
      wish.operation() == v1::OpenTransfer::WRITE || wish.operation() == v1::OpenTransfer::READ;
  if (!pages_wanted || wish.pages() == 0 || wish.first_page().size() != page_id_bytes)
    return make_error(ec::invalid_argument, "transfer");
  const auto writes = wish.operation() == v1::OpenTransfer::WRITE;
  // Told now, before a megabyte is on its way.
  if (writes && state.parts.store->status().full) return make_error(ec::disk_full);
  transfer_grant grant{writes ? transfer_kind::write : transfer_kind::read,
                       wish.first_page(),
                       wish.pages(),
                       wish.replica_set(),
                       wish.item().bucket_id(),
                       wish.item().key(),
                       wish.item().upload_id()};
  auto lifetime = std::chrono::milliseconds(wish.lifetime_ms());
  if (lifetime.count() == 0) lifetime = state.options.lifetime_default;
  lifetime = std::min(lifetime, state.options.lifetime_max);
  v1::Ticket ticket;
  ticket.set_secret(state.parts.random->bytes(secret_bytes));
  if (const auto done = state.tickets.add(ticket.secret(), std::move(grant), now(self), lifetime);
      !done)
    return make_error(done.error(), "tickets");
  return ticket;
}

// ---- transfers ----

static auto fail_transfer(self_pointer self, answer_promise promise) {
  return [self, promise](const caf::error& error) mutable {
    --self->state.transfers;
    promise.deliver(error);
  };
}

static caf::result<page_answer> write_page(self_pointer self, const page_transfer& transfer,
                                           const transfer_grant& grant) {
  auto body = transfer.body ? transfer.body : std::make_shared<const std::string>();
  if (crc32c(*body) != transfer.head.crc32c()) return make_error(ec::damaged, "on the way here");
  store_page wish{{transfer.head.page(),
                   grant.replica_set,
                   {grant.bucket_id, grant.key, grant.upload_id},
                   std::move(body)}};
  auto promise = self->make_response_promise<page_answer>();
  ++self->state.transfers;
  ask(
      self, self->state.parts.writer, self->state.options.disk_timeout, std::move(wish),
      [self, promise](accepted) mutable {
        --self->state.transfers;
        promise.deliver(page_answer{});
      },
      fail_transfer(self, promise));
  return promise;
}

static page_answer to_answer(const extents::page_range& range) {
  page_answer answer;
  answer.head.set_crc32c(crc32c(*range.bytes));
  answer.head.set_page_length(range.page_length);
  answer.head.set_replica_set(range.replica_set);
  answer.head.mutable_item()->set_bucket_id(range.item.bucket_id);
  answer.head.mutable_item()->set_key(range.item.key);
  answer.head.mutable_item()->set_upload_id(range.item.upload_id);
  answer.body = range.bytes;
  return answer;
}

static void read_failed(self_pointer self, const damaged_page& page, const caf::error& error) {
  if (code_of(error) != ec::damaged) return;
  log::warn("storage_node.page_damaged", {{"page", page_text(page.page)}});
  self->send(self->state.parts.repair, page);
}

static caf::result<page_answer> answer_read(self_pointer self, const page_transfer& transfer,
                                            const transfer_grant& grant) {
  auto promise = self->make_response_promise<page_answer>();
  auto fail = fail_transfer(self, promise);
  ++self->state.transfers;
  const damaged_page page{transfer.head.page(), grant.replica_set};
  ask(
      self, next_reader(self->state), self->state.options.disk_timeout,
      read_page{page.page, transfer.head.offset(), transfer.head.length()},
      [self, promise](const extents::page_range& range) mutable {
        --self->state.transfers;
        promise.deliver(to_answer(range));
      },
      [self, page, fail](const caf::error& error) mutable {
        read_failed(self, page, error);
        fail(error);
      });
  return promise;
}

static caf::result<page_answer> transfer_page(self_pointer self, const page_transfer& transfer) {
  auto& state = self->state;
  if (state.transfers >= state.options.transfers_max)
    return make_error(ec::overloaded, "page transfers");
  const auto writes = transfer.head.operation() == v1::OpenTransfer::WRITE;
  const auto grant = state.tickets.spend(transfer.head.ticket(),
                                         writes ? transfer_kind::write : transfer_kind::read,
                                         transfer.head.page(), now(self));
  if (!grant) return make_error(grant.error(), "ticket");
  return writes ? write_page(self, transfer, *grant) : answer_read(self, transfer, *grant);
}

static v1::StorageStatus to_message(const extents::store_status& status, std::uint64_t repaired) {
  v1::StorageStatus message;
  message.set_pages(status.pages);
  message.set_bytes(status.bytes);
  message.set_free_bytes(status.free_bytes);
  message.set_full(status.full);
  message.set_damaged_total(status.damaged_total);
  message.set_repairs_total(repaired);
  return message;
}

storage_node_service::behavior_type storage_node(self_pointer self, storage_node_options options,
                                                 storage_node_parts parts) {
  self->state.tickets = ticket_table(options.tickets);
  self->state.options = options;
  self->state.parts = std::move(parts);
  return {
      [self](const v1::OpenTransfer& wish) { return open_transfer(self, wish); },
      [self](const v1::FreePages& wish) { return self->delegate(self->state.parts.writer, wish); },
      [self](const v1::ListPages& wish) { return self->delegate(next_reader(self->state), wish); },
      [self](const v1::RepairPages& wish) {
        return self->delegate(self->state.parts.repair, wish);
      },
      [self](const v1::GetStorageStatus&) {
        return to_message(self->state.parts.store->status(), *self->state.parts.repaired);
      },
      [self](const page_transfer& transfer) { return transfer_page(self, transfer); },
  };
}

}  // namespace dunlin
