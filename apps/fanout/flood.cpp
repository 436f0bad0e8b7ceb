#include "apps/fanout/flood.hpp"

#include "messages/cache_types.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::fanout {

namespace {

using self_pointer = flood_actor::stateful_pointer<flood_state>;

constexpr std::uint64_t keys = 10'000;
constexpr std::uint64_t message_changes_max = 256;
constexpr std::size_t open_max = 4;

std::chrono::nanoseconds now(self_pointer self) { return self->clock().now().time_since_epoch(); }

std::string value_of(const std::string& key, std::size_t bytes, std::uint64_t tick) {
  v1::CachedRecord record;
  auto& bucket = *record.mutable_bucket();
  bucket.set_tick(tick);
  bucket.set_name(key);
  bucket.set_policy(std::string(bytes, 'x'));
  return record.SerializeAsString();
}

v1::EnqueueUpdates message(self_pointer self, std::size_t which, std::uint64_t changes) {
  auto& from = self->state.all[which];
  v1::EnqueueUpdates made;
  auto& part = *made.add_changes();
  part.set_type(std::string(cached::bucket));
  // Buckets live in the root partition: what is said of others there contradicts nothing.
  part.set_partition(static_cast<std::uint32_t>(which + 1));
  auto& run = *part.add_covered();
  run.set_first(from.sent + 1);
  run.set_last(from.sent + changes);
  for (std::uint64_t i = 0; i < changes; ++i) {
    auto& change = *part.add_updates();
    change.set_tick(++from.sent);
    const auto key = fmt::format("k{}", from.sent * 7919 % keys);
    change.set_key(key);
    if (self->state.options.value_bytes > 0)
      change.set_value(value_of(key, self->state.options.value_bytes, from.sent));
  }
  return made;
}

void send(self_pointer self, std::size_t which) {
  auto& from = self->state.all[which];
  while (from.open < open_max && from.sent < from.committed) {
    const auto changes = std::min(from.committed - from.sent, message_changes_max);
    ++from.open;
    ++self->state.made.messages;
    ask(
        self, self->state.options.queue, std::chrono::seconds(10), message(self, which, changes),
        [self, which, changes](const v1::EnqueueReply&) {
          self->state.made.changes += changes;
          --self->state.all[which].open;
          send(self, which);
        },
        [self, which](const caf::error& why) {
          ++self->state.made.failed;
          self->state.made.why = render(why);
          --self->state.all[which].open;
          send(self, which);
        });
  }
}

void commit(self_pointer self) {
  auto& state = self->state;
  const auto passed = std::chrono::duration<double>(now(self) - state.began).count();
  const auto over = passed >= state.options.seconds;
  const auto due = std::min(passed, state.options.seconds) * state.options.rate / leaders;
  bool open = false;
  for (std::size_t i = 0; i < leaders; ++i) {
    auto& one = state.all[i];
    one.committed =
        std::max(one.committed, state.options.ordinal + static_cast<std::uint64_t>(due));
    send(self, i);
    open |= one.open > 0;
  }
  if (over && !open) {
    state.made.seconds = passed;
    state.made.ordinal = state.all.front().committed;
    state.options.done(std::move(state.made));
    return self->quit();
  }
  self->delayed_send(
      self, std::chrono::nanoseconds(static_cast<std::int64_t>(state.options.round_ms * 1e6)),
      caf::tick_atom_v);
}

}  // namespace

flood_actor::behavior_type flood(self_pointer self, flood_options options) {
  self->state.options = std::move(options);
  for (auto& one : self->state.all)
    one.committed = one.sent = self->state.options.ordinal;
  self->state.began = now(self);
  commit(self);
  return {[self](caf::tick_atom) { commit(self); }};
}

}  // namespace dunlin::fanout
