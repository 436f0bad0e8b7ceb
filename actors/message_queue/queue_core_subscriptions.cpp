// QUEUE CORE, what comes in: who listens, to what, from where on; and what is refused.
#include "actors/message_queue/queue_core.hpp"

#include <algorithm>

namespace dunlin {

using queue::subscriber;
using queue::subscriber_key;
using queue::type_set;

namespace {

/// One batch cannot honestly stand for more, unless it says that anything may have changed.
constexpr std::uint64_t ordinals_max = 1u << 20;

bool sensible_name(const queue::options& limits, const std::string& name) {
  return !name.empty() && name.size() <= limits.name_bytes_max;
}

std::optional<std::string> flaw_in(const queue::options& limits, const queue::type_updates& of) {
  if (!sensible_name(limits, of.type)) return "a type without a name, or with a long one";
  if (of.covered.empty() || of.covered.size() > limits.batch_runs_max || !well_formed(of.covered))
    return "ordinals that are no runs";
  bool whole = false;
  for (const auto& update : of.updates) {
    whole |= update.whole;
    if (update.tick == 0 || update.tick > ordinal_limit) return "an absurd tick";
    if (update.key.size() > limits.key_bytes_max || update.key.empty() != update.whole)
      return "a key that is none";
    if (!update.encoded) return "an update without bytes";
  }
  if (of.updates.empty()) return "ordinals without a change";
  if (!whole && numbers_in(of.covered) > ordinals_max) return "too many ordinals";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> queue_core::flaw(const queue::enqueue& what) const {
  if (what.changes.empty() || what.changes.size() > limits_.sections_max)
    return "no changes, or of too many types and partitions";
  if (what.time_to_live.count() < 0) return "a time to live that is none";
  for (const auto& changes : what.changes)
    if (auto wrong = flaw_in(limits_, changes)) return wrong;
  return std::nullopt;
}

std::optional<std::string> queue_core::flaw(const queue::subscription& wish) const {
  if (!sensible_name(limits_, wish.who.node)) return "a node without a name";
  if (wish.types.empty() || wish.types.size() > limits_.types_max) return "no types, or too many";
  for (const auto& type : wish.types)
    if (!sensible_name(limits_, type)) return "a type without a name, or with a long one";
  const auto unordered = std::adjacent_find(wish.types.begin(), wish.types.end(),
                                            [](const auto& a, const auto& b) { return a >= b; });
  if (unordered != wish.types.end()) return "types that do not ascend";
  return std::nullopt;
}

queue_core::effects queue_core::on_subscribe(time now, request_id request,
                                             queue::subscription wish) {
  const auto refused = [&](ec reason, std::string detail) {
    ++count_.refused;
    return effects{refuse{request, reason, std::move(detail)}};
  };
  if (const auto wrong = flaw(wish)) return refused(ec::bad_message, *wrong);
  std::uint64_t stamp = 0;
  if (const auto known = find(wish.who)) {
    if (known->who->incarnation > wish.incarnation)
      return refused(ec::stale, "an older life of the subscriber");
    if (known->who->incarnation == wish.incarnation) stamp = known->who->stamp;
  } else if (homes_.size() >= limits_.subscribers_max) {
    return refused(ec::overloaded, "too many subscribers");
  }
  const auto before = homes_.find(wish.who);
  const auto moves = before != homes_.end() && before->second != wish.types;
  leave(wish.who);
  if (moves) drop_idle_sets();
  auto* set = open_set(wish.types);
  if (!set) return refused(ec::overloaded, "too many sets of types");
  set->ring.expire(now);  // what a restart brought back may be too old
  const auto [from, missed] = starting_point(*set, wish);
  if (missed) ++count_.missed;
  homes_.emplace(wish.who, wish.types);
  const subscriber fresh{wish.incarnation, stamp, true, queue::subscriber_cursor{from, now}};
  auto& member = set->members.emplace(wish.who, fresh).first->second;
  effects out;
  out.push_back(accept_subscription{request, incarnation_, from + 1, missed});
  fill(now, *set, wish.who, member, out);
  return out;
}

std::pair<std::uint64_t, bool> queue_core::starting_point(const type_set& set,
                                                          const queue::subscription& wish) const {
  // Who never heard of this queue begins with nothing, and so has nothing that could have changed.
  if (wish.queue_incarnation == 0) return {set.idle_through(spool_.last()), false};
  const auto kept = set.ring.kept_after();
  // Numbers of a spool that is gone say nothing about this one.
  if (wish.queue_incarnation < spool_.header().first_incarnation ||
      wish.queue_incarnation > incarnation_ || wish.received_through > spool_.last())
    return {kept, true};
  return {std::max(kept, wish.received_through), wish.received_through < kept};
}

std::optional<queue_core::place> queue_core::find(const subscriber_key& who) {
  const auto home = homes_.find(who);
  if (home == homes_.end()) return std::nullopt;
  auto& set = sets_.at(home->second);
  return place{&set, &set.members.at(who)};
}

type_set* queue_core::open_set(const set_key& types) {
  const auto found = sets_.find(types);
  if (found != sets_.end()) return &found->second;
  if (sets_.size() >= limits_.sets_max) return nullptr;
  type_set fresh{
      types,
      {},
      queue::batch_ring{limits_.ring_bytes_max, limits_.ring_batches_max, spool_.kept_after()},
      time::min() / 2,
      {}};
  auto& set = sets_.emplace(types, std::move(fresh)).first->second;
  rebuild(set);
  return &set;
}

void queue_core::rebuild(type_set& set) {
  const auto cut = [&] {
    set.ring.push(set.pending.take(self_, incarnation_, set.ring.last()));
    ++count_.batches;
  };
  for (const auto& row : spool_.rows()) {
    // Rows of different ages do not share a batch, for it dies with the first of them.
    const auto younger = row.expires > set.pending.expires() + limits_.time_to_live_min;
    if (!set.pending.empty() && (younger || set.overflows(limits_, *row.what))) cut();
    set.add(row);
  }
  if (!set.pending.empty()) cut();
}

void queue_core::leave(const subscriber_key& who) {
  const auto home = homes_.find(who);
  if (home == homes_.end()) return;
  const auto set = sets_.find(home->second);
  const auto gone = set->second.members.find(who);
  count_.resends += gone->second.cursor.resends();
  count_.given_up += gone->second.cursor.given_up();
  set->second.members.erase(gone);
  homes_.erase(home);
}

void queue_core::drop_idle_sets() {
  std::erase_if(sets_, [](const auto& one) { return one.second.members.empty(); });
}

}  // namespace dunlin
