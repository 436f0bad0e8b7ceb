// Legs that are lost (R11, decision 0015 "An access node dies"): by their own end, or because their
// access node cannot be reached: power that failed, a machine that stands still; nothing resets
// those.
#include "actors/balancer/balancer_core.hpp"

#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin {

using namespace std::chrono_literals;

balancer_core::effects balancer_core::on_lost(time now, line_number number, const loss& how) {
  effects out;
  auto* const line = find(number);
  if (!line) return out;
  const auto in = line->second.now;
  if (in < phase::attached) return out;  // it has no leg to lose
  if (how.stopped && in == phase::handing) {
    // Its HandOver may be on the way; if the leg broke, nothing is.
    if (how.in_order)
      set_deadline(*line, std::min(*line->second.deadline, now + limits_.ended_timeout));
    else
      end_move(*line, true, out);
    return out;
  }
  if (how.stopped) return out;
  lose(now, *line, how, out);
  return out;
}

void balancer_core::lose(time now, entry& line, const loss& how, effects& out) {
  if (line.second.ticket || line.second.now != phase::attached) end_move(line, false, out);
  // An access node that has spoken and ends in order lives, whatever its client still wants: else
  // whoever is answered 400 could declare all of them dead.
  if (!how.in_order || (how.silent && how.unanswered))
    selection_.unreachable(now, line.second.current.node);
  disown(line);
  if (how.resting) {
    ++count_.rested;
    DUNLIN_REACHED("balancer.rested");
    return erase(line);
  }
  const auto again = how.replayable && line.second.replayed != how.request;
  if (how.replayable && !again) out.push_back(close{line.first});  // twice would be for ever
  if (!again) {
    if (how.unanswered) {
      ++count_.resets;
      DUNLIN_REACHED("balancer.client_cut_off");
    }
    return erase(line);
  }
  ++count_.replays;
  DUNLIN_REACHED("balancer.replayed");
  line.second.replayed = how.request;
  line.second.way = {};
  line.second.way.moved = true;
  ask_next(now, line, out);
}

balancer_core::effects balancer_core::on_ended(line_number number) {
  effects out;
  auto* const line = find(number);
  if (!line) return out;
  if (line->second.now >= phase::seeking) end_move(*line, false, out);
  erase(*line);
  return out;
}

// ---- links that are down ----

balancer_core::effects balancer_core::on_unreachable(time now, const node_id& node) {
  effects out;
  if (settings_.choose.lost_after <= 0ms) return out;
  const auto [at, made] = away_.try_emplace(node);
  if (!made) return out;
  DUNLIN_REACHED("balancer.link_down");
  at->second.number = ++outages_;
  doubt_legs(now, node, out);
  return out;
}

/// Until the link is back: a leg may still come, of a move that was under way.
void balancer_core::doubt_legs(time now, const node_id& node, effects& out) {
  auto& one = away_.at(node);
  for (auto at = legs_.lower_bound({node, 0}); at != legs_.end() && at->first.first == node; ++at)
    out.push_back(doubt{at->second, one.number});
  const auto after = settings_.choose.lost_after;
  if (after <= 0ms)
    away_.erase(node);
  else
    one.next = now + after;
}

}  // namespace dunlin
