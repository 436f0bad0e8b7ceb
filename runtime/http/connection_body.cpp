/// What a connection does with the body of a request.
#include "runtime/http/connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <utility>

namespace dunlin::http {

namespace asio = boost::asio;

namespace {

constexpr std::size_t drain_slice_bytes = 16u << 10;

}  // namespace

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
    if (*taken > 0 || body_->done()) continue;
    if (filled > 0 && put_back_.empty() && !stream_->readable_now()) break;
    if (!put_back_.empty()) {
      received_.filled(take_put_back(received_.free()));
      continue;
    }
    decline_if_starved();
    stream_->interrupt_after(options_.body_timeout);
    const auto straight = std::min<std::uint64_t>(body_->straight(), size - filled);
    const auto target =
        receive_buffer::room{bytes.data() + filled, static_cast<std::size_t>(straight)};
    const auto room = straight > 0 ? target : received_.free();
    waits_ = waiting::body;
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    waits_ = waiting::nothing;
    if (!more) failed = *more.error;
    if (failed) break;
    count_in(more.bytes);
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
    settle(ec::refused);
    co_return done(*failed);
  }
  bytes.resize(filled);
  if (filled < size / 2) bytes.shrink_to_fit();
  done(std::move(bytes));
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
    if (!put_back_.empty()) {
      received_.filled(take_put_back(room));
      continue;
    }
    decline_if_starved();
    waits_ = waiting::body;
    const auto more = co_await stream_->read_some(asio::buffer(room.data, room.size));
    waits_ = waiting::nothing;
    if (!more) {
      close();
      co_return false;
    }
    received_.filled(more.bytes);
    count_in(more.bytes);
  }
  co_return true;
}

}  // namespace dunlin::http
