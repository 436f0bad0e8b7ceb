#include "runtime/proxy/line.hpp"

#include "runtime/http/response_head.hpp"
#include "runtime/proxy/line_inside.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace dunlin::proxy {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

// Closing with unread bytes resets the connection, and the client loses the answer that told it
// why: read on for a while, then close (as http/connection.cpp).
constexpr std::size_t linger_bytes_max = 8u << 20;
constexpr auto linger_timeout = 2s;

constexpr std::size_t passed_a_turn = 8;  // pieces

std::string slow_down(std::chrono::seconds retry_after, const std::string& request_id,
                      bool without_body) {
  const http::refusal why{503, "SlowDown", "Please reduce your request rate."};
  auto made = http::render_s3_error(why, request_id);
  made.headers.push_back({"Retry-After", std::to_string(retry_after.count())});
  const auto head = http::response{why.status, std::move(made.headers), made.body.size()};
  auto text = http::format_head(head, true, http::server_options{}.name);
  if (!without_body) text += made.body;
  return text;
}

}  // namespace

line::line(std::shared_ptr<line_host> host, line_number number, sockets::stream_ptr client)
    : host_(std::move(host)),
      number_(number),
      client_(std::move(client)),
      executor_(client_->executor()) {}

// ---- before a leg ----

void line::start() {
  spawn([](line& self) { return self.open(); });
}

line::task line::open() {
  client_->expires_after(milliseconds{host_->limits.first_byte_ms});
  const auto shaken = co_await client_->handshake(true);
  if (!shaken || phase_ != phase::opening) co_return end();
  const auto got = co_await client_->read_passing();
  if (!got || phase_ != phase::opening) co_return end();
  client_->expires_never();
  fresh_ = false;
  place(got.bytes, false);
}

/// The client has said something, and there is no leg for it.
void line::place(std::string_view heard, bool again) {
  from_client_ += heard.size();
  pending_ = heard;
  tracker_.from_client(pending_);
  phase_ = phase::waiting;
  host_->events.first_bytes(number_, {client_->peer_address(), client_->secure(), again});
}

void line::start_refused() {
  spawn([](line& self) { return self.answer_overload(); });
}

line::task line::answer_overload() {
  client_->expires_after(1s);
  const auto answer = slow_down(1s, {}, false);
  // A handshake for those who are turned away would cost more than to serve them.
  if (!client_->secure()) co_await client_->write(asio::buffer(answer));
  end();
}

void line::refuse(std::chrono::seconds retry_after, std::string request_id) {
  on_strand([retry_after, request_id = std::move(request_id)](line& self) {
    if (self.phase_ != phase::waiting) return;
    self.phase_ = phase::ending;
    auto answer = slow_down(retry_after, request_id, self.pending_.starts_with("HEAD "));
    self.spawn([answer = std::move(answer)](line& self) { return self.answer_refusal(answer); });
  });
}

line::task line::answer_refusal(std::string answer) {
  client_->expires_after(linger_timeout);
  co_await client_->write(asio::buffer(answer));
  co_await linger();
}

line::task line::linger() {
  client_->shutdown_send();
  client_->expires_after(linger_timeout);
  for (std::size_t read = 0; read < linger_bytes_max && !client_ended_;) {
    const auto more = co_await client_->read_passing();
    if (!more) break;
    read += more.bytes.size();
    co_await let_others_in();
  }
  end();
}

// ---- legs ----

void line::attach(sockets::endpoint leg, std::string header, done done) {
  on_strand([leg = std::move(leg), header = std::move(header), done](line& self) {
    if (self.phase_ == phase::ended) return done(ec::closed);
    if (self.phase_ != phase::waiting) return done(ec::refused);
    self.phase_ = phase::dialling;
    self.spawn([leg, header, done](line& self) { return self.dial_and_attach(leg, header, done); });
  });
}

line::task line::dial_and_attach(sockets::endpoint leg, std::string header, done done) {
  auto dialled = co_await host_->legs.dial(executor_, leg, milliseconds{host_->limits.dial_ms});
  if (phase_ != phase::dialling) {
    if (dialled) (*dialled)->close();
    co_return done(ec::closed);
  }
  if (!dialled) {
    phase_ = phase::waiting;
    co_return done(ec::unavailable);
  }
  current_ = std::make_shared<attachment>();
  current_->leg = std::move(*dialled);
  const auto put = co_await current_->leg->write(asio::buffer(header), asio::buffer(pending_));
  if (phase_ == phase::ended) co_return done(ec::closed);
  phase_ = phase::attached;
  current_->forwarded = pending_.size();
  pending_ = std::string{};
  done({});
  if (put) co_return set_out(current_);
  // Some of it may have arrived, and more than a GET in it: a loss like any other.
  current_->ended = true;
  stopping_ = true;
  settle();
}

// ---- bytes ----

void line::set_out(attachment_ptr with) {
  stopping_ = stopped_ = false;
  if (client_ended_) {
    with->leg->shutdown_send();
  } else {
    up_running_ = true;
    spawn([with](line& self) { return self.pump_up(with); });
  }
  spawn([with](line& self) { return self.pump_down(with); });
}

/// What never has to wait would keep the thread from all others.
line::task line::let_others_in() { return asio::post(executor_, asio::use_awaitable); }

line::task line::pump_up(attachment_ptr to) {
  for (std::size_t pieces = 1; !stopping_ && co_await take_from_client(*to); ++pieces)
    if (pieces % passed_a_turn == 0) co_await let_others_in();
  up_running_ = false;
  if (stopping_) settle();
}

/// False: there is no more for this leg.
asio::awaitable<bool> line::take_from_client(attachment& to) {
  const auto got = co_await client_->read_passing();
  if (phase_ == phase::ended) co_return false;
  if (!got) {
    if (*got.error == ec::timed_out && stopping_) co_return false;
    if (client_->at_end()) {
      client_ended_ = true;
      to.leg->shutdown_send();
    } else {
      end();
    }
    co_return false;
  }
  const auto bytes = got.bytes.size();
  from_client_ += bytes;
  // It may turn out that none of them has left, and nothing before them was open: another leg may
  // have them all.
  auto again = tracker_.rests() ? std::string{got.bytes} : std::string{};
  tracker_.from_client(got.bytes);
  if (to.ended) {
    pending_ = std::move(again);
    co_return false;
  }
  const auto put = co_await to.leg->write_passing(got.bytes);
  if (phase_ == phase::ended) co_return false;
  if (put) {
    to.forwarded += bytes;
    co_return true;
  }
  // What TLS counts as unsent may have left.
  if (put.bytes == 0 && !to.leg->secure()) pending_ = std::move(again);
  // It may still have something to say, such as why; not for ever.
  to.broken = true;
  to.leg->interrupt_after(linger_timeout);
  co_return false;
}

/// False: there is no more of it.
asio::awaitable<bool> line::take_from_leg(attachment& from) {
  const auto got = co_await from.leg->read_passing();
  if (phase_ != phase::attached || !got) co_return false;
  const auto bytes = got.bytes.size();
  from.received += bytes;
  pending_.clear();  // if it was too late for this leg, here is its answer
  tracker_.from_leg(got.bytes);
  from.held_back = true;
  const auto put = co_await client_->write_passing(got.bytes);
  from.held_back = false;
  if (phase_ != phase::attached) co_return false;
  if (!put) end();
  to_client_ += put ? bytes : 0;
  co_return static_cast<bool>(put);
}

line::task line::pump_down(attachment_ptr from) {
  for (std::size_t pieces = 1; co_await take_from_leg(*from); ++pieces)
    if (pieces % passed_a_turn == 0) co_await let_others_in();
  if (phase_ != phase::attached) co_return;
  from->ended = true;
  from->in_order = from->leg->at_end();
  leg_ended(*from);
}

// ---- the end ----

void line::end() {
  if (std::exchange(phase_, phase::ended) == phase::ended) return;
  client_->close();
  if (current_) current_->leg->close();
  drop_second();
  if (stop_done_) std::exchange(stop_done_, nullptr)(ec::closed);
  if (switched_) std::exchange(switched_, nullptr)(ec::closed);
  host_->events.ended(number_);
}

void line::close() {
  on_strand([](line& self) { self.end(); });
}

void line::close_if_idle() {
  on_strand([](line& self) {
    const auto attached = self.phase_ == phase::attached && !self.stopping_ && !self.stopped_;
    // Of an answer that is whole, the end may still wait for its client to read.
    const auto idle = attached && self.tracker_.at_boundary() && !self.current_->held_back;
    if (self.fresh_ || idle || self.phase_ == phase::resting) self.end();
  });
}

}  // namespace dunlin::proxy
