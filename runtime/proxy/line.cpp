#include "runtime/proxy/line.hpp"

#include "runtime/http/response_head.hpp"
#include "runtime/proxy/line_inside.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
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

constexpr std::size_t relayed_a_turn = 8;

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
  const auto got = co_await client_->read_some(up_.next(0));
  if (!got || phase_ != phase::opening) co_return end();
  client_->expires_never();
  fresh_ = false;
  place(got.bytes, false);
}

/// The client has said something, and there is no leg for it.
void line::place(std::size_t heard, bool again) {
  from_client_ += heard;
  pending_.assign(up_.bytes.get(), heard);
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
    const auto more = co_await client_->read_some(up_.next(0));
    if (!more) break;
    read += more.bytes;
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
  pending_ = {};
  done({});
  if (put) co_return set_out(current_);
  // Some of it may have arrived, and more than a GET in it: a loss like any other.
  current_->ended = true;
  stopping_ = true;
  settle();
}

// ---- bytes ----

asio::mutable_buffer line::room::next(std::size_t last_read, bool rests) {
  const auto filled = last_read == size && size > 0;
  const auto wanted = rests || !bytes ? buffer_bytes_min : filled ? buffer_bytes : size;
  if (wanted != size) {
    size = wanted;
    bytes = std::make_unique_for_overwrite<char[]>(size);
  }
  return asio::buffer(bytes.get(), size);
}

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

line::task line::pump_up(attachment_ptr to) {
  for (bool more = true; more && !stopping_;)
    more = co_await take_from_client(*to);
  up_running_ = false;
  if (stopping_) settle();
}

/// False: there is no more for this leg.
asio::awaitable<bool> line::take_from_client(attachment& to) {
  const auto got = co_await client_->read_some(up_.next(last_up_, tracker_.between_requests()));
  last_up_ = got.bytes;
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
  from_client_ += got.bytes;
  const auto rested = tracker_.rests();
  const auto bytes = std::string_view{up_.bytes.get(), got.bytes};
  tracker_.from_client(bytes);
  // It has ended while they came: not one of them has left, so another leg may have them all.
  if (to.ended) {
    if (rested) pending_ = bytes;
    co_return false;
  }
  const auto put = co_await to.leg->write(asio::buffer(bytes));
  if (phase_ == phase::ended) co_return false;
  if (put) {
    to.forwarded += got.bytes;
    co_return true;
  }
  // What TLS counts as unsent may have left.
  if (rested && put.bytes == 0 && !to.leg->secure()) pending_ = bytes;
  // It may still have something to say, such as why; not for ever.
  to.broken = true;
  to.leg->interrupt_after(linger_timeout);
  co_return false;
}

asio::awaitable<line::passed> line::copy_down(attachment& from, std::size_t& last) {
  const auto got = co_await from.leg->read_some(down_.next(last, tracker_.at_boundary()));
  last = got.bytes;
  if (phase_ != phase::attached) co_return passed::over;
  if (!got) co_return passed::leg_ended;
  from.received += got.bytes;
  pending_.clear();  // if it was too late for this leg, here is its answer
  tracker_.from_leg({down_.bytes.get(), got.bytes});
  from.held_back = true;
  const auto put = co_await client_->write(asio::buffer(down_.bytes.get(), got.bytes));
  co_return has_passed(from, put, got.bytes);
}

/// Of the body of an answer that is long: nobody has to see it.
asio::awaitable<line::passed> line::relay_down(attachment& from, std::uint64_t left) {
  sockets::relay_pipe pipe;
  const auto most = std::min<std::uint64_t>(left, sockets::relay_pipe::bytes_max);
  const auto got = co_await from.leg->read_into(pipe, static_cast<std::size_t>(most));
  if (phase_ != phase::attached) co_return passed::over;
  if (!got) co_return *got.error == ec::refused ? passed::refused : passed::leg_ended;
  from.received += got.bytes;
  tracker_.skip_answer(got.bytes);
  from.held_back = true;
  const auto put = co_await client_->write_from(pipe);
  co_return has_passed(from, put, got.bytes);
}

line::passed line::has_passed(attachment& from, const sockets::stream::outcome& put,
                              std::size_t bytes) {
  from.held_back = false;
  if (phase_ != phase::attached) return passed::over;
  if (put) {
    to_client_ += bytes;
    return passed::on;
  }
  end();
  return passed::over;
}

line::task line::pump_down(attachment_ptr from) {
  const auto relays = from->leg->relays() && client_->relays();
  auto now = passed::refused;
  for (std::size_t last = 0, turns = 0;;) {
    const auto left = relays ? tracker_.answer_left() : 0;
    now = left < relayed_min ? passed::refused : co_await relay_down(*from, left);
    if (now == passed::refused) now = co_await copy_down(*from, last);
    if (now == passed::leg_ended) break;
    if (now == passed::over) co_return;
    if (++turns % relayed_a_turn != 0) continue;
    // What never has to wait would keep the thread from all others.
    co_await asio::post(executor_, asio::use_awaitable);
    if (phase_ != phase::attached) co_return;
  }
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
