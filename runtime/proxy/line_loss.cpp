// The end of a line's leg, and what becomes of its client (R11, docs/decisions/0015 "An access node
// dies").
#include "runtime/proxy/line_inside.hpp"

#include <utility>

namespace dunlin::proxy {

/// What was asked, and may be asked again: half a head has never done anything (a request begins
/// when its head is whole), but of an access node that ends in order it was answered, in its way.
std::optional<std::string_view> line::again_after(const attachment& leg) const {
  // A client that has ended its sending has gone, as a rule, and its access node after it.
  if (client_ended_ && leg.in_order) return std::nullopt;
  auto kept = tracker_.replayable();
  if (!kept && !leg.in_order) kept = tracker_.half_head();
  return kept;
}

leg_loss line::loss_of(const attachment& leg) const {
  leg_loss loss;
  loss.in_order = leg.in_order;
  loss.stopped = stopped_;
  const auto left = client_ended_ && leg.in_order;
  loss.replayable = again_after(leg).has_value();
  loss.silent = leg.received == 0;
  // What nobody can follow has been answered, as far as can be known, where the leg said something
  // and ended in order: a request refused before its body, bytes that are no request.
  const auto cut_off =
      tracker_.follows() ? tracker_.unanswered() > 0 : !leg.in_order || loss.silent;
  loss.unanswered = !left && cut_off;
  loss.request = tracker_.begun();
  return loss;
}

/// Nothing is open, or nothing of it has left here: the client need not notice.
bool line::survives(const attachment& leg) const {
  if (client_ended_ || (leg.in_order && !host_->limits.outlives_legs)) return false;
  return !pending_.empty() || tracker_.rests();
}

void line::leg_ended(attachment& which) {
  if (stopped_ && switched_) return change_legs();
  if (stopped_) return host_->events.leg_lost(number_, loss_of(which));
  which.leg->close();  // a write that waits ends
  stopping_ = true;
  if (up_running_)
    client_->interrupt();
  else
    settle();
}

/// Nothing is read from the client any more; what it was for decides.
void line::settle() {
  if (phase_ != phase::attached) return;
  if (stop_done_) {
    const auto done = std::exchange(stop_done_, nullptr);
    stopped_ = !current_->broken && !current_->ended && !client_ended_;
    if (stopped_) return done(current_->forwarded);
    done(ec::closed);
  }
  if (current_->ended) return lose_leg();
  stopping_ = false;
  if (client_ended_ || current_->broken) return;
  up_running_ = true;
  spawn([to = current_](line& self) { return self.pump_up(to); });
}

void line::lose_leg() {
  auto loss = loss_of(*current_);
  loss.resting = survives(*current_);
  const auto kept = again_after(*current_);
  current_->leg->close();
  current_.reset();
  drop_second();
  stopping_ = false;
  if (loss.resting) return rest(loss);
  phase_ = kept ? phase::waiting : phase::ending;
  pending_ = kept.value_or("");
  host_->events.leg_lost(number_, loss);
  if (kept) return;
  if (!loss.in_order) return end();
  spawn([](line& self) { return self.linger(); });
}

/// No access node holds a place for a client that may never say more.
void line::rest(leg_loss loss) {
  loss.replayable = loss.unanswered = false;
  phase_ = phase::resting;
  host_->events.leg_lost(number_, loss);
  if (pending_.empty()) return spawn([](line& self) { return self.hear_more(); });
  phase_ = phase::waiting;
  host_->events.first_bytes(number_, {client_->peer_address(), client_->secure(), true});
}

line::task line::hear_more() {
  const auto got = co_await client_->read_passing();
  if (phase_ != phase::resting) co_return;
  if (!got) co_return end();
  place(got.bytes, true);
}

void line::doubt(std::uint64_t outage) {
  on_strand([outage](line& self) {
    if (self.phase_ != phase::attached || self.current_->ended) return;
    auto& leg = *self.current_;
    const auto passed = leg.forwarded + leg.received;
    const auto before = std::exchange(leg.outage, outage);
    const auto counted = std::exchange(leg.passed, passed);
    // Its read ends, and it is lost like one that broke.
    if (before == outage && counted == passed && !leg.held_back) leg.leg->close();
  });
}

}  // namespace dunlin::proxy
