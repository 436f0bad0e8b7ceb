#include "actors/balancer/balancer_metrics.hpp"

#include <algorithm>
#include <string>

namespace dunlin {

namespace {

// Attempts above share one label: absurd ones must not make series.
constexpr std::size_t attempts_shown = 16;

}  // namespace

balancer_metrics::balancer_metrics(metrics& to)
    : to_(to),
      lines_(to.gauge("dunlin_balancer_lines", "Clients that are placed or being placed.")),
      moving_(to.gauge("dunlin_balancer_moving", "Connections that are changing access nodes.")),
      needed_(to.gauge("dunlin_balancer_more_access_nodes_needed",
                       "1: the failures of the last five minutes are above the target.")) {
  using counts = balancer_core::counts;
  const auto add = [&](const char* name, const char* help, std::uint64_t counts::*which) {
    figures_.push_back({to.counter(name, help), [which](const counts& of) { return of.*which; }});
  };
  add("dunlin_balancer_failed_total", "Clients that no access node took.", &counts::failed);
  add("dunlin_balancer_offers_total", "Access nodes asked.", &counts::offers);
  add("dunlin_balancer_last_resorts_total", "Access nodes asked as a last resort.",
      &counts::last_resorts);
  add("dunlin_balancer_waits_total", "Clients that waited because no access node could be asked.",
      &counts::waits);
  add("dunlin_balancer_unreachable_total", "Offers without an answer, legs not reached.",
      &counts::unreachable);
  add("dunlin_balancer_moves_total", "Connections moved.", &counts::moves);
  add("dunlin_balancer_moves_refused_total", "Moves that nobody took.", &counts::moves_refused);
  add("dunlin_balancer_moves_stayed_total", "Moves that ended where they began.",
      &counts::moves_stayed);
  add("dunlin_balancer_replays_total", "Requests asked again because their access node died.",
      &counts::replays);
  add("dunlin_balancer_rested_total", "Clients whose leg was lost while nothing was open.",
      &counts::rested);
  add("dunlin_balancer_resets_total", "Clients cut off with a request half done.", &counts::resets);
  add("dunlin_balancer_late_total", "Answers that nobody waited for.", &counts::late);
}

void balancer_metrics::add(counter& at, std::uint64_t value, std::uint64_t& shown) {
  if (value > shown) at.add(static_cast<double>(value - shown));
  shown = std::max(shown, value);
}

void balancer_metrics::show(const balancer_core& core, balancer_core::time now,
                            const proxy::line_listener& lines) {
  const auto& count = core.count();
  for (auto& one : figures_)
    add(one.at, one.of(count), one.shown);
  attempts_.resize(std::max(attempts_.size(), count.attempts.size()));
  for (std::size_t i = 0; i < count.attempts.size(); ++i) {
    const auto label = std::to_string(std::min(i + 1, attempts_shown));
    add(to_.counter("dunlin_balancer_connects_total", "Clients placed, by attempts it took.",
                    {{"attempts", label}}),
        count.attempts[i], attempts_[i]);
  }
  const auto bytes = lines.counts();
  const auto show_bytes = [&](const char* direction, std::uint64_t value, std::uint64_t& shown) {
    add(to_.counter("dunlin_balancer_bytes_total", "Bytes of clients, by direction.",
                    {{"direction", direction}}),
        value, shown);
  };
  show_bytes("from_client", bytes.from_client, from_client_);
  show_bytes("to_client", bytes.to_client, to_client_);
  add(to_.counter("dunlin_balancer_given_way_total", "Silent clients closed to make room."),
      lines.given_way(), given_way_);
  add(to_.counter("dunlin_balancer_turned_away_total", "Clients refused for want of room."),
      lines.turned_away(), turned_away_);
  lines_.set(static_cast<double>(core.lines()));
  moving_.set(static_cast<double>(core.moving()));
  needed_.set(core.more_access_nodes_needed(now) ? 1 : 0);
}

}  // namespace dunlin
