#include "actors/cache_update/subscription_wire.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::cache_update {

namespace {

change from_wire(v1::CacheUpdate& message) {
  change out{message.tick(), std::move(*message.mutable_key()), std::nullopt, message.removed(),
             message.base_tick()};
  if (message.now_case() == v1::CacheUpdate::kValue)
    out.value = std::move(*message.mutable_value());
  return out;
}

type_changes from_wire(v1::TypeUpdates& message) {
  type_changes out{message.type(), message.partition(), {}, {}, 0};
  for (const auto& run : message.covered())
    out.covered.push_back({run.first(), run.last()});
  for (auto& one : *message.mutable_updates()) {
    if (one.whole())
      out.whole_tick = std::max(out.whole_tick, static_cast<std::uint64_t>(one.tick()));
    else
      out.changes.push_back(from_wire(one));
  }
  return out;
}

}  // namespace

batch from_wire(v1::CacheBatch message) {
  batch out{message.queue(), message.queue_incarnation(), message.after(), message.sequence(), {}};
  for (auto& part : *message.mutable_changes())
    out.parts.push_back(from_wire(part));
  return out;
}

subscribed from_wire(const v1::SubscribeReply& message) {
  return {message.queue_incarnation(), message.next_sequence(), message.missed()};
}

news from_wire(const v1::QueueNews& message) {
  news out{message.queue(),
           message.queue_incarnation(),
           message.last_sequence(),
           message.first_kept(),
           message.idle_through(),
           message.echo(),
           {}};
  for (const auto& one : message.partitions()) {
    partition_news words{one.partition(), one.tick(), one.age_ms(), {}};
    for (const auto& last : one.last())
      words.last.emplace_back(last.type(), last.ordinal());
    out.partitions.push_back(std::move(words));
  }
  return out;
}

}  // namespace dunlin::cache_update
