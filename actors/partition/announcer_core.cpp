#include "actors/partition/announcer_core.hpp"

#include <algorithm>

namespace dunlin {

announcer_core::announcer_core(limits bounds, std::vector<node_id> queues,
                               std::unique_ptr<queue_selection> selection)
    : limits_{bounds}, selection_{std::move(selection)} {
  for (auto& queue : queues)
    queues_.try_emplace(std::move(queue));
}

announcer_core::effects announcer_core::on_rows(time now, std::vector<row> rows) {
  DUNLIN_ASSERT(rows.size() <= room());
  now_ = now;
  for (auto& one : rows) {
    const auto tick = one.tick;
    DUNLIN_ASSERT(rows_.empty() || tick > rows_.rbegin()->first);
    const auto silent = one.bytes == 0;
    rows_.emplace_hint(rows_.end(), tick, held{std::move(one), silent});
    if (!silent) waiting_.insert(waiting_.end(), tick);
  }
  effects out;
  advance(out);
  dispatch(out);
  return out;
}

announcer_core::effects announcer_core::on_durable(time now, std::uint64_t id) {
  now_ = now;
  effects out;
  if (const auto done = take(id)) {
    auto& queue = queues_.at(done->queue);
    queue.failures = 0;
    queue.rests_until = {};
    const auto took = now - done->sent_at;
    queue.usual_ms += (static_cast<double>(took.count()) - queue.usual_ms) / 8;
    selection_->observe(done->queue, took);
    for (const auto tick : done->ticks) {
      waiting_.erase(tick);
      if (const auto row = rows_.find(tick); row != rows_.end()) row->second.done = true;
    }
    advance(out);
  }
  dispatch(out);
  return out;
}

announcer_core::effects announcer_core::on_failed(time now, std::uint64_t id) {
  now_ = now;
  if (const auto lost = take(id)) {
    selection_->observe(lost->queue, limits_.answer_timeout);
    let_go(*lost);
    // Messages that went together fail together: that is one failure.
    if (!rests(lost->queue)) {
      auto& queue = queues_.at(lost->queue);
      const auto doublings = std::min(queue.failures++, 16u);
      queue.rests_until = now + std::min(limits_.rest_min * (1 << doublings), limits_.rest_max);
    }
  }
  effects out;
  dispatch(out);
  return out;
}

announcer_core::effects announcer_core::on_refused(time now, std::uint64_t id) {
  now_ = now;
  effects out;
  if (const auto refused = take(id)) {
    const auto lonely = refused->ticks.size() == 1;
    for (const auto tick : refused->ticks) {
      const auto row = rows_.find(tick);
      // Another queue has it, so it can be read.
      if (row == rows_.end() || row->second.done) continue;
      row->second.alone = true;
      if (!lonely) continue;
      row->second.done = true;
      waiting_.erase(tick);
      ++given_up_;
    }
    let_go(*refused);
    advance(out);
  }
  dispatch(out);
  return out;
}

announcer_core::effects announcer_core::on_timer(time now) {
  now_ = now;
  effects out;
  dispatch(out);
  return out;
}

// Rows wait for an answer, which is an input of its own, for a queue to be late or to have rested,
// or, where the queue of the interval has all that it may have, for the next interval.
std::optional<announcer_core::time> announcer_core::next_wake() const {
  std::optional<time> wake;
  const auto consider = [&](time at) {
    if (at > now_ && (!wake || at < *wake)) wake = at;
  };
  bool overdue = false;
  if (queues_.size() > 1)
    for (const auto& [id, one] : in_flight_) {
      consider(late_at(one));
      overdue |= !one.late && late_at(one) <= now_;
    }
  if (waiting_.empty() && !overdue) return wake;
  if (!current_.empty() && full(current_)) consider(interval_end_);
  for (const auto& [name, queue] : queues_)
    consider(queue.rests_until);
  return wake;
}

announcer_core::time announcer_core::late_at(const message& of) const {
  if (of.late) return time::min();
  const auto usual = queues_.at(of.queue).usual_ms * limits_.patience_factor;
  return of.sent_at + std::max(limits_.patience_min, time{static_cast<time::rep>(usual)});
}

/// What is overdue goes to another queue, if there is one that is not late itself: each queue gets
/// a row once at most while none fails.
void announcer_core::hand_over() {
  for (auto& [id, one] : in_flight_) {
    if (one.late || now_ < late_at(one)) continue;
    const auto other = std::any_of(queues_.begin(), queues_.end(), [&, &mine = one](const auto& q) {
      return q.first != mine.queue && q.second.late == 0 && usable(q.first);
    });
    if (!other) continue;
    let_go(one);
    one.late = true;
    ++queues_.at(one.queue).late;
  }
}

/// The message does not carry its rows any more: those that no other does wait again.
void announcer_core::let_go(const message& of) {
  if (of.late) return;
  for (const auto tick : of.ticks) {
    const auto row = rows_.find(tick);
    if (row == rows_.end()) continue;
    auto& [what, done, alone, carriers] = row->second;
    if (--carriers == 0 && !done) waiting_.insert(tick);
  }
}

void announcer_core::dispatch(effects& out) {
  hand_over();
  while (!waiting_.empty()) {
    const auto queue = queue_for(rows_.at(*waiting_.begin()).what);
    if (!queue) return;
    out.push_back(make_message(*queue));
  }
}

std::vector<node_id> announcer_core::usable() const {
  std::vector<node_id> prompt, all;
  for (const auto& [name, queue] : queues_) {
    if (!usable(name)) continue;
    all.push_back(name);
    if (queue.late == 0) prompt.push_back(name);
  }
  return prompt.empty() ? all : prompt;
}

std::optional<node_id> announcer_core::queue_for(const row& what) {
  const auto by_item = selection_->by_item();
  if (!by_item && !current_.empty() && now_ < interval_end_ && !rests(current_) &&
      queues_.at(current_).late == 0)
    return full(current_) ? std::nullopt : std::optional(current_);
  const auto names = usable();
  if (names.empty()) return std::nullopt;
  const auto& chosen = names.at(selection_->choose(names, what.item));
  if (!by_item) {
    current_ = chosen;
    interval_end_ = now_ + limits_.interval;
  }
  return chosen;
}

announcer_core::send announcer_core::make_message(const node_id& queue) {
  const auto id = ++last_message_;
  auto& fresh = in_flight_[id];
  fresh.queue = queue;
  fresh.sent_at = now_;
  std::size_t bytes = 0;
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    auto& one = rows_.at(*next);
    if (selection_->by_item() && queue_for(one.what) != queue) {
      ++next;
      continue;
    }
    bytes += one.what.bytes;
    if (!fresh.ticks.empty() && (one.alone || bytes > limits_.bytes_max)) break;
    fresh.ticks.push_back(*next);
    ++one.carriers;
    next = waiting_.erase(next);
    if (one.alone || fresh.ticks.size() >= limits_.message_rows_max) break;
  }
  ++queues_.at(queue).in_flight;
  return {queue, id, fresh.ticks};
}

std::optional<announcer_core::message> announcer_core::take(std::uint64_t id) {
  auto node = in_flight_.extract(id);
  if (node.empty()) return std::nullopt;
  auto& queue = queues_.at(node.mapped().queue);
  --queue.in_flight;
  queue.late -= node.mapped().late ? 1 : 0;
  return std::move(node.mapped());
}

void announcer_core::advance(effects& out) {
  announced news;
  while (!rows_.empty() && rows_.begin()->second.done) {
    news.through = rows_.begin()->first;
    ++news.rows;
    rows_.erase(rows_.begin());
  }
  if (news.rows > 0) out.push_back(news);
}

}  // namespace dunlin
