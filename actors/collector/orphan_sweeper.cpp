#include "actors/collector/orphan_sweeper.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

namespace dunlin {

using self_pointer = collector_actor::stateful_pointer<orphan_sweeper_state>;

static constexpr std::uint32_t parts_at_once = 1000;

static void look_up(self_pointer self);
static void next_item(self_pointer self);

static std::uint32_t router_timeout_ms(self_pointer self) {
  return static_cast<std::uint32_t>(self->state.options.timeout.count() / 2);
}

static void end_sweep(self_pointer self) {
  auto& state = self->state;
  if (state.freed > 0) log::info("collector.orphans_freed", {{"pages", state.freed}});
  state.sweeping = false;
  self->delayed_send(self, state.rounds.next(state.failed), caf::tick_atom_v);
}

/// What could not be decided stays: the next sweep meets it again.
static void leave_item(self_pointer self, const caf::error& why) {
  log::debug("collector.item_left", {{"error", render(why)}});
  self->state.failed = true;
  self->state.items.pop_back();
  next_item(self);
}

static void free_pages(self_pointer self, const v1::FreePages& pages) {
  auto& state = self->state;
  if (pages.ranges_size() == 0) {
    state.items.pop_back();
    return next_item(self);
  }
  self->request(state.options.storage, state.options.timeout, pages)
      .then(
          [self](const v1::FreePagesReply& reply) {
            if (reply.freed() > 0) DUNLIN_REACHED("collector.orphan_freed");
            self->state.freed += reply.freed();
            self->state.items.pop_back();
            next_item(self);
          },
          [self](const caf::error& why) { leave_item(self, why); });
}

/// Nothing names these pages now; the fence makes sure that nothing ever will.
static void fence_item(self_pointer self) {
  auto& state = self->state;
  const auto fence = collector::fence(state.items.back());
  v1::RoutedCommand wish;
  wish.mutable_route()->set_bucket_id(fence.item().bucket_id());
  *wish.mutable_command()->mutable_fence_pages() = fence;
  wish.set_timeout_ms(router_timeout_ms(self));
  self->request(state.options.map.router, state.options.timeout, wish)
      .then(
          [self, fence](const v1::CommandReply& reply) {
            free_pages(self, collector::unkept(fence, reply));
          },
          [self](const caf::error& why) { leave_item(self, why); });
}

static void decide(self_pointer self, const v1::QueryReply& reply) {
  auto& state = self->state;
  auto& held = state.items.back();
  collector::keep_named(held, reply.object().layout());
  for (const auto& part : reply.parts())
    collector::keep_named(held, part.layout());
  if (held.pages.empty()) {
    state.items.pop_back();
    return next_item(self);
  }
  if (reply.truncated() && reply.parts_size() > 0) {
    state.parts_after = reply.parts().rbegin()->number();
    return look_up(self);
  }
  fence_item(self);
}

/// A read first: nearly all pages are in use, and a fence costs a log entry.
static void look_up(self_pointer self) {
  auto& state = self->state;
  const auto& item = state.items.back().item;
  v1::RoutedQuery wish;
  wish.mutable_route()->set_bucket_id(item.bucket_id());
  if (item.upload_id().empty()) {
    auto& query = *wish.mutable_query()->mutable_get_object();
    query.set_bucket_id(item.bucket_id());
    query.set_key(item.key());
  } else {
    auto& query = *wish.mutable_query()->mutable_list_parts();
    query.set_bucket_id(item.bucket_id());
    query.set_key(item.key());
    query.set_upload_id(item.upload_id());
    query.set_after(state.parts_after);
    query.set_items_max(parts_at_once);
  }
  wish.set_timeout_ms(router_timeout_ms(self));
  self->request(state.options.map.router, state.options.timeout, wish)
      .then([self](const v1::QueryReply& reply) { decide(self, reply); },
            [self](const caf::error& why) { leave_item(self, why); });
}

static void next_item(self_pointer self) {
  auto& state = self->state;
  if (!state.items.empty()) {
    state.parts_after = 0;
    return look_up(self);
  }
  if (!state.more) {
    state.sets.pop_back();
    state.after.clear();
  }
  if (state.sets.empty()) return end_sweep(self);
  self->delayed_send(self, state.options.sweep_pause, caf::tick_atom_v);
}

static void list_pages(self_pointer self) {
  auto& state = self->state;
  v1::ListPages wish;
  wish.set_replica_set(state.sets.back());
  wish.set_after(state.after);
  wish.set_items_max(state.options.sweep_pages);
  wish.set_older_than_s(static_cast<std::uint32_t>(state.options.orphan_age.count()));
  wish.set_with_items(true);
  self->request(state.options.storage, state.options.timeout, wish)
      .then(
          [self](const v1::ListPagesReply& listed) {
            auto& state = self->state;
            state.more = listed.truncated() && listed.pages_size() > 0;
            if (state.more) state.after = listed.pages().rbegin()->page();
            state.items = collector::group(listed, state.sets.back());
            next_item(self);
          },
          [self](const caf::error&) {
            self->state.failed = true;
            end_sweep(self);
          });
}

static void begin_sweep(self_pointer self) {
  auto& state = self->state;
  state.failed = false;
  state.freed = 0;
  ask_for_map(
      self, state.options.map, state.options.timeout, 0,
      [self](const shared_map& map) {
        auto& state = self->state;
        state.sets = collector::sets_of(*map, state.options.self);
        state.after.clear();
        state.sweeping = !state.sets.empty();
        if (!state.sweeping) return end_sweep(self);
        list_pages(self);
      },
      [self](const caf::error&) {
        self->state.failed = true;
        end_sweep(self);
      });
}

collector_actor::behavior_type orphan_sweeper(self_pointer self, collector_options options) {
  self->state.rounds = {options.sweep_interval, *options.random};
  self->state.options = std::move(options);
  end_sweep(self);
  return {[self](caf::tick_atom) {
    if (self->state.sweeping)
      list_pages(self);
    else
      begin_sweep(self);
  }};
}

}  // namespace dunlin
