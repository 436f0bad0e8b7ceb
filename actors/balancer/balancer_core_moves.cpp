// Moves: one leg given up for another (B11, docs/decisions/0015 "The way of a move").
#include "actors/balancer/balancer_core.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

/// Null too: the number is of another life of that node.
balancer_core::entry* balancer_core::find_leg(const node_id& node, std::uint64_t connection,
                                              std::uint64_t incarnation) {
  auto* const line = find(node, connection);
  if (!line) return nullptr;
  const auto own = line->second.current.incarnation;
  return own == 0 || incarnation == 0 || own == incarnation ? line : nullptr;
}

balancer_core::effects balancer_core::on_offer_move(time now, const move_wish& wish) {
  effects out;
  auto* const line = find_leg(wish.node, wish.connection, wish.incarnation);
  const auto in = line ? line->second.now : phase::placing;
  if (in == phase::handing) {
    // The answer was lost: nothing has changed since.
    DUNLIN_REACHED("balancer.move_offered_again");
    line->second.ticket = wish.ticket;
    set_deadline(*line, now + limits_.hand_over_timeout);
    out.push_back(answer_move{wish.ticket, true, line->second.forwarded});
    line->second.ticket.reset();
  } else if (in == phase::seeking || in == phase::preparing || in == phase::stopping) {
    out.push_back(answer_move{*line->second.ticket, false, 0});
    line->second.ticket = wish.ticket;
    line->second.wished = now;
  } else if (in == phase::attached && moving_ < limits_.moves_max) {
    begin_move(now, *line, wish, out);
  } else {
    out.push_back(answer_move{wish.ticket, false, 0});
  }
  return out;
}

void balancer_core::begin_move(time now, entry& line, const move_wish& wish, effects& out) {
  line.second.ticket = wish.ticket;
  line.second.wished = now;
  line.second.way = {};
  line.second.way.moved = true;
  line.second.way.demand = wish.demand;
  line.second.way.excluded = wish.node;
  line.second.way.foreign = selection_.outside_group_of(wish.node);
  // Rebalancing must not load others beyond what they would take; a drain has nowhere else to go.
  line.second.way.may_last_resort = wish.draining;
  line.second.now = phase::seeking;
  ++moving_;
  ask_next(now, line, out);
}

/// It is attached again. `stay_there`: the line has to be told.
void balancer_core::end_move(entry& line, bool stay_there, effects& out) {
  const auto told = line.second.now != phase::seeking;
  if (line.second.ticket) out.push_back(answer_move{*line.second.ticket, false, 0});
  line.second.ticket.reset();
  line.second.next = {};
  if (line.second.now >= phase::seeking) --moving_;
  rest(line, phase::attached);
  if (stay_there && told) out.push_back(stay{line.first});
}

balancer_core::effects balancer_core::on_prepared(time now, line_number number,
                                                  std::uint64_t serial, bool fine) {
  effects out;
  auto* const line = find(number);
  if (!waits(line, phase::preparing, serial)) return out;
  if (!fine) {
    miss(now, *line, std::exchange(line->second.next, {}).node, out);
    return out;
  }
  // Ready when nobody waits for it any more, it would hold up the client for nothing.
  const auto left = line->second.wished + limits_.ready_timeout - now;
  if (left <= time{0}) {
    ++count_.moves_stayed;
    end_move(*line, true, out);
    return out;
  }
  await(now, *line, phase::stopping, std::min(limits_.stop_timeout, left));
  out.push_back(stop_reading{number, line->second.serial});
  return out;
}

balancer_core::effects balancer_core::on_stopped(time now, line_number number, std::uint64_t serial,
                                                 bool fine, std::uint64_t forwarded) {
  effects out;
  auto* const line = find(number);
  if (!waits(line, phase::stopping, serial)) return out;
  if (!fine) {
    ++count_.moves_stayed;
    end_move(*line, true, out);
    return out;
  }
  line->second.forwarded = forwarded;
  await(now, *line, phase::handing, limits_.hand_over_timeout);
  out.push_back(answer_move{*std::exchange(line->second.ticket, std::nullopt), true, forwarded});
  return out;
}

std::pair<balancer_core::effects, bool> balancer_core::on_hand_over(time now, const node_id& node,
                                                                    std::uint64_t connection,
                                                                    bool declined,
                                                                    std::string unread,
                                                                    std::uint64_t incarnation) {
  effects out;
  auto* const line = find_leg(node, connection, incarnation);
  const auto in = line ? line->second.now : phase::placing;
  if (declined) {
    if (in >= phase::seeking && in != phase::switching) {
      ++count_.moves_stayed;
      DUNLIN_REACHED("balancer.move_declined");
      end_move(*line, true, out);
    }
    return {std::move(out), true};
  }
  if (in != phase::handing) {
    ++count_.late;
    DUNLIN_REACHED("balancer.hand_over_too_late");
    return {std::move(out), false};
  }
  await(now, *line, phase::switching, limits_.switch_timeout);
  out.push_back(switch_over{line->first, line->second.serial, std::move(unread)});
  return {std::move(out), true};
}

balancer_core::effects balancer_core::on_switched(time, line_number number, std::uint64_t serial,
                                                  bool fine) {
  effects out;
  auto* const line = find(number);
  if (!waits(line, phase::switching, serial)) return out;
  if (fine) {
    ++count_.moves;
    DUNLIN_REACHED("balancer.moved");
    own(*line, std::exchange(line->second.next, {}));
  } else {
    ++count_.moves_stayed;
  }
  // Where the line refused, it still reads nothing; where its leg broke, it is lost in a moment.
  end_move(*line, !fine, out);
  return out;
}

}  // namespace dunlin
