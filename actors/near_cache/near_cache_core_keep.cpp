// What is kept of what comes in, and how long.
#include "actors/near_cache/near_cache_core.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>
#include <iterator>

namespace dunlin {
namespace {

constexpr std::size_t sweep_max = 256;  // entries that one timer looks at
constexpr std::size_t wholes_max = 64;  // partitions with a whole change while tickets are open

bool same(const cached_item& one, const cached_item& other) {
  return one.value ? other.value && one.tick == other.tick : !other.value;
}

}  // namespace

// ---- tickets ----

near_cache_core::ticket_id near_cache_core::open_ticket(time now, cache_slot& slot) {
  if (!slot.requests) slot.requests = std::make_unique<key_requests>();
  ++slot.requests->tickets;
  tickets_.emplace_hint(tickets_.end(), ++last_ticket_, ticket{&slot, now, false});
  return last_ticket_;
}

void near_cache_core::close_ticket(ticket_id id) {
  const auto closed = tickets_.find(id);
  auto& requests = *closed->second.slot->requests;
  tickets_.erase(closed);
  --requests.tickets;
  const auto oldest = tickets_.empty() ? last_ticket_ + 1 : tickets_.begin()->first;
  requests.heard.trim(oldest);
  all_.trim(oldest);
  for (auto one = wholes_.begin(); one != wholes_.end();) {
    one->second.trim(oldest);
    one = one->second.empty() ? wholes_.erase(one) : std::next(one);
  }
}

std::uint64_t near_cache_core::heard_since(ticket_id id, const cache_slot& slot,
                                           partition_id partition) const {
  const auto whole = wholes_.find(partition);
  return std::max({slot.requests->heard.since(id), all_.since(id),
                   whole == wholes_.end() ? 0 : whole->second.since(id)});
}

void near_cache_core::note_all() {
  note_page(heard_log::everything);
  if (tickets_.empty()) return;
  all_.note(last_ticket_, heard_log::everything);
  last_whole_ = last_ticket_;
}

void near_cache_core::note_whole(partition_id partition, std::uint64_t tick) {
  note_page(tick);
  if (tickets_.empty()) return;
  if (wholes_.size() >= wholes_max && !wholes_.contains(partition)) return note_all();
  wholes_[partition].note(last_ticket_, tick);
  last_whole_ = last_ticket_;
}

// ---- what is kept ----

bool near_cache_core::fits(const cache_slot& slot, const cached_item& item) const {
  return parameters_.items_max > 0 &&
         entry_store::charge(*slot.key, item) <= parameters_.bytes_max / 8;
}

std::optional<fill_refusal> near_cache_core::judge(const cache_slot& slot, const candidate& what,
                                                   std::uint64_t heard) const {
  if (slot.held && slot.entry.read > what.read) return fill_refusal::older;
  if (heard > what.read && !planted(bug::fill_overtakes_invalidation))
    return fill_refusal::overtaken;
  const auto partition = partitions_.find(what.partition);
  if (partition != partitions_.end() && what.read < partition->second.base)
    return fill_refusal::before_base;
  if (!fits(slot, what.item)) return fill_refusal::too_large;
  return {};
}

/// What a leader said to the holder of ticket `id`, who has heard of `heard` meanwhile.
void near_cache_core::take_in(time now, cache_slot& slot, ticket_id id, candidate what,
                              std::uint64_t heard) {
  // The leader was asked after this was held, and has not come so far: the entry's tick was a lie.
  if (slot.held && id > slot.entry.since && what.read < slot.entry.read)
    die(slot, cache_death::contradicted);
  auto& newest = partitions_[what.partition].newest;
  newest = std::max(newest, what.read);
  const auto differs = slot.held && !same(slot.entry.item, what.item);
  if (const auto why = judge(slot, what, heard)) {
    ++figures_.refused(*why);
    // Who is given this must not be followed by others who are given what is held, if that is
    // older; two negative entries may have had a life between them.
    const auto older = slot.held && slot.entry.read < what.read;
    if (older && slot.entry.item.tick != what.item.tick) die(slot, cache_death::replaced);
    return;
  }
  if (differs) ++figures_.died(cache_death::replaced);
  // If nothing newer than the older one was there at a time, nothing newer than this one was.
  if (slot.held) what.proven_at = std::max(what.proven_at, slot.entry.proven_at);
  store_.unwant(slot);
  store_.keep(slot,
              {what.partition, what.read, std::move(what.item), what.proven_at, now, last_ticket_});
}

bool near_cache_core::expired(time now, const cache_slot& slot) const {
  return now - slot.entry.kept_at >= parameters_.time_to_live;
}

void near_cache_core::die(cache_slot& slot, cache_death why) {
  const auto absent = slot.absent();
  store_.drop(slot);
  ++figures_.died(why);
  // What nobody asked for may go; what is being fetched is looked at again when it comes.
  const auto leaves = why == cache_death::eviction || (why == cache_death::expiry && absent);
  if (mirroring_ && !leaves && !asked(slot)) store_.want(slot);
}

void near_cache_core::drop_all(std::vector<cache_slot*> slots, cache_death why) {
  for (auto* slot : slots) {
    die(*slot, why);
    store_.release(*slot);
  }
}

// ---- bounds, and what goes on by itself ----

void near_cache_core::hold_bounds(effects& out) {
  const auto items_max = parameters_.items_max;
  const auto absents_max = std::max<std::size_t>(1, items_max / 4);
  for (;;) {
    const auto many_absent = store_.absents() > absents_max;
    const auto to_come = mirroring_ ? store_.wanted() + prefetching_ : 0;
    const auto items = store_.items() + to_come;
    if (items <= items_max && store_.bytes() <= parameters_.bytes_max && !many_absent) return;
    auto* victim = many_absent || mirroring_ ? store_.least_used_absent() : store_.least_used();
    if (!victim) {
      leave_mirror(out);
      continue;
    }
    die(*victim, cache_death::eviction);
    store_.release(*victim);
  }
}

void near_cache_core::leave_mirror(effects& out) {
  DUNLIN_ASSERT(mirroring_);
  ++figures_.mirror_overflows;
  stop_mirror();
  out.emplace_back(mirror_refused{});
}

void near_cache_core::stop_mirror() {
  mirroring_ = false;
  prefetch_at_.reset();
  while (auto* slot = store_.first_wanted()) {
    store_.unwant(*slot);
    store_.release(*slot);
  }
}

/// Sends what a mirror still has to fetch.
void near_cache_core::go_on(time now, effects& out) {
  if (prefetch_at_ && now < *prefetch_at_) return;
  prefetch_at_.reset();
  while (mirroring_ && prefetching_ < parameters_.prefetches_max) {
    auto* slot = store_.first_wanted();
    if (!slot) return;
    if (asked(*slot))
      store_.unwant(*slot);
    else if (!send_ask(now, *slot, true, out))
      return;  // a ticket that ends comes here again
  }
}

void near_cache_core::settle(time now, cache_slot& slot, effects& out) {
  if (slot.requests && slot.requests->tickets == 0) slot.requests.reset();
  store_.release(slot);
  hold_bounds(out);
  go_on(now, out);
}

void near_cache_core::invalidate_if_due(time now) {
  if (parameters_.invalidation_interval <= time{0} || now < invalidate_at_) return;
  invalidate_at_ = now + parameters_.invalidation_interval;
  note_all();
  drop_all(store_.all(), cache_death::command);
}

near_cache_core::effects near_cache_core::on_timer(time now) {
  effects out;
  invalidate_if_due(now);
  for (std::size_t i = 0; i < sweep_max; ++i) {
    auto* slot = store_.oldest();
    if (!slot || !expired(now, *slot)) break;
    drop_all({slot}, cache_death::expiry);
  }
  hold_bounds(out);
  go_on(now, out);
  return out;
}

std::optional<near_cache_core::time> near_cache_core::next_wake() const {
  auto wake = time::max();
  if (parameters_.invalidation_interval > time{0}) wake = std::min(wake, invalidate_at_);
  if (const auto* slot = store_.oldest(); slot && parameters_.time_to_live < time::max() / 2)
    wake = std::min(wake, slot->entry.kept_at + parameters_.time_to_live);
  if (prefetch_at_ && mirroring_) wake = std::min(wake, *prefetch_at_);
  return wake == time::max() ? std::nullopt : std::optional{wake};
}

void near_cache_core::check() const {
  store_.check();
  DUNLIN_ASSERT(store_.items() <= parameters_.items_max);
  DUNLIN_ASSERT(store_.bytes() <= parameters_.bytes_max);
  DUNLIN_ASSERT(mirroring_ || store_.wanted() == 0);
  DUNLIN_ASSERT(!tickets_.empty() || (all_.empty() && wholes_.empty() && readers_ == 0));
  std::size_t prefetching = 0;
  for (const auto& [id, open] : tickets_) {
    DUNLIN_ASSERT(open.slot->requests && open.slot->requests->tickets > 0);
    prefetching += open.slot->requests->asking == id && open.slot->requests->prefetch;
  }
  DUNLIN_ASSERT(prefetching == prefetching_);
}

}  // namespace dunlin
