#include "runtime/http/connection.hpp"

#include "runtime/http/live_exchange.hpp"
#include "runtime/http/response_head.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace dunlin::http {

using namespace std::chrono_literals;
namespace asio = boost::asio;

connection::connection(std::shared_ptr<connection_host> host, sockets::stream_ptr stream,
                       std::uint64_t number, origin from)
    : host_(std::move(host)),
      stream_(std::move(stream)),
      number_(number),
      options_(host_->options()),
      from_(from),
      traffic_(from == origin::client ? options_.traffic.get() : nullptr),
      peer_(stream_->peer_address()),
      secure_(stream_->secure()),
      received_(options_.header_bytes_max) {}

// Whoever drops it last, on whatever thread: nothing runs on the stream any more.
connection::~connection() {
  if (std::exchange(closed_, true)) return;
  if (handing_) handing_->done(ec::closed);
  end_account();
}

void connection::spawn(task (connection::*work)()) {
  asio::co_spawn(
      stream_->executor(), [self = shared_from_this(), work] { return (self.get()->*work)(); },
      asio::detached);
}

void connection::start() {
  open_ = traffic_ != nullptr;
  if (open_) ++traffic_->open;
  spawn(&connection::serve);
}
void connection::start_refused() { spawn(&connection::answer_overload); }

void connection::close_if_idle() {
  asio::post(stream_->executor(), [self = shared_from_this()] {
    if (self->rest_ != 0) self->leave();
  });
}

void connection::close_soon() {
  stream_->close_soon();
  asio::post(stream_->executor(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end_pause();
  });
}

bool connection::give_way(std::uint64_t rest) {
  if (!rest_.compare_exchange_strong(rest, given_way)) return false;
  asio::post(stream_->executor(), [self = shared_from_this()] { self->leave(); });
  return true;
}

std::optional<std::uint64_t> connection::resting_since() const {
  const auto rest = rest_.load();
  if (rest == 0 || rest == given_way) return std::nullopt;
  return rest;
}

void connection::close() {
  if (std::exchange(closed_, true)) return;
  if (be_busy(false)) tallies_.drops.add(1);
  stream_->close();
  settle(ec::closed);
  end_account();
}

/// Nothing is open: the other side shall know that it has missed nothing. A cut says the contrary.
void connection::leave() {
  if (!closed_ && stream_->open()) stream_->shutdown_send();
  close();
}

void connection::end_account() {
  rest(0);
  be_busy(false);
  if (std::exchange(open_, false)) --traffic_->open;
  if (leg_) options_.legs->book->closed(*leg_, counts());
  host_->gone(number_);
}

void connection::count_in(std::size_t bytes) {
  tallies_.in.add(bytes);
  if (traffic_) traffic_->bytes += bytes;
}

void connection::count_out(std::size_t bytes) {
  tallies_.out.add(bytes);
  if (traffic_) traffic_->bytes += bytes;
}

/// Whether it was.
bool connection::be_busy(bool yes) {
  const auto was = in_request_.exchange(yes);
  if (traffic_ && yes && !was) ++traffic_->in_request;
  if (traffic_ && !yes && was) --traffic_->in_request;
  return was;
}

/// Which rest it was in; 0: none.
std::uint64_t connection::rest(std::uint64_t now) {
  const auto was = rest_.exchange(now);
  if (traffic_ && now != 0 && was == 0) ++traffic_->resting;
  if (traffic_ && now == 0 && was != 0) --traffic_->resting;
  return was;
}

connection::task connection::serve() {
  const auto self = shared_from_this();
  if (serial_ == 0) {
    const bool known = co_await shake_hands();
    if (!known) co_return;
  }
  const auto head_bytes = co_await read_head();
  if (head_bytes) co_await begin_request(*head_bytes);
}

asio::awaitable<bool> connection::shake_hands() {
  if (from_ == origin::balancer) co_return co_await open_leg();
  stream_->expires_after(options_.header_timeout);
  const auto shaken = co_await stream_->handshake(true);
  if (shaken) co_return true;
  host_->count_refused("tls");
  close();
  co_return false;
}

void connection::await_head() {
  if (received_.empty() && put_back_.empty()) {
    rest(host_->next_rest());
    stream_->interrupt_after(options_.idle_timeout);
  } else {
    stream_->interrupt_after(options_.header_timeout);
  }
}

/// From `scanned` on; nullopt: more must come, or `wrong` says why that would not help.
std::optional<std::size_t> connection::scan_head(std::size_t& scanned,
                                                 std::optional<refusal>& wrong) const {
  const auto view = received_.view();
  for (; scanned < view.size(); ++scanned) {
    if (view[scanned] != '\n') continue;
    if (scanned == 0 || view[scanned - 1] != '\r') {
      wrong = refusal{400, "BadRequest", "A line does not end with CR LF."};
      return std::nullopt;
    }
    if (view.substr(0, scanned + 1).ends_with("\r\n\r\n")) return scanned + 1;
  }
  if (received_.full())
    wrong = refusal{431, "RequestHeaderSectionTooLarge", "The headers are too large."};
  return std::nullopt;
}

// Bytes of the head that stands at the start of received_; nullopt: it was refused, or nobody is
// there.
// Refusals have names: g++ 12 destroys braced temporaries in co_await expressions twice.
asio::awaitable<std::optional<std::size_t>> connection::read_head() {
  if (host_->draining() && received_.empty() && put_back_.empty() && !handing_) {
    leave();
    co_return std::nullopt;
  }
  await_head();
  for (std::size_t scanned = 0;;) {
    if (handing_) {
      const bool given = co_await give_back();
      if (given) co_return std::nullopt;
      await_head();
    }
    std::optional<refusal> wrong;
    if (const auto head_bytes = scan_head(scanned, wrong)) co_return head_bytes;
    if (wrong) {
      co_await refuse(*wrong, false);
      co_return std::nullopt;
    }
    const auto room = received_.free();
    if (!put_back_.empty()) {
      received_.filled(take_put_back(room));
      continue;
    }
    waits_ = waiting::head;
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    waits_ = waiting::nothing;
    if (!more && handing_ && stream_->open()) continue;  // interrupted
    if (!more && *more.error == ec::timed_out && !received_.empty()) {
      const refusal why{408, "RequestTimeout", "The headers did not arrive in time."};
      co_await refuse(why, false);
      co_return std::nullopt;
    }
    if (!more) {
      leave();
      co_return std::nullopt;
    }
    const auto rested = rest(0);
    if (rested == given_way) {
      leave();
      co_return std::nullopt;
    }
    if (rested != 0) stream_->interrupt_after(options_.header_timeout);
    received_.filled(more.bytes);
    count_in(more.bytes);
  }
}

connection::task connection::begin_request(std::size_t head_bytes) {
  stream_->expires_never();
  const auto head = std::string(received_.view().substr(0, head_bytes));
  received_.consume(head_bytes);
  const auto without_body = head.starts_with("HEAD ");
  if (auto wrong = check_lines(head, options_.headers_max))
    co_return co_await refuse(*wrong, without_body);
  auto made = parse_head(head);
  if (!made) {
    const refusal why{400, "BadRequest", "This is not an HTTP request."};
    co_return co_await refuse(why, without_body);
  }
  if (auto wrong = check_request(made->parsed, made->http_1_0))
    co_return co_await refuse(*wrong, without_body);

  auto& request = made->parsed;
  request.peer = peer_;
  request.secure = secure_;
  request.id = host_->request_id();
  body_ = make_body_reader(*made, request.content_length);
  without_body_ = without_body;
  expects_continue_ = !made->http_1_0 && request.find("Expect") != nullptr;
  // Without a body nobody would ask to go on, but botocore keeps waiting for it: it reads the
  // answer in its place and then takes the next one on this connection for a body without end.
  if (expects_continue_ && body_->done()) {
    co_await go_on();
    stream_->expires_never();
  }
  closes_ = !made->keep_alive;
  began_.reset();
  if (throttle_ > 0) began_ = now();
  responded_ = continuing_ = reading_ = writing_ = false;
  unsent_ = 0;
  be_busy(true);
  const auto serial = ++serial_;
  host_->count_request();
  tallies_.requests.add(1);
  if (traffic_) ++traffic_->requests;
  add_declared_load(request);
  host_->accept(std::make_shared<live_exchange>(shared_from_this(), serial, std::move(request)));
}

connection::task connection::go_on() {
  static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  expects_continue_ = false;
  stream_->expires_after(options_.body_timeout);
  co_await stream_->write(asio::buffer(line));
  count_out(line.size());
}

connection::task connection::refuse(refusal why, bool without_body) {
  rest(0);
  host_->count_refused(why.code);
  tallies_.drops.add(1);
  const auto answer = format_refusal(why, host_->request_id(), options_, without_body);
  stream_->expires_after(options_.body_timeout);
  co_await stream_->write(asio::buffer(answer));
  count_out(answer.size());
  co_await linger();
}

connection::task connection::answer_overload() {
  const auto self = shared_from_this();
  host_->count_refused("connections_max");
  stream_->expires_after(1s);
  const refusal why{503, "SlowDown", "Please reduce your request rate."};
  const auto answer = format_refusal(why, host_->request_id(), options_, false);
  if (!stream_->secure()) co_await stream_->write(asio::buffer(answer));
  close();
}

}  // namespace dunlin::http
