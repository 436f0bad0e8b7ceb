// What is heard of changes: this service's own writes, and what the subscription brings.
#include "actors/near_cache/near_cache_core.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>

namespace dunlin {
namespace {

// No partition changes so often between two looks at it. A restore leaps further (decision 12), and
// costs one question for each item then.
constexpr std::uint64_t leap_max = std::uint64_t{1} << 24;

}  // namespace

// ---- writers ----

near_cache_core::ticket_id near_cache_core::begin_write(time now, std::string_view key) {
  if (tickets_.size() >= parameters_.tickets_max) {
    ++figures_.untracked_writes;
    return 0;
  }
  auto& slot = store_.find_or_add(key);
  // Its own message may come before its reply, and take what is held.
  const auto kept_here = slot.held || mirroring_ || parameters_.carry_values;
  const auto id = open_ticket(now, slot);
  tickets_.at(id).kept_here = kept_here;
  return id;
}

near_cache_core::effects near_cache_core::on_written(time now, ticket_id ticket,
                                                     std::string_view key, partition_id partition,
                                                     std::uint64_t tick,
                                                     const change_content& content) {
  note_page(tick);
  // Its client is answered now: who waits here must not be given older after that.
  if (auto* slot = store_.find(key); slot && slot->requests)
    slot->requests->seen = std::max(slot->requests->seen, tick);
  const auto open = tickets_.find(ticket);
  if (open == tickets_.end()) return on_update(now, partition, key, tick, changed{});
  effects out;
  auto& slot = *open->second.slot;
  const auto heard = heard_since(ticket, slot, partition);
  slot.requests->heard.note(last_ticket_, tick);  // for the other tickets
  const auto kept_here = open->second.kept_here || slot.held || asked(slot);
  if (auto item = kept_here ? item_after(slot, tick, content) : std::nullopt)
    take_in(now, slot, ticket, {partition, tick, std::move(*item), open->second.begun}, heard);
  if (slot.held && slot.entry.read < tick) die(slot, cache_death::own_write);
  close_ticket(ticket);
  settle(now, slot, out);
  return out;
}

near_cache_core::effects near_cache_core::on_write_lost(time now, ticket_id ticket,
                                                        std::string_view key) {
  effects out;
  note_page(heard_log::everything);
  auto& slot = store_.find_or_add(key);
  if (slot.requests) slot.requests->heard.note(last_ticket_, heard_log::everything);
  if (slot.held) die(slot, cache_death::own_write);
  if (tickets_.contains(ticket)) close_ticket(ticket);
  settle(now, slot, out);
  return out;
}

near_cache_core::effects near_cache_core::on_write_refused(time now, ticket_id ticket) {
  effects out;
  const auto open = tickets_.find(ticket);
  if (open == tickets_.end()) return out;
  auto& slot = *open->second.slot;
  close_ticket(ticket);
  settle(now, slot, out);
  return out;
}

// ---- the subscription ----

/// What the item is after a change at `tick`, as far as the change and what is held say so.
std::optional<cached_item> near_cache_core::item_after(const cache_slot& slot, std::uint64_t tick,
                                                       const change_content& content) const {
  if (const auto* value = std::get_if<cached_value>(&content)) return cached_item{tick, *value};
  if (std::holds_alternative<removed>(content)) return cached_item{tick, {}};
  const auto* part = std::get_if<partial_value>(&content);
  if (!part || !slot.held || slot.absent() || slot.entry.item.tick != part->base_tick) return {};
  auto merged = part->merge(*slot.entry.item.value);
  if (!merged) return {};
  return cached_item{tick, std::move(*merged)};
}

/// A leader has been there, or nearly so.
bool near_cache_core::believable(const cache_slot& slot, partition_id partition,
                                 std::uint64_t tick) {
  const auto known = partitions_.find(partition);
  const auto newest =
      std::max(slot.entry.read, known == partitions_.end() ? 0 : known->second.newest);
  const auto leaps = tick > newest && tick - newest > leap_max;
  figures_.leaps += leaps;
  return !leaps;
}

near_cache_core::effects near_cache_core::on_update(time now, partition_id partition,
                                                    std::string_view key, std::uint64_t tick,
                                                    const change_content& content) {
  effects out;
  invalidate_if_due(now);
  ++figures_.updates;
  note_page(tick);
  // A mirror holds what is new as well, but only as a leader says: of what is not held it cannot
  // be told whether a newer change was heard before.
  const auto wanted = mirroring_ && !std::holds_alternative<removed>(content);
  auto* slot = wanted ? &store_.find_or_add(key) : store_.find(key);
  if (!slot || !slot->held) ++figures_.updates_moot;
  if (!slot) return out;
  if (planted(bug::update_ignored)) return out;
  if (slot->requests) slot->requests->heard.note(last_ticket_, tick);
  if (slot->held)
    apply(now, *slot, partition, tick, content);
  else if (wanted && !asked(*slot))
    store_.want(*slot);
  settle(now, *slot, out);
  return out;
}

void near_cache_core::apply(time now, cache_slot& slot, partition_id partition, std::uint64_t tick,
                            const change_content& content) {
  if (tick <= slot.entry.read && !planted(bug::older_value_installed)) {
    ++figures_.updates_late;
    return;
  }
  const auto known = partitions_.find(partition);
  const auto base = known == partitions_.end() ? 0 : known->second.base;
  std::optional<cached_item> item;
  if (parameters_.carry_values && tick >= base && believable(slot, partition, tick))
    item = item_after(slot, tick, content);
  if (!item || !fits(slot, *item)) return die(slot, cache_death::message);
  ++figures_.updates_taken;
  ++figures_.died(cache_death::replaced);
  // Nothing newer than what was held had been committed at proven_at, so nothing newer than this.
  const auto proven_at = slot.entry.proven_at;
  store_.keep(slot, {partition, tick, std::move(*item), proven_at, now, last_ticket_});
}

near_cache_core::effects near_cache_core::on_whole(time now, partition_id partition,
                                                   std::uint64_t tick) {
  effects out;
  ++figures_.updates;
  note_whole(partition, tick);
  drop_all(store_.read_before(partition, tick), cache_death::message);
  hold_bounds(out);
  go_on(now, out);
  return out;
}

near_cache_core::effects near_cache_core::on_drop(time now, partition_id partition,
                                                  std::uint64_t base, cache_death why) {
  effects out;
  if (base != 0)
    partitions_[partition].base = base;
  else
    note_whole(partition, heard_log::everything);
  drop_all(store_.read_before(partition, base != 0 ? base : heard_log::everything), why);
  hold_bounds(out);
  go_on(now, out);
  return out;
}

near_cache_core::effects near_cache_core::on_drop_all(time now, cache_death why) {
  effects out;
  note_all();
  drop_all(store_.all(), why);
  hold_bounds(out);
  go_on(now, out);
  return out;
}

void near_cache_core::on_proven(time now, partition_id partition, const proof& what) {
  auto& state = partitions_[partition];
  const auto when = std::min(now, what.when);
  state.proven = state.proven ? std::max(*state.proven, when) : when;
  // The newest word counts, lower or not: a base out of the blue must not shut the cache for ever.
  state.base = what.base;
  state.newest = std::max(state.newest, what.newest);
}

// ---- the owner ----

near_cache_core::effects near_cache_core::mirror(time now, const std::vector<std::string>& keys) {
  effects out;
  for (const auto& key : keys) {
    if (!mirroring_) break;
    auto& slot = store_.find_or_add(key);
    if (!slot.held && !asked(slot)) store_.want(slot);
    settle(now, slot, out);
  }
  return out;
}

near_cache_core::effects near_cache_core::set_parameters(time now,
                                                         near_cache_parameters parameters) {
  effects out;
  if (parameters.invalidation_interval != parameters_.invalidation_interval)
    invalidate_at_ = now + parameters.invalidation_interval;
  parameters_ = parameters;
  if (!parameters.mirror) stop_mirror();
  mirroring_ = parameters.mirror;
  hold_bounds(out);
  go_on(now, out);
  return out;
}

}  // namespace dunlin
