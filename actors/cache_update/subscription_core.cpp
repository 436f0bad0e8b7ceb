#include "actors/cache_update/subscription_core.hpp"

#include <algorithm>

namespace dunlin {

using cache_update::queue_session;
using cache_update::type_coverage;

namespace {

/// More cannot honestly be in one batch, unless it says that anything may have changed.
constexpr std::uint64_t ordinals_max = 1u << 21;

}  // namespace

subscription_core::subscription_core(cache_update::options limits, std::vector<std::string> types,
                                     const std::vector<node_id>& queues, time now,
                                     random_source& random)
    : limits_{limits}, types_{std::move(types)}, born_{now}, random_{random} {
  for (const auto& queue : queues)
    sessions_.emplace(queue, queue_session{limits_, now});
}

queue_session* subscription_core::session(const node_id& queue) {
  const auto found = sessions_.find(queue);
  if (found != sessions_.end()) return &found->second;
  ++count_.refused;
  return nullptr;
}

subscription_core::effects subscription_core::on_subscribed(time now, const node_id& queue,
                                                            std::uint64_t attempt,
                                                            const cache_update::subscribed& said) {
  effects out;
  auto* with = session(queue);
  if (!with) return out;
  if (said.missed) ++count_.missed;
  with->on_reply(now, attempt, said);
  if (!all_know_us_ && subscribed_queues() == sessions_.size()) all_know_us_ = now;
  ask_and_say(now, out);
  return out;
}

subscription_core::effects subscription_core::on_refused(time now, const node_id& queue,
                                                         std::uint64_t attempt) {
  if (auto* with = session(queue)) with->on_refused(now, attempt, random_);
  return {};
}

void subscription_core::on_peer_lost(time now, const node_id& queue) {
  if (auto* with = session(queue)) with->on_lost(now, random_);
}

subscription_core::effects subscription_core::on_peer_up(time now, const node_id& queue) {
  effects out;
  if (auto* with = session(queue)) with->on_up(now);
  ask_and_say(now, out);
  return out;
}

subscription_core::effects subscription_core::on_batch(time now, cache_update::batch came) {
  effects out;
  auto* with = session(came.queue);
  if (!with) return out;
  if (came.after >= came.sequence || came.sequence > ordinal_limit) {
    ++count_.refused;
    return out;
  }
  ++count_.batches;
  const bool had_hole = with->has_hole();
  const auto how = with->on_batch(now, came);
  count_.replays += how == queue_session::arrival::mends;
  count_.duplicates += how == queue_session::arrival::twice;
  count_.late += how == queue_session::arrival::late;
  count_.gaps += !had_hole && with->has_hole();
  // Whatever its number is: ordinals say what is new in it.
  for (auto& part : came.parts)
    take(now, std::move(part), out);
  ask_and_say(now, out);
  return out;
}

bool subscription_core::sensible(const cache_update::type_changes& part) const {
  return std::binary_search(types_.begin(), types_.end(), part.type) && !part.covered.empty() &&
         well_formed(part.covered) && part.whole_tick <= ordinal_limit &&
         // What it says of its ordinals is not worth more than its ticks are.
         std::all_of(part.changes.begin(), part.changes.end(),
                     [](const auto& one) { return one.tick <= ordinal_limit; }) &&
         (part.whole_tick > 0 || numbers_in(part.covered) <= ordinals_max);
}

void subscription_core::take(time now, cache_update::type_changes part, effects& out) {
  auto* at = sensible(part) ? track(part.partition, part.type) : nullptr;
  if (!at) {
    ++count_.refused;
    return;
  }
  auto& heard = at->second;
  if (!heard.hear(now, part.covered)) {
    ++count_.old_changes;
    return;
  }
  if (part.whole_tick > 0 && heard.raise_base(part.whole_tick))
    out.push_back(drop{part.type, part.partition, heard.base_tick(), reason::whole});
  // Of what was before the base nothing is held, and a value from then may have been overtaken
  // unheard.
  std::erase_if(part.changes, [&](const auto& one) { return one.tick <= heard.base_tick(); });
  if (!part.changes.empty())
    out.push_back(apply{part.type, part.partition, std::move(part.changes)});
  settle(*at, out);
}

subscription_core::coverage_entry* subscription_core::track(partition_id partition,
                                                            const std::string& type) {
  const auto found = coverage_.find({partition, type});
  if (found != coverage_.end()) return &*found;
  if (coverage_.size() >= limits_.tracked_max) return nullptr;
  return &*coverage_.emplace(place{partition, type}, type_coverage{limits_.runs_max}).first;
}

subscription_core::effects subscription_core::on_news(time now, const cache_update::news& said) {
  effects out;
  auto* with = session(said.queue);
  if (!with) return out;
  if (with->on_news(now, said)) ++count_.missed;
  for (const auto& one : said.partitions)
    learn(now, one, said.echo, out);
  ask_and_say(now, out);
  return out;
}

void subscription_core::learn(time now, const cache_update::partition_news& said,
                              std::uint64_t echo, effects& out) {
  type_coverage::claim claim{0, said.tick, std::nullopt};
  // Only a stamp of this life can have been echoed.
  const auto stamp = time{static_cast<time::rep>(std::min(echo, ordinal_limit))};
  if (echo > 0 && stamp >= born_ && stamp <= now) claim.true_at = stamp - time{said.age_ms};
  for (const auto& type : types_) {
    const auto last = std::find_if(said.last.begin(), said.last.end(),
                                   [&](const auto& one) { return one.first == type; });
    claim.ordinal = last == said.last.end() ? 0 : last->second;
    auto* at = claim.ordinal <= ordinal_limit && said.tick <= ordinal_limit
                   ? track(said.partition, type)
                   : nullptr;
    if (!at) {
      ++count_.refused;
      continue;
    }
    if (!at->second.known() && !fit_for_base(now, claim)) continue;
    if (at->second.learn(limits_, now, claim))
      out.push_back(drop{type, said.partition, at->second.base_tick(), reason::base});
    settle(*at, out);
  }
}

bool subscription_core::fit_for_base(time now, const type_coverage::claim& said) const {
  // What is committed after the base must come by some queue. Before all know us, some of it may
  // have passed us by, and the base would have to be dropped at once.
  if (all_know_us_ && said.true_at && *said.true_at >= *all_know_us_) return true;
  return now - born_ >= limits_.base_patience;
}

void subscription_core::settle(coverage_entry& of, effects& out) {
  const auto& [where, heard] = of;
  if (heard.has_hole())
    holes_.insert(where);
  else
    holes_.erase(where);
  if (const auto at = of.second.take_proven())
    out.push_back(proven{where.second, where.first, *at, heard.base_tick()});
}

subscription_core::effects subscription_core::on_timer(time now) {
  effects out;
  drop_what_has_holes(now, out);
  for (auto& [queue, with] : sessions_)
    with.check_silence(now);
  ask_and_say(now, out);
  return out;
}

void subscription_core::drop_what_has_holes(time now, effects& out) {
  const std::vector<place> holes{holes_.begin(), holes_.end()};
  for (const auto& where : holes) {
    auto& at = *coverage_.find(where);
    const auto when = at.second.drop_at(limits_);
    if (!when || now < *when) continue;
    at.second.drop();
    ++count_.drops;
    out.push_back(drop{where.second, where.first, at.second.base_tick(), reason::hole});
    settle(at, out);
  }
}

void subscription_core::ask_and_say(time now, effects& out) {
  for (auto& [queue, with] : sessions_) {
    if (const auto wish = with.ask(now, random_)) {
      ++count_.subscriptions;
      out.push_back(
          subscribe{queue, wish->attempt, wish->queue_incarnation, wish->received_through});
    }
    if (!with.ack_due(now)) continue;
    ++count_.acks;
    out.push_back(acknowledge{queue, with.incarnation(), with.received().through(),
                              with.received().beyond(), static_cast<std::uint64_t>(now.count())});
  }
}

subscription_core::time subscription_core::next_wake() const {
  auto next = time::max();
  for (const auto& [queue, with] : sessions_)
    next = std::min(next, with.next_wake());
  for (const auto& where : holes_)
    if (const auto when = coverage_.at(where).drop_at(limits_)) next = std::min(next, *when);
  return next;
}

std::vector<node_id> subscription_core::subscribed() const {
  std::vector<node_id> queues;
  for (const auto& [queue, with] : sessions_)
    if (with.is_subscribed()) queues.push_back(queue);
  return queues;
}

std::size_t subscription_core::subscribed_queues() const {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(),
                    [](const auto& one) { return one.second.is_subscribed(); }));
}

}  // namespace dunlin
