/// How a connection answers, and what comes after the answer.
#include "runtime/http/connection.hpp"
#include "runtime/http/response_head.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace dunlin::http {

using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Closing with unread bytes resets the connection, and the client loses the answer that told it
// why: read on for a while, then close.
constexpr std::size_t linger_bytes_max = 8u << 20;
constexpr auto linger_timeout = 2s;

// Each must leave within body_timeout, so a slow client is told from a dead one.
constexpr std::size_t slice_bytes = 256u << 10;

}  // namespace

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
  if (closes_) settle(ec::refused);
  without_body_ = without_body_ || bodiless(head.status);
  unsent_ = without_body_ ? 0 : head.content_length;
  auto text = format_head(head, closes_, options_.name, options_.host_id);
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
  count_out(head.size() + bytes.size());
  if (!reading_) stream_->expires_never();
  unsent_ -= bytes.size();
  if (unsent_ == 0 && current(serial)) {
    be_busy(false);
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
  if (pause()) co_return;
  co_await serve();
}

connection::task connection::linger() {
  lingers_ = true;
  settle(ec::refused);
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
