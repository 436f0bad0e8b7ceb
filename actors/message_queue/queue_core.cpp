#include "actors/message_queue/queue_core.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

using queue::subscriber;
using queue::subscriber_key;
using queue::type_set;

queue_core::queue_core(queue::options limits, node_id self, std::uint64_t incarnation, time now,
                       queue::spool_header stored, std::vector<queue::spool_row> rows)
    : limits_{limits},
      self_{std::move(self)},
      incarnation_{incarnation},
      born_{now},
      spool_{limits_, incarnation, stored, std::move(rows)},
      ask_at_{now},
      housekeeping_at_{now + limits.housekeeping_interval},
      scan_at_{now + limits.scan_interval},
      last_store_{now - limits.store_interval} {}

queue_core::effects queue_core::on_enqueue(time now, request_id request, queue::enqueue what) {
  if (const auto wrong = flaw(what)) {
    ++count_.refused;
    return {refuse{request, ec::bad_message, *wrong}};
  }
  const auto bytes = queue::bytes_of(what);
  if (bytes > limits_.batch_bytes_max) {
    ++count_.refused;
    return {refuse{request, ec::invalid_argument, "more than a batch may hold"}};
  }
  if (spool_.full(limits_, bytes)) {
    ++count_.overloaded;
    return {refuse{request, ec::overloaded, "too much waits for the disk"}};
  }
  const auto wanted = what.time_to_live.count() == 0 ? limits_.time_to_live : what.time_to_live;
  const auto lives = std::clamp(wanted, limits_.time_to_live_min, limits_.time_to_live_max);
  const auto& row = spool_.append(limits_, std::move(what), bytes, now + lives, request);
  ++count_.rows;
  for (const auto& changes : row.what->changes)
    count_.updates += changes.updates.size();
  effects out;
  take(now, row, out);
  // Those who listen first: the leader waits for the disk anyway.
  out.push_back(persist{request, row.number, lives});
  store_soon(now, bytes, out);
  return out;
}

void queue_core::store_soon(time now, std::size_t bytes, effects& out) {
  unstored_bytes_ += bytes;
  if (!store_at_) store_at_ = last_store_ + limits_.store_interval;
  if (now >= *store_at_ || unstored_bytes_ >= limits_.store_bytes_max) store_now(now, out);
}

void queue_core::store_now(time now, effects& out) {
  store_at_.reset();
  unstored_bytes_ = 0;
  last_store_ = now;
  out.push_back(store{});
}

void queue_core::take(time now, const queue::spool_row& row, effects& out) {
  for (auto& [types, set] : sets_) {
    if (set.overflows(limits_, *row.what)) flush(now, set, out);
    set.add(row);
    // An idle stream does not wait (leading edge), a busy one flushes once a window.
    if (!set.pending.empty() && now - set.last_flush >= limits_.window) flush(now, set, out);
  }
}

void queue_core::flush(time now, type_set& set, effects& out) {
  const auto sequence = set.pending.last_row();
  set.ring.push(set.pending.take(self_, incarnation_, set.ring.last()));
  set.last_flush = now;
  ++count_.batches;
  const auto* made = set.ring.find(sequence);
  send_batch all{made->bytes, {}};
  for (auto& [who, member] : set.members) {
    if (!member.cursor.takes(limits_, *made)) continue;
    member.cursor.sent(*made, now);
    all.to.push_back(who);
  }
  count_.frames += all.to.size();
  count_.frame_bytes += all.to.size() * all.bytes->size();
  scanning_ |= !all.to.empty();
  if (!all.to.empty()) out.push_back(std::move(all));
}

void queue_core::fill(time now, type_set& set, const subscriber_key& who, subscriber& of,
                      effects& out) {
  set.ring.expire(now);
  if (of.cursor.lose_through(set.ring.kept_after())) ++count_.missed;
  std::vector<const queue::batch*> batches;
  of.cursor.fill(limits_, now, set.ring, batches);
  count_.frames += batches.size();
  scanning_ |= !batches.empty();
  for (const auto* one : batches) {
    count_.frame_bytes += one->bytes->size();
    out.push_back(send_batch{one->bytes, {who}});
  }
}

queue_core::effects queue_core::on_persisted(std::uint64_t row) {
  effects out;
  for (const auto& one : spool_.persisted(row))
    out.push_back(accept{one.request});
  return out;
}

queue_core::effects queue_core::on_persist_failed(std::uint64_t row, ec reason) {
  const auto waiting = spool_.failed(row);
  if (!waiting) return {};
  return {refuse{waiting->request, reason, "cannot be written"}};
}

queue_core::effects queue_core::on_ack(time now, const queue::acknowledgement& said) {
  const auto at = find(said.who);
  // Of another life of either side: the subscriber will subscribe when it sees what the queue says.
  if (!at || at->who->incarnation != said.incarnation || said.queue_incarnation != incarnation_ ||
      said.beyond.size() > 64 || !well_formed(said.beyond)) {
    ++count_.stray_acks;
    return {};
  }
  effects out;
  at->who->cursor.acknowledge(limits_, now, said);
  at->who->stamp = std::max(at->who->stamp, said.stamp);
  fill(now, *at->set, said.who, *at->who, out);
  if (std::exchange(at->who->wants_news, false) && !news_.empty())
    send_news_of(now, *at->set, {address(*at->set, said.who, *at->who)}, out);
  return out;
}

void queue_core::on_peer_lost(const node_id& node) {
  for (auto& [types, set] : sets_)
    for (auto& [who, member] : set.members)
      if (who.node == node) member.cursor.pause();
}

queue_core::effects queue_core::on_timer(time now) {
  effects out;
  for (auto& [types, set] : sets_)
    if (!set.pending.empty() && now - set.last_flush >= limits_.window) flush(now, set, out);
  if (store_at_ && now >= *store_at_) store_now(now, out);
  if (scanning_ && now >= scan_at_) scan(now, out);
  news_timer(now, out);
  if (now >= housekeeping_at_) housekeeping(now, out);
  return out;
}

void queue_core::scan(time now, effects& out) {
  scanning_ = false;
  scan_at_ = now + limits_.scan_interval;
  for (auto& [types, set] : sets_)
    for (auto& [who, member] : set.members) {
      if (member.cursor.in_flight() == 0) continue;
      fill(now, set, who, member, out);
      scanning_ = true;
    }
}

queue_core::time queue_core::next_wake() const {
  auto next = std::min(ask_at_, housekeeping_at_);
  if (tell_at_) next = std::min(next, *tell_at_);
  if (store_at_) next = std::min(next, *store_at_);
  if (scanning_) next = std::min(next, scan_at_);
  for (const auto& [types, set] : sets_)
    if (!set.pending.empty()) next = std::min(next, set.last_flush + limits_.window);
  return next;
}

void queue_core::housekeeping(time now, effects& out) {
  housekeeping_at_ = now + limits_.housekeeping_interval;
  std::vector<subscriber_key> silent;
  for (auto& [types, set] : sets_)
    for (auto& [who, member] : set.members)
      if (now - member.cursor.last_heard() >= limits_.silence_max) silent.push_back(who);
  for (const auto& who : silent) {
    leave(who);
    ++count_.forgotten;
    out.push_back(forget_subscriber{who});
  }
  drop_idle_sets();
  auto all_have = spool_.last();
  for (auto& [types, set] : sets_) {
    set.ring.expire(now);
    auto set_has = set.ring.last();
    for (auto& [who, member] : set.members) {
      if (member.cursor.lose_through(set.ring.kept_after())) ++count_.missed;
      set_has = std::min(set_has, member.cursor.through());
      all_have = std::min(all_have, set.through_of(member, spool_.last()));
    }
    set.ring.drop_through(set_has);
  }
  // Subscribers of the life before may still come back for what it had not given them.
  if (now - born_ < limits_.silence_max) all_have = 0;
  if (const auto through = spool_.trim(limits_, now, all_have)) out.push_back(trim_spool{*through});
}

queue_core::figures queue_core::count() const {
  auto out = count_;
  for (const auto& [types, set] : sets_)
    for (const auto& [who, member] : set.members) {
      out.resends += member.cursor.resends();
      out.given_up += member.cursor.given_up();
    }
  return out;
}

std::vector<queue_core::backlog> queue_core::backlogs(time now) const {
  std::vector<backlog> out;
  for (const auto& [types, set] : sets_)
    for (const auto& [who, member] : set.members)
      out.push_back({who, spool_.last() - set.through_of(member, spool_.last()),
                     member.cursor.in_flight(), now - member.cursor.last_heard()});
  return out;
}

std::size_t queue_core::ring_bytes() const {
  std::size_t sum = 0;
  for (const auto& [types, set] : sets_)
    sum += set.ring.bytes() + set.pending.bytes();
  return sum;
}

}  // namespace dunlin
