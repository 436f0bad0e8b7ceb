#include "actors/partition/announcer_figures.hpp"

#include <iterator>
#include <string>
#include <utility>

namespace dunlin {

struct announcer_figures::numbers {
  counter &rows, &messages, &again, &failed, &refused, &changes, &announced;
  gauge &waiting, &oldest;

  numbers(metrics& from, const metrics::labels& of)
      : rows(from.counter("dunlin_announcer_rows_total", "Changes that were to be announced")),
        messages(from.counter("dunlin_announcer_messages_total", "Messages to queues")),
        again(from.counter("dunlin_announcer_rows_sent_again_total",
                           "Changes that were given to a queue once more")),
        failed(from.counter("dunlin_announcer_failed_total",
                            "Messages that a queue did not answer for, or had no room for")),
        refused(from.counter("dunlin_announcer_refused_total",
                             "Messages that a queue could make no sense of")),
        changes(from.counter("dunlin_announcer_queue_changes_total",
                             "Times that the next message went to another queue")),
        announced(from.counter("dunlin_announcer_announced_total",
                               "Changes that are durable at a queue")),
        waiting(from.gauge("dunlin_announcer_rows_waiting", "Changes not yet announced", of)),
        oldest(from.gauge("dunlin_announcer_oldest_wait_ms", "Since the oldest of them", of)) {}
};

announcer_figures::announcer_figures(std::shared_ptr<metrics> registry, partition_id partition)
    : registry_(std::move(registry)) {
  if (registry_)
    numbers_ = std::make_unique<numbers>(*registry_,
                                         metrics::labels{{"partition", std::to_string(partition)}});
}

announcer_figures::~announcer_figures() {
  if (!numbers_) return;
  numbers_->waiting.set(0);
  numbers_->oldest.set(0);
}

void announcer_figures::on_row(time now, std::uint64_t tick) {
  if (!numbers_) return;
  rows_.emplace_hint(rows_.end(), tick, row{now, false});
  numbers_->rows.add();
}

void announcer_figures::on_sent(const node_id& queue, const std::vector<std::uint64_t>& rows) {
  if (!numbers_) return;
  numbers_->messages.add();
  if (!last_queue_.empty() && last_queue_ != queue) numbers_->changes.add();
  last_queue_ = queue;
  for (const auto tick : rows)
    if (const auto found = rows_.find(tick);
        found != rows_.end() && std::exchange(found->second.sent, true))
      numbers_->again.add();
}

void announcer_figures::on_failed() {
  if (numbers_) numbers_->failed.add();
}

void announcer_figures::on_refused() {
  if (numbers_) numbers_->refused.add();
}

void announcer_figures::on_announced(std::uint64_t through) {
  if (!numbers_) return;
  const auto end = rows_.upper_bound(through);
  numbers_->announced.add(static_cast<double>(std::distance(rows_.begin(), end)));
  rows_.erase(rows_.begin(), end);
}

void announcer_figures::show(time now) {
  if (!numbers_) return;
  numbers_->waiting.set(static_cast<double>(rows_.size()));
  numbers_->oldest.set(
      rows_.empty() ? 0 : static_cast<double>((now - rows_.begin()->second.since).count()));
}

}  // namespace dunlin
