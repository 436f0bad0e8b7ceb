#include "actors/cache_update/cache_subscriber.hpp"

#include "actors/cache_update/subscription_wire.hpp"
#include "messages/cache_types.hpp"
#include "messages/error.hpp"
#include "runtime/ask.hpp"
#include "runtime/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

namespace {

using self_pointer = cache_subscriber_shell::stateful_pointer<cache_subscriber_state>;
using core = subscription_core;

/// A pending timer keeps its actor: no wait is longer, so that one that was ended goes soon.
constexpr core::time wait_max{1000};

void perform_all(self_pointer self, core::effects all);

core::time now(self_pointer self) { return cache_time(self); }

/// Ascending.
std::vector<std::string> types_of(const cache_subscriber_options& options) {
  std::vector<std::string> types;
  for (const auto& [type, cache] : options.caches)
    if (types.empty() || types.back() != type) types.push_back(type);
  return types;
}

// ---- to queues ----

void perform(self_pointer self, core::subscribe wish) {
  const auto& options = self->state.options;
  const auto queue = options.find(wish.queue);
  if (!queue)
    return perform_all(self, self->state.core->on_refused(now(self), wish.queue, wish.attempt));
  v1::Subscribe message;
  message.set_node(options.node);
  message.set_service(options.service);
  message.set_incarnation(options.incarnation);
  for (const auto& type : types_of(options))
    message.add_types(type);
  message.set_queue_incarnation(wish.queue_incarnation);
  message.set_received_through(wish.received_through);
  ask(
      self, queue, options.limits.subscribe_timeout, std::move(message),
      [self, name = wish.queue, attempt = wish.attempt](const v1::SubscribeReply& reply) {
        perform_all(self, self->state.core->on_subscribed(now(self), name, attempt,
                                                          cache_update::from_wire(reply)));
      },
      [self, name = wish.queue, attempt = wish.attempt](const caf::error& why) {
        log::debug("cache_subscriber.refused", {{"queue", name}, {"reason", render(why)}});
        perform_all(self, self->state.core->on_refused(now(self), name, attempt));
      });
}

void perform(self_pointer self, const core::acknowledge& what) {
  const auto& options = self->state.options;
  v1::BatchAck message;
  message.set_node(options.node);
  message.set_service(options.service);
  message.set_incarnation(options.incarnation);
  message.set_queue_incarnation(what.queue_incarnation);
  message.set_received_through(what.received_through);
  for (const auto& run : what.beyond) {
    auto& one = *message.add_beyond();
    one.set_first(run.first);
    one.set_last(run.last);
  }
  message.set_stamp(what.stamp);
  options.acknowledge(what.queue, message);
}

// ---- to the services' near caches ----

/// What was parsed is shared by all who hear it.
template <class Message>
void tell_caches(self_pointer self, const std::string& type, const Message& message) {
  const auto [first, last] = self->state.options.caches.equal_range(type);
  for (auto one = first; one != last; ++one)
    self->send(one->second, message);
}

/// In a cache that holds much it takes long: never on a thread that reads a socket.
void tell_caches_of_drop(self_pointer self, const std::string& type, const cache_dropped& message) {
  const auto [first, last] = self->state.options.caches.equal_range(type);
  for (auto one = first; one != last; ++one)
    caf::anon_send(one->second, message);
}

/// What the change says that the item is; no part of a record is merged by any type so far, so such
/// a change only invalidates.
cache_changes::one to_one(cache_update::change change) {
  cache_changes::one out{change.tick, std::move(change.key), nullptr, change.removed};
  if (!change.value || change.base_tick != 0) return out;
  auto record = std::make_shared<v1::CachedRecord>();
  if (record->ParseFromString(*change.value)) out.record = std::move(record);
  return out;
}

void perform(self_pointer self, core::apply what) {
  cache_changes changes;
  changes.partition = what.partition;
  changes.all.reserve(what.changes.size());
  for (auto& change : what.changes)
    changes.all.push_back(to_one(std::move(change)));
  tell_caches(self, what.type, changes);
}

void perform(self_pointer self, const core::drop& what) {
  if (what.why == core::reason::hole)
    log::info("cache_subscriber.type_dropped",
              {{"type", what.type}, {"partition", what.partition}, {"base", what.base_tick}});
  tell_caches_of_drop(
      self, what.type,
      cache_dropped{what.partition, what.base_tick, what.why == core::reason::whole});
}

void perform(self_pointer self, const core::proven& what) {
  // Queues name each type in each partition; most of them hold nothing of it.
  if (!cached::lives_in(what.type, what.partition)) return;
  auto& newest = self->state.proven[{what.type, what.partition}];
  newest = std::max(newest, what.at);
  tell_caches(self, what.type, cache_proven{what.partition, what.at, what.base_tick});
}

// ---- turns ----

void arm(self_pointer self) {
  self->state.timer.arm(self, now(self), self->state.core->next_wake(), wait_max);
}

/// In their order: what a proof stands on reaches a near cache before it.
void perform_all(self_pointer self, core::effects all) {
  for (auto& one : all)
    std::visit([&](auto& effect) { perform(self, std::move(effect)); }, one);
  arm(self);
}

// ---- for operators ----

v1::SubscriberStatus status(self_pointer self) {
  const auto& state = self->state;
  v1::SubscriberStatus out;
  out.set_service(state.options.service);
  for (const auto& queue : state.core->subscribed())
    out.add_subscribed(queue);
  const auto add = [&](std::string_view name, std::uint64_t value, std::string_view label = {}) {
    auto& one = *out.add_figures();
    one.set_name(std::string(name));
    one.set_label(std::string(label));
    one.set_value(value);
  };
  const auto& count = state.core->count();
  add("batches_total", count.batches);
  add("gaps_total", count.gaps);
  add("replays_total", count.replays);
  add("duplicates_total", count.duplicates);
  add("late_total", count.late);
  add("missed_total", count.missed);
  add("drops_total", count.drops);
  add("old_changes_total", count.old_changes);
  add("refused_total", count.refused);
  add("acks_total", count.acks);
  add("subscriptions_total", count.subscriptions);
  add("queues", state.options.queues.size());
  add("tracked", state.core->tracked());
  add("holes", state.core->holes());
  // Of each type, in the partition where it is longest ago.
  std::map<std::string_view, core::time> oldest;
  for (const auto& [place, at] : state.proven) {
    auto& age = oldest[place.first];
    age = std::max(age, now(self) - at);
  }
  for (const auto& [type, age] : oldest)
    add("proof_age_ms", static_cast<std::uint64_t>(std::max(age, core::time{0}).count()), type);
  return out;
}

}  // namespace

cache_subscriber_shell::behavior_type cache_subscriber(self_pointer self,
                                                       cache_subscriber_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.core = std::make_unique<core>(state.options.limits, types_of(state.options),
                                      state.options.queues, now(self), *state.options.random);
  perform_all(self, state.core->start(now(self)));
  return {
      [self](v1::CacheBatch& batch) {
        perform_all(
            self, self->state.core->on_batch(now(self), cache_update::from_wire(std::move(batch))));
      },
      [self](const v1::QueueNews& news) {
        perform_all(self, self->state.core->on_news(now(self), cache_update::from_wire(news)));
      },
      [self](const queue_peer& peer) {
        const auto& queues = self->state.options.queues;
        if (std::find(queues.begin(), queues.end(), peer.node) == queues.end()) return;
        if (peer.connected)
          perform_all(self, self->state.core->on_peer_up(now(self), peer.node));
        else
          self->state.core->on_peer_lost(now(self), peer.node);
        arm(self);
      },
      [self](const v1::GetSubscriberStatus&) { return status(self); },
      [self](caf::tick_atom, std::int64_t armed_for) {
        if (!self->state.timer.fires(armed_for)) return;
        perform_all(self, self->state.core->on_timer(now(self)));
      },
  };
}

}  // namespace dunlin
