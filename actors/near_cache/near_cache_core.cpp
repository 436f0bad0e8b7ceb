// Readers and what leaders answer them.
#include "actors/near_cache/near_cache_core.hpp"

#include "runtime/observe/planted.hpp"

#include <algorithm>

namespace dunlin {

near_cache_core::near_cache_core(near_cache_parameters parameters, time now)
    : parameters_{parameters},
      mirroring_{parameters.mirror},
      invalidate_at_{now + parameters.invalidation_interval} {}

near_cache_core::effects near_cache_core::look_up(time now, std::string_view key, reader_id reader,
                                                  wants what) {
  effects out;
  invalidate_if_due(now);
  ++figures_.lookups;
  auto& slot = store_.find_or_add(key);
  if (slot.held && expired(now, slot)) die(slot, cache_death::expiry);
  if (!slot.held) ++figures_.misses;
  const auto confirm = what == wants::confirmed || parameters_.mode == cache_mode::validated;
  const key_requests::reader who{reader, confirm, false};
  if (!confirm && fresh_enough(now, slot))
    hit(now, slot, who.id, out);
  else
    wait(now, slot, who, out);
  settle(now, slot, out);
  return out;
}

near_cache_core::time near_cache_core::proof_of(const cache_entry& entry) const {
  const auto partition = partitions_.find(entry.partition);
  if (partition == partitions_.end()) return entry.proven_at;
  const auto& [proven, base, newest] = partition->second;
  // What was read before the base may lack a change that nobody has heard of.
  const auto covered = proven && entry.read >= base;
  return covered ? std::max(*proven, entry.proven_at) : entry.proven_at;
}

bool near_cache_core::fresh_enough(time now, const cache_slot& slot) const {
  return slot.held && !expired(now, slot) &&
         (now - proof_of(slot.entry) <= parameters_.staleness_max || planted(bug::served_unproven));
}

void near_cache_core::give(cache_slot& slot, serve what, effects& out) {
  // A request sent before this may bring older, and must not give that to anybody after it.
  if (slot.requests) slot.requests->seen = std::max(slot.requests->seen, what.item.tick);
  note_page(what.item.tick);
  what.age = std::max(what.age, time{0});
  out.emplace_back(std::move(what));
}

void near_cache_core::hit(time now, cache_slot& slot, reader_id reader, effects& out) {
  ++figures_.hits;
  figures_.negative_hits += slot.absent();
  store_.use(slot);
  const auto& entry = slot.entry;
  give(slot, {reader, entry.item, entry.partition, true, false, now - proof_of(entry)}, out);
}

// One request of a key is in flight at a time; who may not share it shares the next (Q5).
void near_cache_core::wait(time now, cache_slot& slot, key_requests::reader who, effects& out) {
  const auto* requests = slot.requests.get();
  const auto here = requests ? requests->waiting.size() + requests->next.size() : 0;
  if (readers_ >= parameters_.readers_max || here >= parameters_.key_readers_max)
    return refuse(who.id, out);
  const auto late = asked(slot) && now - requests->asked_at >= parameters_.ask_patience;
  if (late && hurry(now, slot, out)) {
    slot.requests->waiting.push_back(who);
  } else if (!asked(slot)) {
    if (!send_ask(now, slot, false, out)) return refuse(who.id, out);
    slot.requests->waiting.push_back(who);
  } else if (may_join(now, slot, who)) {
    ++figures_.shared;
    who.joined = true;
    slot.requests->waiting.push_back(who);
  } else {
    figures_.shared += !requests->next.empty();
    slot.requests->next.push_back(who);
  }
  ++readers_;
}

// A request may be lost with a leader for as long as the router tries. Who comes meanwhile does not
// wait that long behind it, and those who wait already gain by it.
bool near_cache_core::hurry(time now, cache_slot& slot, effects& out) {
  auto& requests = *slot.requests;
  const auto old = requests.asking;
  const auto prefetch = requests.prefetch;
  if (!send_ask(now, slot, false, out)) return false;
  ++figures_.hurried;
  prefetching_ -= prefetch;
  tickets_.at(old).given_up = true;
  auto& waiting = requests.waiting;
  waiting.insert(waiting.end(), requests.next.begin(), requests.next.end());
  requests.next.clear();
  for (auto& who : waiting)
    who.joined = false;
  return true;
}

void near_cache_core::refuse(reader_id reader, effects& out) {
  ++figures_.overloads;
  out.emplace_back(fail{reader, ec::overloaded});
}

// The leader may have read any time since it was asked. That is too long ago for who wants to know
// what is, for the bound, and for who could have heard of a change since.
bool near_cache_core::may_join(time now, const cache_slot& slot,
                               const key_requests::reader& who) const {
  const auto& requests = *slot.requests;
  return !who.confirm && now - requests.asked_at <= parameters_.staleness_max &&
         requests.heard.since(requests.asking) == 0 && requests.asking > last_whole_;
}

/// False at the bound.
bool near_cache_core::send_ask(time now, cache_slot& slot, bool prefetch, effects& out) {
  if (tickets_.size() >= parameters_.tickets_max) return false;
  store_.unwant(slot);
  const auto id = open_ticket(now, slot);
  auto& requests = *slot.requests;
  requests.asking = id;
  requests.asked_at = now;
  requests.prefetch = prefetch;
  prefetching_ += prefetch;
  requests.seen_when_asked = requests.seen;
  // The leader keeps no ticks of what is gone, so a negative entry is asked for like any other.
  requests.known = slot.held && !slot.absent() ? slot.entry.item : cached_item{};
  ++(prefetch ? figures_.prefetches : slot.held ? figures_.confirmations : figures_.fetches);
  out.emplace_back(ask{id, *slot.key, requests.known.tick, prefetch});
  return true;
}

std::optional<near_cache_core::candidate> near_cache_core::read_from(
    const answer& said, const key_requests& requests) const {
  const auto at = requests.asked_at;
  if (const auto* it = std::get_if<found>(&said))
    return candidate{it->partition, std::max(it->read, it->tick), {it->tick, it->value}, at};
  if (const auto* it = std::get_if<absent>(&said))
    return candidate{it->partition, it->read, {it->read, {}}, at};
  const auto* it = std::get_if<unchanged>(&said);
  if (!it || !requests.known.value) return {};
  return candidate{it->partition, std::max(it->read, requests.known.tick), requests.known, at};
}

near_cache_core::effects near_cache_core::on_answer(time now, ticket_id ticket,
                                                    const answer& said) {
  effects out;
  invalidate_if_due(now);
  const auto open = tickets_.find(ticket);
  if (open == tickets_.end()) return out;
  auto& slot = *open->second.slot;
  if (open->second.given_up) {
    close_ticket(ticket);
    settle(now, slot, out);
    return out;
  }
  if (slot.requests->asking != ticket) return out;
  auto& requests = *slot.requests;
  const auto read = read_from(said, requests);
  figures_.unchanged += read && std::holds_alternative<unchanged>(said);
  auto again = mirroring_;
  if (read) {
    const auto heard = heard_since(ticket, slot, read->partition);
    requests.heard.note(last_ticket_, read->item.tick);  // for writers whose answers are older
    take_in(now, slot, ticket, *read, heard);
    hand_out(now, slot, *read, out);
    again = again && read->item.value && fits(slot, read->item);
  } else {
    const auto* why = std::get_if<ec>(&said);
    ++figures_.failures;
    fail_waiting(now, slot, why ? *why : ec::bad_message, out);
  }
  prefetching_ -= requests.prefetch;
  requests.asking = 0;
  requests.prefetch = false;
  requests.known = {};
  close_ticket(ticket);
  serve_next(now, slot, out);
  if (again && !slot.held && !asked(slot)) {
    store_.want(slot);
    prefetch_at_ = now + parameters_.prefetch_pause;
  }
  settle(now, slot, out);
  return out;
}

void near_cache_core::hand_out(time now, cache_slot& slot, const candidate& read, effects& out) {
  auto& requests = *slot.requests;
  // Newer than what was read, so committed since: right for all who wait, however strict.
  const auto held_is_newer = slot.held && slot.entry.read > read.read;
  const auto& item = held_is_newer ? slot.entry.item : read.item;
  const auto partition = held_is_newer ? slot.entry.partition : read.partition;
  if (item.tick < requests.seen && requests.seen > requests.seen_when_asked) {
    // Somebody has seen newer since, and that is no longer held. Nobody may be given older now; a
    // request sent from here on cannot bring it.
    figures_.repeated += !requests.waiting.empty();
    requests.next.insert(requests.next.begin(), requests.waiting.begin(), requests.waiting.end());
    requests.waiting.clear();
    return;
  }
  if (slot.held && !requests.waiting.empty()) store_.use(slot);
  readers_ -= requests.waiting.size();
  for (const auto& who : std::exchange(requests.waiting, {}))
    give(slot, {who.id, item, partition, false, !who.joined, now - read.proven_at}, out);
}

// What is held meanwhile, by a write or a proof, serves those whom it would serve if they came now.
void near_cache_core::fail_waiting(time now, cache_slot& slot, ec why, effects& out) {
  auto& requests = *slot.requests;
  readers_ -= requests.waiting.size();
  for (const auto& who : std::exchange(requests.waiting, {})) {
    if (!who.confirm && fresh_enough(now, slot))
      hit(now, slot, who.id, out);
    else
      out.emplace_back(fail{who.id, why});
  }
}

void near_cache_core::serve_next(time now, cache_slot& slot, effects& out) {
  auto& requests = *slot.requests;
  auto rest = std::exchange(requests.next, {});
  std::erase_if(rest, [&](const key_requests::reader& who) {
    if (who.confirm || !fresh_enough(now, slot)) return false;
    hit(now, slot, who.id, out);
    --readers_;
    return true;
  });
  if (rest.empty()) return;
  if (send_ask(now, slot, false, out)) {
    for (auto& who : rest)
      who.joined = false;
    requests.waiting = std::move(rest);
    return;
  }
  readers_ -= rest.size();
  for (const auto& who : rest)
    refuse(who.id, out);
}

near_cache_figures near_cache_core::figures() const {
  auto now = figures_;
  now.items = store_.items();
  now.bytes = store_.bytes();
  return now;
}

}  // namespace dunlin
