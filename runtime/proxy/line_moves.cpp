// A line that changes its leg (B11, R11, docs/decisions/0015 "The way of a move").
#include "runtime/proxy/line_inside.hpp"

#include <utility>

namespace dunlin::proxy {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// An access node that hands over has ended its sending, or is about to (decision 0015, a move, 5).
constexpr auto old_leg_timeout = 10s;

}  // namespace

void line::prepare(sockets::endpoint leg, std::string header, done done) {
  on_strand([leg = std::move(leg), header = std::move(header), done](line& self) {
    if (self.phase_ == phase::ended) return done(ec::closed);
    if (self.phase_ != phase::attached || self.preparing_ || self.stopping_ || self.stopped_)
      return done(ec::refused);
    self.drop_second();
    self.preparing_ = true;
    self.spawn([leg, header, done](line& self) { return self.dial_second(leg, header, done); });
  });
}

line::task line::dial_second(sockets::endpoint leg, std::string header, done done) {
  const auto first = current_;
  auto dialled = co_await host_->legs.dial(executor_, leg, milliseconds{host_->limits.dial_ms});
  if (!dialled) {
    preparing_ = false;
    co_return done(ec::unavailable);
  }
  auto made = std::make_shared<attachment>();
  made->leg = std::move(*dialled);
  const auto put = co_await made->leg->write(asio::buffer(header));
  preparing_ = false;
  // The first leg may have been lost meanwhile, and another one attached: nobody would drop this.
  if (!put || phase_ != phase::attached || current_ != first) {
    made->leg->close();
    co_return done(put ? ec::closed : ec::unavailable);
  }
  second_ = std::move(made);
  done({});
}

void line::drop_second() {
  if (second_) second_->leg->close();
  second_.reset();
}

void line::stop_reading(stopped done) {
  on_strand([done = std::move(done)](line& self) {
    if (self.phase_ == phase::ended) return done(ec::closed);
    if (self.phase_ != phase::attached || !self.second_ || self.stopping_ || self.stopped_ ||
        self.client_ended_)
      return done(ec::refused);
    self.stop_done_ = done;
    self.stopping_ = true;
    if (self.up_running_)
      self.client_->interrupt();
    else
      self.settle();
  });
}

void line::switch_over(std::string unread, done done) {
  on_strand([unread = std::move(unread), done = std::move(done)](line& self) mutable {
    if (self.phase_ == phase::ended) return done(ec::closed);
    if (!self.stopped_ || !self.second_ || self.switched_ || unread.size() > unread_bytes_max)
      return done(ec::refused);
    self.unread_ = std::move(unread);
    self.switched_ = std::move(done);
    if (self.current_->ended) return self.change_legs();
    self.current_->leg->interrupt_after(old_leg_timeout);
  });
}

/// The first leg has ended.
void line::change_legs() {
  if (current_->in_order)
    return spawn([unread = std::exchange(unread_, {}), done = std::exchange(switched_, nullptr)](
                     line& self) { return self.go_over(unread, done); });
  // What it had still to say is lost, and the client would take the next answer for it.
  std::exchange(switched_, nullptr)(ec::closed);
  stopped_ = false;
  lose_leg();
}

line::task line::go_over(std::string unread, done done) {
  current_->leg->close();
  current_ = std::exchange(second_, nullptr);
  bool put = true;
  if (!unread.empty()) {
    const auto written = co_await current_->leg->write(asio::buffer(unread));
    put = static_cast<bool>(written);
  }
  if (phase_ != phase::attached) co_return done(ec::closed);
  current_->forwarded = unread.size();
  stopped_ = false;
  if (put) {
    set_out(current_);
    co_return done({});
  }
  done(ec::closed);
  current_->ended = true;
  settle();
}

void line::stay() {
  on_strand([](line& self) {
    if (self.phase_ != phase::attached || self.switched_) return;
    self.drop_second();
    if (self.stop_done_) std::exchange(self.stop_done_, nullptr)(ec::refused);
    if (!std::exchange(self.stopped_, false)) return;
    self.settle();
  });
}

}  // namespace dunlin::proxy
