#include "actors/message_queue/message_queue.hpp"

#include <string_view>
#include <utility>

namespace dunlin {

v1::QueueStatus queue_status(const queue_core& core, std::uint64_t incarnation,
                             queue_core::time now) {
  v1::QueueStatus status;
  status.set_queue_incarnation(incarnation);
  const auto count = core.count();
  const std::pair<std::string_view, std::uint64_t> figures[] = {
      {"rows_total", count.rows},
      {"updates_total", count.updates},
      {"refused_total", count.refused},
      {"overloaded_total", count.overloaded},
      {"batches_total", count.batches},
      {"frames_total", count.frames},
      {"frame_bytes_total", count.frame_bytes},
      {"resends_total", count.resends},
      {"given_up_total", count.given_up},
      {"missed_total", count.missed},
      {"forgotten_total", count.forgotten},
      {"stray_acks_total", count.stray_acks},
      {"news_total", count.news},
      {"subscribers", core.subscribers()},
      {"streams", core.sets()},
      {"spool_bytes", core.spool_bytes()},
      {"ring_bytes", core.ring_bytes()},
  };
  for (const auto& [name, value] : figures) {
    auto& one = *status.add_figures();
    one.set_name(std::string{name});
    one.set_value(value);
  }
  for (const auto& of : core.backlogs(now)) {
    auto& one = *status.add_backlogs();
    one.set_node(of.who.node);
    one.set_service(of.who.service);
    one.set_rows(of.rows);
    one.set_in_flight(of.in_flight);
    one.set_silent_ms(static_cast<std::uint64_t>(of.silent_for.count()));
  }
  return status;
}

}  // namespace dunlin
