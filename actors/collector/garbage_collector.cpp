#include "actors/collector/garbage_collector.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

namespace dunlin {

using self_pointer = collector_actor::stateful_pointer<garbage_collector_state>;

static void next_partition(self_pointer self);
static void list_garbage(self_pointer self);

static std::uint32_t router_timeout_ms(self_pointer self) {
  return static_cast<std::uint32_t>(self->state.options.timeout.count() / 2);
}

static void end_round(self_pointer self) {
  auto& state = self->state;
  self->delayed_send(self, state.rounds.next(state.failed), caf::tick_atom_v);
}

/// Leaves what the partition at work still has for a later round.
static void give_up_partition(self_pointer self, const caf::error& why) {
  auto& state = self->state;
  log::debug("collector.garbage_left", {{"partition", state.todo.back()}, {"error", render(why)}});
  state.failed = true;
  state.todo.pop_back();
  next_partition(self);
}

static void go_on(self_pointer self) {
  auto& state = self->state;
  const bool further = state.plan.more && state.plan.last_tick > state.after;
  state.after = state.plan.last_tick;
  if (further) return list_garbage(self);
  state.todo.pop_back();
  next_partition(self);
}

static void forget(self_pointer self) {
  auto& state = self->state;
  auto command = state.plan.forget(state.freed);
  if (command.ticks_size() == 0) return go_on(self);
  v1::RoutedCommand wish;
  wish.mutable_route()->set_partition(state.todo.back());
  *wish.mutable_command()->mutable_forget_garbage() = std::move(command);
  wish.set_timeout_ms(router_timeout_ms(self));
  self->request(state.options.map.router, state.options.timeout, wish)
      .then([self](const v1::CommandReply&) { go_on(self); },
            [self](const caf::error& why) { give_up_partition(self, why); });
}

static void heard(self_pointer self) {
  if (--self->state.outstanding == 0) forget(self);
}

static void free_at(self_pointer self, const node_id& node, const v1::FreePages& pages) {
  auto& state = self->state;
  const auto replica = state.options.storage_at(node);
  const auto unheard = [self, node](const caf::error& why) {
    DUNLIN_REACHED("collector.garbage_left_for_later");
    log::debug("collector.replica_not_freed", {{"node", node}, {"error", render(why)}});
    self->state.failed = true;
    heard(self);
  };
  if (!replica) return unheard(make_error(ec::unavailable));
  self->request(replica, state.options.timeout, pages)
      .then(
          [self, node](const v1::FreePagesReply&) {
            DUNLIN_REACHED("collector.garbage_freed");
            self->state.freed.insert(node);
            heard(self);
          },
          unheard);
}

static void free_planned(self_pointer self) {
  auto& state = self->state;
  if (state.plan.unplaced > 0)
    log::warn("collector.garbage_unplaced",
              {{"partition", state.todo.back()}, {"rows", state.plan.unplaced}});
  state.freed.clear();
  state.outstanding = state.plan.by_node.size() + 1;
  const auto by_node = std::move(state.plan.by_node);
  for (const auto& [node, pages] : by_node)
    free_at(self, node, pages);
  heard(self);  // answers may have come at once, and a plan may be empty
}

static void list_garbage(self_pointer self) {
  auto& state = self->state;
  v1::RoutedQuery wish;
  wish.mutable_route()->set_partition(state.todo.back());
  wish.mutable_query()->set_partition(state.todo.back());
  wish.mutable_query()->mutable_list_garbage()->set_after(state.after);
  wish.mutable_query()->mutable_list_garbage()->set_items_max(state.options.garbage_rows);
  wish.set_timeout_ms(router_timeout_ms(self));
  self->request(state.options.map.router, state.options.timeout, wish)
      .then(
          [self](const v1::QueryReply& listed) {
            auto& state = self->state;
            const auto due = state.options.clock->now_ms() - state.options.grace.count();
            state.plan =
                collector::plan_garbage(listed, state.map, due, state.options.garbage_ranges);
            free_planned(self);
          },
          [self](const caf::error& why) { give_up_partition(self, why); });
}

static void next_partition(self_pointer self) {
  auto& state = self->state;
  if (state.todo.empty()) return end_round(self);
  if (state.todo.back() == 0) state.todo.pop_back();  // the root partition holds no pages
  if (state.todo.empty()) return end_round(self);
  state.after = 0;
  list_garbage(self);
}

static void begin_round(self_pointer self) {
  auto& state = self->state;
  state.failed = false;
  ask_for_map(
      self, state.options.map, state.options.timeout, 0,
      [self](const shared_map& map) {
        auto& state = self->state;
        state.map = *map;
        state.todo = collector::turn(*map, state.options.self, state.round++);
        next_partition(self);
      },
      [self](const caf::error&) {
        self->state.failed = true;
        end_round(self);
      });
}

collector_actor::behavior_type garbage_collector(self_pointer self, collector_options options) {
  self->state.rounds = {options.interval, *options.random};
  self->state.options = std::move(options);
  end_round(self);
  return {[self](caf::tick_atom) { begin_round(self); }};
}

}  // namespace dunlin
