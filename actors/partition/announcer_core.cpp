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
    rows_.emplace_hint(rows_.end(), tick, held{std::move(one), silent, false});
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
    selection_->observe(done->queue, now - done->sent_at);
    for (const auto tick : done->ticks)
      rows_.at(tick).done = true;
    advance(out);
  }
  dispatch(out);
  return out;
}

announcer_core::effects announcer_core::on_failed(time now, std::uint64_t id) {
  now_ = now;
  if (const auto lost = take(id)) {
    selection_->observe(lost->queue, limits_.answer_timeout);
    waiting_.insert(lost->ticks.begin(), lost->ticks.end());
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
      auto& one = rows_.at(tick);
      one.done = lonely;
      one.alone = true;
      if (!lonely) waiting_.insert(tick);
    }
    given_up_ += lonely ? 1 : 0;
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

// Rows wait for an answer, which is an input of its own, for a queue to have rested, or, where the
// queue of the interval has all that it may have, for the next interval.
std::optional<announcer_core::time> announcer_core::next_wake() const {
  if (waiting_.empty()) return std::nullopt;
  std::optional<time> wake;
  const auto consider = [&](time at) {
    if (at > now_ && (!wake || at < *wake)) wake = at;
  };
  if (!current_.empty() && full(current_)) consider(interval_end_);
  for (const auto& [name, queue] : queues_)
    consider(queue.rests_until);
  return wake;
}

void announcer_core::dispatch(effects& out) {
  while (!waiting_.empty()) {
    const auto queue = queue_for(rows_.at(*waiting_.begin()).what);
    if (!queue) return;
    out.push_back(make_message(*queue));
  }
}

std::vector<node_id> announcer_core::usable() const {
  std::vector<node_id> names;
  for (const auto& [name, queue] : queues_)
    if (!rests(name) && !full(name)) names.push_back(name);
  return names;
}

std::optional<node_id> announcer_core::queue_for(const row& what) {
  const auto by_item = selection_->by_item();
  if (!by_item && !current_.empty() && now_ < interval_end_ && !rests(current_))
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
    const auto& one = rows_.at(*next);
    if (selection_->by_item() && queue_for(one.what) != queue) {
      ++next;
      continue;
    }
    bytes += one.what.bytes;
    if (!fresh.ticks.empty() && (one.alone || bytes > limits_.bytes_max)) break;
    fresh.ticks.push_back(*next);
    next = waiting_.erase(next);
    if (one.alone || fresh.ticks.size() >= limits_.message_rows_max) break;
  }
  ++queues_.at(queue).in_flight;
  return {queue, id, fresh.ticks};
}

std::optional<announcer_core::message> announcer_core::take(std::uint64_t id) {
  auto node = in_flight_.extract(id);
  if (node.empty()) return std::nullopt;
  --queues_.at(node.mapped().queue).in_flight;
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
