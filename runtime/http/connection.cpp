#include "runtime/http/connection.hpp"

#include "runtime/http/response_head.hpp"
#include "runtime/http/text.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::http {

using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Reading on is cheaper than a new connection up to here.
constexpr std::uint64_t drain_bytes_max = 64u << 10;
constexpr std::size_t drain_slice_bytes = 16u << 10;

// Closing with unread bytes resets the connection, and the client loses the answer that told it
// why: read on for a while, then close.
constexpr std::size_t linger_bytes_max = 8u << 20;
constexpr auto linger_timeout = 2s;

// Each must leave within body_timeout, so a slow client is told from a dead one.
constexpr std::size_t slice_bytes = 256u << 10;

class live_exchange final : public exchange {
public:
  live_exchange(std::shared_ptr<connection> from, std::uint64_t serial, http::request request)
      : connection_(std::move(from)), serial_(serial), request_(std::move(request)) {}
  ~live_exchange() override { connection_->cut(serial_); }

  const http::request& request() const override { return request_; }
  void read(std::size_t size, std::function<void(result<std::string>)> done) override {
    connection_->read(serial_, size, std::move(done));
  }
  void respond(response head, buffer body, std::function<void(result<void>)> done) override {
    connection_->respond(serial_, std::move(head), std::move(body), std::move(done));
  }
  void write(buffer body, std::function<void(result<void>)> done) override {
    connection_->write(serial_, std::move(body), std::move(done));
  }
  void cut() override { connection_->cut(serial_); }

private:
  const std::shared_ptr<connection> connection_;
  const std::uint64_t serial_;
  const http::request request_;
};

}  // namespace

connection::connection(std::shared_ptr<connection_host> host, sockets::byte_stream_ptr stream)
    : host_(std::move(host)),
      stream_(std::move(stream)),
      options_(host_->options()),
      peer_(stream_->peer_address()),
      received_(options_.header_bytes_max) {}

connection::~connection() { host_->gone(this); }

void connection::spawn(task (connection::*work)()) {
  asio::co_spawn(
      stream_->executor(), [self = shared_from_this(), work] { return (self.get()->*work)(); },
      asio::detached);
}

void connection::start() { spawn(&connection::serve); }
void connection::start_refused() { spawn(&connection::answer_overload); }

void connection::close_if_idle() {
  asio::post(stream_->executor(), [self = shared_from_this()] {
    if (self->idle_since_ != 0) self->close();
  });
}

std::optional<std::chrono::steady_clock::time_point> connection::idle_since() const {
  using clock = std::chrono::steady_clock;
  const auto since = idle_since_.load();
  if (since == 0) return std::nullopt;
  return clock::time_point{clock::duration{since}};
}

void connection::close() {
  if (std::exchange(closed_, true)) return;
  in_request_ = false;
  stream_->close();
  host_->gone(this);
}

// ---- requests ----

connection::task connection::serve() {
  const auto self = shared_from_this();
  if (serial_ == 0) {
    stream_->expires_after(options_.header_timeout);
    const auto shaken = co_await stream_->handshake(true);
    if (!shaken) {
      host_->count_refused("tls");
      co_return close();
    }
  }
  const auto head_bytes = co_await read_head();
  if (head_bytes) co_await begin_request(*head_bytes);
}

// Bytes of the head that stands at the start of received_; nullopt: it was refused, or nobody is
// there.
// Refusals have names: g++ 12 destroys braced temporaries in co_await expressions twice.
asio::awaitable<std::optional<std::size_t>> connection::read_head() {
  if (host_->draining() && received_.empty()) {
    close();
    co_return std::nullopt;
  }
  if (received_.empty()) {
    idle_since_ = std::chrono::steady_clock::now().time_since_epoch().count();
    stream_->expires_after(options_.idle_timeout);
  } else {
    stream_->interrupt_after(options_.header_timeout);
  }
  for (std::size_t scanned = 0;;) {
    const auto view = received_.view();
    for (; scanned < view.size(); ++scanned) {
      if (view[scanned] != '\n') continue;
      if (scanned == 0 || view[scanned - 1] != '\r') {
        const refusal why{400, "BadRequest", "A line does not end with CR LF."};
        co_await refuse(why, false);
        co_return std::nullopt;
      }
      if (view.substr(0, scanned + 1).ends_with("\r\n\r\n")) co_return scanned + 1;
    }
    if (received_.full()) {
      const refusal why{431, "RequestHeaderSectionTooLarge", "The headers are too large."};
      co_await refuse(why, false);
      co_return std::nullopt;
    }
    const auto room = received_.free();
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    if (!more && *more.error == ec::timed_out && !received_.empty()) {
      const refusal why{408, "RequestTimeout", "The headers did not arrive in time."};
      co_await refuse(why, false);
      co_return std::nullopt;
    }
    if (!more) {
      close();
      co_return std::nullopt;
    }
    if (idle_since_.exchange(0) != 0) stream_->interrupt_after(options_.header_timeout);
    received_.filled(more.bytes);
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
  request.secure = stream_->secure();
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
  responded_ = continuing_ = reading_ = writing_ = false;
  unsent_ = 0;
  in_request_ = true;
  const auto serial = ++serial_;
  host_->count_request();
  host_->accept(std::make_shared<live_exchange>(shared_from_this(), serial, std::move(request)));
}

connection::task connection::go_on() {
  static constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  expects_continue_ = false;
  stream_->expires_after(options_.body_timeout);
  co_await stream_->write(asio::buffer(line));
}

connection::task connection::refuse(refusal why, bool without_body) {
  idle_since_ = 0;
  host_->count_refused(why.code);
  const auto answer = format_refusal(why, host_->request_id(), options_, without_body);
  stream_->expires_after(options_.body_timeout);
  co_await stream_->write(asio::buffer(answer));
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

// ---- body ----

void connection::read(std::uint64_t serial, std::size_t size, read_done done) {
  if (host_->stopping()) return done(ec::closed);
  asio::co_spawn(
      stream_->executor(),
      [self = shared_from_this(), serial, size, done = std::move(done)] {
        return self->read_body(serial, size, done);
      },
      asio::detached);
}

connection::task connection::read_body(std::uint64_t serial, std::size_t size, read_done done) {
  const auto self = shared_from_this();
  if (!current(serial) || reading_ || size == 0) co_return done(ec::closed);
  if (body_->done()) co_return done(std::string{});
  reading_ = true;
  if (std::exchange(expects_continue_, false) && !responded_ && received_.empty()) {
    continuing_ = true;
    co_await go_on();
    continuing_ = false;
    if (auto waiting = std::exchange(after_continue_, nullptr)) waiting();
  }
  if (const auto left = body_->left())
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, *left));
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  std::optional<ec> failed;
  while (filled < size && !body_->done()) {
    const auto taken = body_->take(received_, bytes.data() + filled, size - filled);
    if (!taken) failed = taken.error();
    if (failed) break;
    filled += *taken;
    if (*taken > 0) continue;
    if (filled > 0 && !stream_->readable_now()) break;
    stream_->interrupt_after(options_.body_timeout);
    const auto straight = std::min<std::uint64_t>(body_->straight(), size - filled);
    const auto room = straight > 0 ? receive_buffer::room{bytes.data() + filled,
                                                          static_cast<std::size_t>(straight)}
                                   : received_.free();
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    if (!more) failed = *more.error;
    if (failed) break;
    if (straight > 0) {
      body_->received_straight(more.bytes);
      filled += more.bytes;
    } else {
      received_.filled(more.bytes);
    }
  }
  if (!writing_) stream_->expires_never();
  reading_ = false;
  if (!current(serial)) {  // answered, and this was still on its way
    close();
    co_return done(ec::closed);
  }
  if (failed) {
    closes_ = true;  // where the next request starts, nobody knows
    co_return done(*failed);
  }
  bytes.resize(filled);
  if (filled < size / 2) bytes.shrink_to_fit();
  done(std::move(bytes));
}

// ---- answer ----

bool connection::must_close_after_answer() const {
  if (closes_ || host_->draining() || expects_continue_) return true;
  const auto left = body_->left();
  return left && *left > drain_bytes_max;
}

void connection::respond(std::uint64_t serial, response head, buffer body, write_done done) {
  if (host_->stopping()) return done(ec::closed);
  asio::post(stream_->executor(),
             [self = shared_from_this(), serial, head = std::move(head), body = std::move(body),
              done = std::move(done)] { self->respond_now(serial, head, body, done); });
}

void connection::respond_now(std::uint64_t serial, response head, buffer body, write_done done) {
  if (!current(serial) || responded_) return done(ec::closed);
  if (continuing_) {
    after_continue_ = [self = shared_from_this(), serial, head, body, done] {
      self->respond_now(serial, head, body, done);
    };
    return;
  }
  responded_ = true;
  closes_ = must_close_after_answer();
  without_body_ = without_body_ || bodiless(head.status);
  unsent_ = without_body_ ? 0 : head.content_length;
  auto text = format_head(head, closes_, options_.name);
  if (without_body_) body.reset();
  asio::co_spawn(
      stream_->executor(),
      [self = shared_from_this(), serial, text = std::move(text), body = std::move(body),
       done = std::move(done)] { return self->send(serial, text, body, done); },
      asio::detached);
}

void connection::write(std::uint64_t serial, buffer body, write_done done) {
  if (host_->stopping()) return done(ec::closed);
  asio::co_spawn(
      stream_->executor(),
      [self = shared_from_this(), serial, body = std::move(body), done = std::move(done)] {
        return self->send(serial, {}, body, done);
      },
      asio::detached);
}

connection::task connection::send(std::uint64_t serial, std::string head, buffer body,
                                  write_done done) {
  const auto self = shared_from_this();
  if (!current(serial) || !responded_ || writing_) co_return done(ec::closed);
  const auto bytes = body ? std::string_view(*body) : std::string_view{};
  if (bytes.size() > unsent_) {  // it would be read as the next answer
    close();
    co_return done(ec::invalid_argument);
  }
  writing_ = true;
  const auto sent = co_await send_slices(head, bytes);
  writing_ = false;
  if (!sent) {
    close();
    co_return done(ec::closed);
  }
  if (!reading_) stream_->expires_never();
  unsent_ -= bytes.size();
  if (unsent_ == 0 && current(serial)) {
    in_request_ = false;
    spawn(&connection::end_request);
  }
  done({});
}

asio::awaitable<bool> connection::send_slices(const std::string& head, std::string_view body) {
  auto slice = body.substr(0, slice_bytes);
  stream_->expires_after(options_.body_timeout);
  auto sent = co_await stream_->write(asio::buffer(head), asio::buffer(slice));
  for (auto at = slice.size(); sent && at < body.size(); at += slice.size()) {
    slice = body.substr(at, slice_bytes);
    stream_->expires_after(options_.body_timeout);
    sent = co_await stream_->write(asio::buffer(slice));
  }
  co_return static_cast<bool>(sent);
}

connection::task connection::end_request() {
  const auto self = shared_from_this();
  if (closes_ || reading_) co_return co_await linger();
  if (!body_->done()) {
    const bool drained = co_await drain_body();
    if (!drained) co_return;
  }
  body_.reset();
  co_await serve();
}

// The rest of the body stands between us and the next request. Its buffer must not outlive it:
// serve() waits for as long as the client keeps the connection.
asio::awaitable<bool> connection::drain_body() {
  std::string waste(drain_slice_bytes, '\0');
  std::uint64_t drained = 0;
  stream_->expires_after(options_.header_timeout);
  while (!body_->done()) {
    const auto taken = body_->take(received_, waste.data(), waste.size());
    if (!taken || drained > drain_bytes_max) {
      co_await linger();
      co_return false;
    }
    drained += *taken;
    if (*taken > 0 || body_->done()) continue;
    const auto room = received_.free();
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    if (!more) {
      close();
      co_return false;
    }
    received_.filled(more.bytes);
  }
  co_return true;
}

connection::task connection::linger() {
  stream_->shutdown_send();
  stream_->expires_after(linger_timeout);
  std::string waste(16u << 10, '\0');
  if (reading_) co_return;  // it ends with the deadline or its bytes, and closes
  for (std::size_t read = 0; read < linger_bytes_max;) {
    const auto more = co_await stream_->read_some(asio::buffer(waste));
    if (!more) break;
    read += more.bytes;
  }
  close();
}

void connection::cut(std::uint64_t serial) {
  // The last reference often goes when the answer is complete: then there is nothing to do.
  if (serial != serial_ || host_->stopping()) return;
  asio::post(stream_->executor(), [self = shared_from_this(), serial] {
    if (self->current(serial)) self->close();
  });
}

}  // namespace dunlin::http
