#include "actors/storage_node/extent_actors.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <limits>

namespace dunlin {

using writer_pointer = extent_writer_actor::stateful_pointer<extent_writer_state>;
using reader_pointer = extent_reader_actor::stateful_pointer<extent_reader_state>;

static void sync_all(writer_pointer self) {
  auto& state = self->state;
  const auto waiting = std::exchange(state.waiting, {});
  if (waiting.empty()) return;
  const auto done = state.store->sync();
  if (!done) log::error("storage_node.sync_failed", {{"error", to_string(done.error())}});
  for (auto promise : waiting)
    if (done)
      promise.deliver(accepted{});
    else
      promise.deliver(make_error(done.error()));
  if (state.tick_sent) return;
  state.tick_sent = true;
  self->delayed_send(self, state.options.index_lag, caf::tick_atom::value);
}

static caf::result<v1::FreePagesReply> free_pages(extent_writer_state& state,
                                                  const v1::FreePages& wish) {
  v1::FreePagesReply reply;
  for (const auto& range : wish.ranges()) {
    const auto done = state.store->free(range.first_page(), range.pages());
    if (!done) return make_error(done.error());
    reply.set_freed(reply.freed() + range.pages());
  }
  return reply;
}

extent_writer_actor::behavior_type extent_writer(writer_pointer self, shared_store store,
                                                 extent_writer_options options) {
  self->state.options = options;
  self->state.store = std::move(store);
  return {
      [self](const store_page& wish) -> caf::result<accepted> {
        auto& state = self->state;
        if (const auto done = state.store->append(wish.page); !done)
          return make_error(done.error());
        auto promise = self->make_response_promise<accepted>();
        state.waiting.push_back(promise);
        if (state.waiting.size() >= state.options.batch_pages_max) {
          sync_all(self);
        } else if (!state.flush_sent) {
          // It lines up behind what is in the mailbox now: those pages share the sync.
          state.flush_sent = true;
          self->send(self, caf::flush_atom::value);
        }
        return promise;
      },
      [self](const v1::FreePages& wish) {
        sync_all(self);
        return free_pages(self->state, wish);
      },
      [self](caf::flush_atom) {
        self->state.flush_sent = false;
        sync_all(self);
      },
      [self](caf::tick_atom) {
        self->state.tick_sent = false;
        const auto done = self->state.store->flush();
        if (done) return;
        // An index that failed once refuses for good; a new start finds the pages by their headers.
        log::error("storage_node.index_failed", {{"error", to_string(done.error())}});
        self->quit(make_error(done.error(), "page index"));
      },
  };
}

static constexpr std::size_t list_max = 1000;

static v1::Item to_message(const extents::page_item& item) {
  v1::Item message;
  message.set_bucket_id(item.bucket_id);
  message.set_key(item.key);
  message.set_upload_id(item.upload_id);
  return message;
}

static void add_page(extent_reader_state& state, const v1::ListPages& wish,
                     const extents::held_page& page, v1::ListPagesReply& reply) {
  auto& held = *reply.add_pages();
  held.set_page(page.page);
  held.set_length(page.length);
  if (!wish.with_items()) return;
  if (const auto item = state.store->item_of(page.page)) *held.mutable_item() = to_message(*item);
}

static caf::result<v1::ListPagesReply> list_pages(extent_reader_state& state,
                                                  const v1::ListPages& wish) {
  auto items_max = std::min<std::size_t>(wish.items_max(), list_max);
  if (items_max == 0) items_max = list_max;
  const auto newest_ms = wish.older_than_s() == 0
                             ? std::numeric_limits<std::int64_t>::max()
                             : state.clock->now_ms() - std::int64_t{wish.older_than_s()} * 1000;
  v1::ListPagesReply reply;
  // Goes on past young pages: an answer without a page would leave the caller no place to go on
  // from.
  for (auto after = wish.after();;) {
    const auto listed = state.store->list(wish.replica_set(), after, list_max);
    if (!listed) return make_error(listed.error());
    for (const auto& page : *listed) {
      if (page.written_ms > newest_ms) continue;
      if (static_cast<std::size_t>(reply.pages_size()) == items_max) {
        reply.set_truncated(true);
        return reply;
      }
      add_page(state, wish, page, reply);
    }
    if (listed->size() < list_max) return reply;
    after = listed->back().page;
  }
}

extent_reader_actor::behavior_type extent_reader(reader_pointer self, shared_store store,
                                                 const wall_clock* clock) {
  self->state.store = std::move(store);
  self->state.clock = clock;
  return {
      [self](const read_page& wish) -> caf::result<extents::page_range> {
        auto range = self->state.store->read(wish.page, wish.offset, wish.length);
        if (!range) return make_error(range.error());
        return std::move(*range);
      },
      [self](const v1::ListPages& wish) { return list_pages(self->state, wish); },
      [self](const find_missing& wish) {
        missing_pages missing;
        for (const auto& page : wish.pages)
          if (!self->state.store->holds(page)) missing.pages.push_back(page);
        return missing;
      },
  };
}

}  // namespace dunlin
