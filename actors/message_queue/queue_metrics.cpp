#include "actors/message_queue/message_queue.hpp"

#include <algorithm>

namespace dunlin {

queue_metrics::queue_metrics(metrics& of)
    : rows{of.counter("dunlin_queue_rows_total", "Enqueue instructions taken")},
      updates{of.counter("dunlin_queue_updates_total", "Changes taken")},
      refused{of.counter("dunlin_queue_refused_total", "Requests that made no sense")},
      overloaded{of.counter("dunlin_queue_overloaded_total", "Enqueue instructions over a bound")},
      batches{of.counter("dunlin_queue_batches_total", "Flushes of a stream")},
      frames{of.counter("dunlin_queue_frames_total", "Batches sent, again or not")},
      resends{of.counter("dunlin_queue_resends_total", "Batches sent again")},
      given_up{of.counter("dunlin_queue_given_up_total", "Batches that a subscriber never took")},
      missed{of.counter("dunlin_queue_missed_total", "Times that a subscriber was too far behind")},
      subscribers{of.gauge("dunlin_queue_subscribers", "Services that listen")},
      backlog_rows{
          of.gauge("dunlin_queue_backlog_rows", "Of the subscriber that is furthest behind")},
      spool_bytes{of.gauge("dunlin_queue_spool_bytes", "Of rows in memory")},
      ring_bytes{of.gauge("dunlin_queue_ring_bytes", "Of batches in memory")} {}

void queue_metrics::show(const queue_report& now) {
  const auto count = [&](counter& to, std::uint64_t queue_core::figures::*which) {
    to.add(static_cast<double>(now.count.*which - shown.*which));
  };
  using figures = queue_core::figures;
  count(rows, &figures::rows);
  count(updates, &figures::updates);
  count(refused, &figures::refused);
  count(overloaded, &figures::overloaded);
  count(batches, &figures::batches);
  count(frames, &figures::frames);
  count(resends, &figures::resends);
  count(given_up, &figures::given_up);
  count(missed, &figures::missed);
  shown = now.count;
  std::uint64_t behind = 0;
  for (const auto& one : now.subscribers)
    behind = std::max(behind, one.rows);
  subscribers.set(static_cast<double>(now.subscribers.size()));
  backlog_rows.set(static_cast<double>(behind));
  spool_bytes.set(static_cast<double>(now.spool_bytes));
  ring_bytes.set(static_cast<double>(now.ring_bytes));
}

}  // namespace dunlin
