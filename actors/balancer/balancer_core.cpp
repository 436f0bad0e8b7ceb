#include "actors/balancer/balancer_core.hpp"

#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <utility>

namespace dunlin {

using namespace std::chrono_literals;

balancer_core::balancer_core(options limits, std::string rack, random_source& random)
    : limits_(limits), random_(random), selection_(std::move(rack), random) {}

void balancer_core::set_settings(const balance::settings& now) {
  settings_ = now;
  selection_.set_settings(now);
}

namespace {

/// A node's own level is in its digest.
std::uint64_t incarnation_in(const balancer_core::offer_reply& reply, const node_id& node) {
  for (const auto& one : reply.digest)
    if (one.node == node) return one.incarnation;
  return 0;
}

}  // namespace

// ---- lines ----

balancer_core::entry* balancer_core::find(line_number line) {
  const auto found = lines_.find(line);
  return found == lines_.end() ? nullptr : &*found;
}

balancer_core::entry* balancer_core::find(const node_id& node, std::uint64_t connection) {
  const auto found = legs_.find({node, connection});
  return found == legs_.end() ? nullptr : find(found->second);
}

void balancer_core::set_deadline(entry& line, std::optional<time> when) {
  if (line.second.now != phase::waiting) waiting_.erase(line.first);
  if (line.second.deadline) deadlines_.erase({*line.second.deadline, line.first});
  line.second.deadline = when;
  if (when) deadlines_.insert({*when, line.first});
}

void balancer_core::await(time now, entry& line, phase in, time within) {
  line.second.now = in;
  line.second.serial = ++serials_;
  set_deadline(line, now + within);
}

void balancer_core::rest(entry& line, phase in) {
  line.second.now = in;
  line.second.serial = 0;
  set_deadline(line, std::nullopt);
}

void balancer_core::own(entry& line, leg what) {
  disown(line);
  legs_[{what.node, what.connection}] = line.first;
  line.second.current = std::move(what);
}

/// An access node that was restarted counts its connections anew: the newer line has the number.
void balancer_core::disown(entry& line) {
  const auto found = legs_.find({line.second.current.node, line.second.current.connection});
  if (found != legs_.end() && found->second == line.first) legs_.erase(found);
  line.second.current = {};
}

void balancer_core::erase(entry& line) {
  disown(line);
  waiting_.erase(line.first);
  set_deadline(line, std::nullopt);
  lines_.erase(line.first);
}

bool balancer_core::waits(entry* line, phase in, std::uint64_t serial) {
  if (line && line->second.now == in && line->second.serial == serial) return true;
  ++count_.late;
  return false;
}

// ---- finding an access node ----

balancer_core::effects balancer_core::on_first_bytes(time now, line_number line, bool again) {
  effects out;
  const auto [at, made] = lines_.try_emplace(line);
  if (!made) return out;
  at->second.way.moved = again;
  ask_next(now, *at, out);
  return out;
}

/// Nobody is asked twice before all have been asked; after that the next step may be kinder.
std::optional<node_id> balancer_core::choose(time now, search& way) {
  auto not_these = way.unreachable;
  not_these.insert(way.hard.begin(), way.hard.end());
  not_these.insert(way.excluded);
  auto within = not_these;
  within.insert(way.foreign.begin(), way.foreign.end());
  if (!way.last_resort && way.attempt <= settings_.accept.steps.size()) {
    auto fresh = within;
    fresh.insert(way.refused.begin(), way.refused.end());
    if (auto found = selection_.pick(now, way.attempt, fresh, way.demand)) return found;
    way.refused.clear();
    if (auto found = selection_.pick(now, way.attempt, within, way.demand)) return found;
    // Only a drain looks further than its group.
    if (way.foreign.empty()) return std::nullopt;
  }
  if (!settings_.accept.last_resort || !way.may_last_resort) return std::nullopt;
  // Each once: what is said of levels may be wrong, and then others have room (B8).
  if (!std::exchange(way.last_resort, true)) way.refused.clear();
  within.insert(way.refused.begin(), way.refused.end());
  if (auto found = selection_.pick_last(now, within, way.at_least)) return found;
  if (way.foreign.empty()) return std::nullopt;
  not_these.insert(way.refused.begin(), way.refused.end());
  return selection_.pick_last(now, not_these, way.at_least);
}

void balancer_core::ask_next(time now, entry& line, effects& out) {
  auto& way = line.second.way;
  const auto chosen = choose(now, way);
  if (!chosen) return give_up(now, line, out);
  const auto moves = line.second.ticket.has_value();
  await(now, line, moves ? phase::seeking : phase::placing,
        settings_.choose.offer_timeout + limits_.offer_slack);
  selection_.offered(*chosen);
  offers_[line.second.serial] = {line.first, *chosen, way.attempt, way.last_resort};
  ++count_.offers;
  if (way.last_resort) {
    ++count_.last_resorts;
    DUNLIN_REACHED("balancer.last_resort");
  }
  out.push_back(offer{line.first, line.second.serial, *chosen,
                      std::min(way.attempt, std::max(settings_.accept.attempts_max, 1u)),
                      way.last_resort, way.moved, way.demand});
}

void balancer_core::give_up(time now, entry& line, effects& out) {
  if (line.second.ticket) {
    ++count_.moves_refused;
    DUNLIN_REACHED("balancer.move_refused");
    const auto refused = line.second.way.attempt > 1;  // else nobody could be asked
    out.push_back(answer_move{*std::exchange(line.second.ticket, std::nullopt), false, 0, refused});
    return end_move(line, true, out);
  }
  if (may_wait(now, line.second.way)) {
    const auto until = *line.second.way.patient_until;
    await(now, line, phase::waiting, std::min(limits_.look_again, until - now));
    waiting_.insert(line.first);
    return;
  }
  ++count_.failed;
  DUNLIN_REACHED("balancer.client_refused");
  window_.add(now, true);
  const auto hint = settings_.choose.retry_hint;
  const auto jitter = static_cast<std::int64_t>(
      random_.next() % (static_cast<std::uint64_t>(std::max<std::int64_t>(hint.count(), 0)) + 1));
  out.push_back(refuse{line.first, hint + time{jitter}});
  erase(line);
}

/// Only where nobody has said that it has no room: a moment later somebody may be there.
bool balancer_core::may_wait(time now, search& way) {
  const auto patience = settings_.choose.patience;
  if (patience <= 0ms || way.no_room || selection_.size() == 0) return false;
  if (!way.patient_until) {
    way.patient_until = now + patience;
    ++count_.waits;
  }
  return now < *way.patient_until;
}

/// A new round: everybody may be asked, with the first attempt's thresholds.
void balancer_core::look_again(time now, entry& line, effects& out) {
  search anew;
  anew.moved = line.second.way.moved;
  anew.demand = line.second.way.demand;
  anew.patient_until = line.second.way.patient_until;
  line.second.way = std::move(anew);
  ask_next(now, line, out);
}

balancer_core::effects balancer_core::on_reachable(time now, const node_id& node) {
  effects out;
  away_.erase(node);
  selection_.reachable(node);
  if (!selection_.knows(node)) return out;
  for (const auto number : std::exchange(waiting_, {}))
    look_again(now, *find(number), out);
  return out;
}

/// Not reached: asked anew with the same attempt (decision 0015, a connection, 2 and 4).
void balancer_core::miss(time now, entry& line, const node_id& node, effects& out) {
  ++count_.unreachable;
  DUNLIN_REACHED("balancer.access_node_unreachable");
  selection_.unreachable(now, node);
  line.second.way.unreachable.insert(node);
  ask_next(now, line, out);
}

void balancer_core::note_refusal(time now, search& way, const offer_out& asked, refusal why) const {
  way.refused.insert(asked.node);
  if (why == refusal::draining || why == refusal::full) way.hard.insert(asked.node);
  if (why != refusal::draining && why != refusal::starting) way.no_room = true;
  if (why == refusal::over)
    way.at_least[asked.node] = selection_.refused_from(now, asked.attempt, asked.last_resort);
}

balancer_core::effects balancer_core::on_offer_reply(time now, std::uint64_t serial,
                                                     offer_reply reply) {
  effects out;
  const auto teller = offers_.find(serial);
  selection_.heard(now, reply.digest, teller == offers_.end() ? "" : teller->second.node);
  const auto asked = offers_.extract(serial);
  if (!asked) {
    ++count_.late;
    return out;
  }
  const auto& offered = asked.mapped();
  auto* const line = find(offered.line);
  const auto demand = line ? line->second.way.demand : 0;
  if (reply.accepted)
    selection_.accepted(now, offered.node, demand);
  else
    selection_.refused(now, offered.node, offered.attempt, offered.last_resort);
  if (!line || line->second.serial != serial) return out;  // its token expires over there
  if (reply.accepted) {
    line->second.next = {offered.node, reply.connection, incarnation_in(reply, offered.node)};
    take(now, *line, reply, out);
    return out;
  }
  auto& way = line->second.way;
  note_refusal(now, way, offered, reply.why);
  // One more than there are steps at least, or their end would never come.
  const auto steps = static_cast<std::uint32_t>(settings_.accept.steps.size());
  way.attempt = std::min(way.attempt + 1, std::max(settings_.accept.attempts_max, steps + 1));
  ask_next(now, *line, out);
  return out;
}

void balancer_core::take(time now, entry& line, const offer_reply& reply, effects& out) {
  const auto& next = line.second.next;
  if (line.second.ticket) {
    await(now, line, phase::preparing, limits_.attach_timeout);
    out.push_back(prepare{line.first, line.second.serial, next.node, next.connection, reply.token});
    return;
  }
  await(now, line, phase::attaching, limits_.attach_timeout);
  out.push_back(attach{line.first, line.second.serial, next.node, next.connection, reply.token});
}

balancer_core::effects balancer_core::on_offer_failed(time now, std::uint64_t serial) {
  effects out;
  const auto asked = offers_.extract(serial);
  if (!asked) {
    ++count_.late;
    return out;
  }
  const auto& offered = asked.mapped();
  selection_.dropped(offered.node);
  auto* const line = find(offered.line);
  if (line && line->second.serial == serial)
    miss(now, *line, offered.node, out);
  else
    selection_.unreachable(now, offered.node);
  return out;
}

balancer_core::effects balancer_core::on_attached(time now, line_number number,
                                                  std::uint64_t serial, bool fine) {
  effects out;
  auto* const line = find(number);
  if (!waits(line, phase::attaching, serial)) return out;
  if (!fine) {
    miss(now, *line, line->second.next.node, out);
    return out;
  }
  const auto attempt = std::max(line->second.way.attempt, 1u);
  if (attempt > 1) DUNLIN_REACHED("balancer.placed_after_refusals");
  ++count_.connects;
  DUNLIN_REACHED("balancer.placed");
  window_.add(now, false);
  if (count_.attempts.size() < attempt) count_.attempts.resize(attempt);
  ++count_.attempts[attempt - 1];
  own(*line, std::exchange(line->second.next, {}));
  rest(*line, phase::attached);
  return out;
}

// ---- time ----

std::optional<balancer_core::time> balancer_core::next_wake() const {
  std::optional<time> wake;
  if (!deadlines_.empty()) wake = deadlines_.begin()->first;
  for (const auto& [node, one] : away_)
    wake = wake ? std::min(*wake, one.next) : one.next;
  return wake;
}

balancer_core::effects balancer_core::on_timer(time now) {
  effects out;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    auto* const line = find(deadlines_.begin()->second);
    set_deadline(*line, std::nullopt);
    expire(now, *line, out);
  }
  for (auto at = away_.begin(); at != away_.end();) {
    const auto node = (at++)->first;
    if (away_.at(node).next <= now) doubt_legs(now, node, out);
  }
  return out;
}

void balancer_core::expire(time now, entry& line, effects& out) {
  switch (line.second.now) {
    case phase::placing:
    case phase::seeking:
      if (const auto asked = offers_.extract(line.second.serial)) {
        selection_.dropped(asked.mapped().node);
        miss(now, line, asked.mapped().node, out);
      }
      break;
    case phase::waiting: look_again(now, line, out); break;
    case phase::attaching:
    case phase::switching:
      // The line itself says nothing any more.
      out.push_back(close{line.first});
      if (line.second.now == phase::switching) end_move(line, false, out);
      erase(line);
      break;
    case phase::preparing:
    case phase::stopping:
    case phase::handing:
      ++count_.moves_stayed;
      DUNLIN_REACHED("balancer.move_timed_out");
      end_move(line, true, out);
      break;
    case phase::attached: break;
  }
}

// ---- for operators ----

std::map<node_id, std::uint64_t> balancer_core::lines_by_node() const {
  std::map<node_id, std::uint64_t> out;
  for (const auto& [key, line] : legs_)
    ++out[key.first];
  return out;
}

bool balancer_core::more_access_nodes_needed(time now) const {
  return window_.failed_part(now) > settings_.choose.failures_target;
}

std::string balancer_core::broken(time now) const {
  std::size_t moving = 0;
  std::size_t waiting = 0;
  for (const auto& [number, line] : lines_) {
    const auto rests = line.now == phase::attached;
    if (rests == line.deadline.has_value()) return "a line waits for ever";
    if (line.deadline && *line.deadline + 1s < now) return "a deadline has passed";
    if (line.now >= phase::seeking) ++moving;
    if (line.ticket && line.now < phase::seeking) return "a move is not answered";
    waiting += line.deadline ? 1 : 0;
  }
  if (moving != moving_) return "moves are counted wrong";
  for (const auto number : waiting_)
    if (lines_.count(number) == 0 || lines_.at(number).now != phase::waiting)
      return "a line waits no longer";
  if (waiting != deadlines_.size()) return "a deadline of nobody";
  if (legs_.size() > lines_.size()) return "a leg of nobody";
  return {};
}

}  // namespace dunlin
