#include "actors/collector/deletion_resumer.hpp"

#include "messages/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

using self_pointer = collector_actor::stateful_pointer<deletion_resumer_state>;

static constexpr std::uint32_t buckets_at_once = 1000;
static constexpr int seals_max = 100;  // of one bucket in one round

static void seal(self_pointer self);
static void next_bucket(self_pointer self);

static void end_round(self_pointer self) {
  auto& state = self->state;
  self->delayed_send(self, state.rounds.next(state.failed), caf::tick_atom_v);
}

static void leave_bucket(self_pointer self, const caf::error& why) {
  auto& state = self->state;
  log::debug("collector.deletion_left",
             {{"bucket", state.buckets.back().name()}, {"error", render(why)}});
  state.failed = true;
  state.buckets.pop_back();
  next_bucket(self);
}

template <class OnReply>
static void command(self_pointer self, v1::RoutedCommand wish, OnReply on_reply) {
  auto& state = self->state;
  wish.set_timeout_ms(static_cast<std::uint32_t>(state.options.timeout.count() / 2));
  self->request(state.options.map.router, state.options.timeout, wish)
      .then([on_reply](const v1::CommandReply& reply) { on_reply(reply); },
            [self](const caf::error& why) { leave_bucket(self, why); });
}

static void end_deletion(self_pointer self, bool removed) {
  if (removed)
    DUNLIN_REACHED("collector.deletion_resumed");
  else
    DUNLIN_REACHED("collector.deletion_undone");
  auto& state = self->state;
  const auto& bucket = state.buckets.back();
  v1::RoutedCommand wish;
  wish.mutable_route()->set_partition(0);
  auto& end = *wish.mutable_command()->mutable_end_delete_bucket();
  end.set_name(bucket.name());
  end.set_id(bucket.id());
  end.set_removed(removed);
  command(self, std::move(wish), [self, removed](const v1::CommandReply&) {
    auto& state = self->state;
    log::info("collector.deletion_ended",
              {{"bucket", state.buckets.back().name()}, {"removed", removed}});
    state.buckets.pop_back();
    next_bucket(self);
  });
}

static void on_seal(self_pointer self, const v1::CommandReply& reply) {
  switch (reply.status()) {
    case v1::CommandReply::OK: return end_deletion(self, true);
    case v1::CommandReply::BUCKET_NOT_EMPTY: return end_deletion(self, false);
    case v1::CommandReply::TOO_MUCH_AT_ONCE:  // each time fewer uploads are left
      if (++self->state.seals < seals_max) return seal(self);
      [[fallthrough]];
    default: return leave_bucket(self, make_error(ec::unavailable));
  }
}

static void seal(self_pointer self) {
  v1::RoutedCommand wish;
  const auto& id = self->state.buckets.back().id();
  wish.mutable_route()->set_bucket_id(id);
  wish.mutable_command()->mutable_seal_bucket()->set_bucket_id(id);
  command(self, std::move(wish), [self](const v1::CommandReply& reply) { on_seal(self, reply); });
}

static void list_buckets(self_pointer self) {
  auto& state = self->state;
  v1::RoutedQuery wish;
  wish.mutable_route()->set_partition(0);
  wish.mutable_query()->mutable_list_buckets()->set_after(state.after);
  wish.mutable_query()->mutable_list_buckets()->set_items_max(buckets_at_once);
  wish.set_timeout_ms(static_cast<std::uint32_t>(state.options.timeout.count() / 2));
  self->request(state.options.map.router, state.options.timeout, wish)
      .then(
          [self](const v1::QueryReply& listed) {
            auto& state = self->state;
            const auto since = state.options.clock->now_ms() - state.options.deletion_age.count();
            state.buckets = collector::half_deleted(listed, since);
            state.more = listed.truncated();
            state.after = listed.next_after();
            next_bucket(self);
          },
          [self](const caf::error&) {
            self->state.failed = true;
            end_round(self);
          });
}

static void next_bucket(self_pointer self) {
  auto& state = self->state;
  state.seals = 0;
  if (!state.buckets.empty()) return seal(self);
  if (state.more) return list_buckets(self);
  end_round(self);
}

static void begin_round(self_pointer self) {
  auto& state = self->state;
  state.failed = false;
  ask_for_map(
      self, state.options.map, state.options.timeout, 0,
      [self](const shared_map& map) {
        auto& state = self->state;
        const auto mine = collector::turn(*map, state.options.self, state.round++);
        state.after.clear();
        if (std::find(mine.begin(), mine.end(), 0u) == mine.end()) return end_round(self);
        list_buckets(self);
      },
      [self](const caf::error&) {
        self->state.failed = true;
        end_round(self);
      });
}

collector_actor::behavior_type deletion_resumer(self_pointer self, collector_options options) {
  self->state.rounds = {options.interval, *options.random};
  self->state.options = std::move(options);
  end_round(self);
  return {[self](caf::tick_atom) { begin_round(self); }};
}

}  // namespace dunlin
