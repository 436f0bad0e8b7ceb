#include "actors/cache_update/queue_session.hpp"

#include <algorithm>

namespace dunlin::cache_update {

std::optional<queue_session::wish> queue_session::ask(time now, random_source& random) {
  if (state_ == state::on || now < retry_at_) return std::nullopt;
  if (state_ == state::asking) {
    back_off(now, random);
    return std::nullopt;
  }
  state_ = state::asking;
  asked_at_ = now;
  retry_at_ = now + limits_.subscribe_timeout;
  return wish{++attempt_, incarnation_, received_.through()};
}

void queue_session::on_reply(time now, std::uint64_t attempt, const subscribed& said) {
  if (state_ != state::asking || attempt != attempt_ || said.queue_incarnation < incarnation_ ||
      said.next_sequence == 0 || said.next_sequence > ordinal_limit)
    return;
  const auto from = said.next_sequence - 1;
  if (said.missed || incarnation_ == 0)
    received_ = run_progress{from, limits_.runs_max};
  else
    received_.raise(from);  // the queue goes on counting where it was
  incarnation_ = said.queue_incarnation;
  state_ = state::on;
  failures_ = 0;
  last_heard_ = now;
  ack_at_ = now;  // brings the first stamp
}

void queue_session::on_refused(time now, std::uint64_t attempt, random_source& random) {
  if (state_ == state::asking && attempt == attempt_) back_off(now, random);
}

void queue_session::on_lost(time now, random_source& random) { back_off(now, random); }

void queue_session::on_up(time now) {
  // A question that was on its way when the link broke is not answered any more.
  if (state_ != state::on) ask_at(now);
}

void queue_session::back_off(time now, random_source& random) {
  const auto doubled = limits_.backoff_min * (std::int64_t{1} << std::min(failures_, 10u));
  const auto pause = std::min<time>(doubled, limits_.backoff_max);
  ++failures_;
  const auto half = static_cast<std::uint64_t>(pause.count() / 2 + 1);
  ask_at(now + time{static_cast<time::rep>(half + random.next() % half)});
}

void queue_session::notice(time now, std::uint64_t incarnation) {
  if (incarnation == incarnation_) last_heard_ = now;
  // Another life does not know us. One that speaks while we wait to ask it can be asked.
  if (state_ == state::on && incarnation > incarnation_) ask_at(now);
  if (state_ == state::off)
    retry_at_ = std::min(retry_at_, std::max(now, asked_at_ + limits_.ask_gap));
}

queue_session::arrival queue_session::on_batch(time now, const batch& came) {
  notice(now, came.queue_incarnation);
  if (came.queue_incarnation != incarnation_) return arrival::late;
  const bool mends = came.sequence < received_.highest();
  if (!received_.add({came.after + 1, came.sequence})) {
    // It comes again, so what was said of it was lost.
    ack_by(now + limits_.ack_interval);
    return arrival::twice;
  }
  if (has_hole() || ++unacked_ >= limits_.ack_batches)
    ack_at_once(now);
  else
    ack_by(now + limits_.ack_interval);
  return mends ? arrival::mends : arrival::fresh;
}

bool queue_session::on_news(time now, const news& said) {
  notice(now, said.queue_incarnation);
  if (said.queue_incarnation != incarnation_) return false;
  const auto gone = said.first_kept > 0 ? said.first_kept - 1 : 0;
  const bool lost = gone <= ordinal_limit && gone > received_.through() &&
                    !received_.contains({received_.through() + 1, gone});
  if (gone <= ordinal_limit) received_.raise(gone);
  if (received_.through() < said.last_sequence)
    ack_at_once(now);
  else if (said.idle_through <= ordinal_limit)
    received_.raise(said.idle_through);
  return lost;
}

bool queue_session::ack_due(time now) {
  if (state_ != state::on || now < std::min(ack_at_, last_ack_ + limits_.stamp_interval))
    return false;
  last_ack_ = now;
  unacked_ = 0;
  ack_at_ = has_hole() ? now + 2 * limits_.ack_interval : time::max();
  return true;
}

void queue_session::check_silence(time now) {
  if (state_ == state::on && now - last_heard_ >= limits_.silence_max) ask_at(now);
}

time queue_session::next_wake() const {
  if (state_ != state::on) return retry_at_;
  return std::min({ack_at_, last_ack_ + limits_.stamp_interval, last_heard_ + limits_.silence_max});
}

}  // namespace dunlin::cache_update
