#include "runtime/sockets/byte_stream.hpp"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cerrno>

namespace dunlin::sockets {

namespace {

constexpr auto outcome_of = asio::as_tuple(asio::use_awaitable);

// Encrypted before it is sent: a record, not a whole page.
constexpr std::size_t output_bytes_max = 16u << 10;

}  // namespace

byte_stream::byte_stream(tcp::socket socket, tls_context tls)
    : context_(std::move(tls)),
      socket_(std::move(socket)),
      executor_(socket_.get_executor()),
      deadline_(executor_) {}

byte_stream::outcome byte_stream::done(const boost::system::error_code& error,
                                       std::size_t bytes) const {
  if (timed_out_) return {ec::timed_out, bytes};
  if (error) return {ec::closed, bytes};
  return {std::nullopt, bytes};
}

asio::awaitable<byte_stream::outcome> byte_stream::connect(endpoint to) {
  boost::system::error_code failed;
  const auto address = asio::ip::make_address(to.host, failed);
  if (!failed) {
    auto [error] = co_await socket_.async_connect(tcp::endpoint{address, to.port}, outcome_of);
    if (!error) tune(socket_);
    co_return done(error, 0);
  }
  tcp::resolver resolver{executor_};
  const auto service = std::to_string(to.port);
  auto [error, found] = co_await resolver.async_resolve(to.host, service, outcome_of);
  for (const auto& each : found) {
    if (timed_out_) break;
    socket_.close(failed);
    std::tie(error) = co_await socket_.async_connect(each.endpoint(), outcome_of);
    if (!error) break;
  }
  if (!error) tune(socket_);
  co_return done(error, 0);
}

asio::awaitable<byte_stream::outcome> byte_stream::handshake(bool as_server) {
  if (!context_) co_return outcome{};
  session_.emplace(context_, as_server);
  input_ = std::make_unique<record>();
  for (;;) {
    const auto state = session_->handshake();  // nobody else knows the stream yet
    session_->take_output(output_);
    if (const auto flushed = co_await flush(); !flushed) co_return flushed;
    if (state == tls_session::state::done) co_return outcome{};
    if (state == tls_session::state::broken) co_return outcome{ec::closed, 0};
    if (const auto taken = co_await take_input(); !taken) co_return taken;
  }
}

/// A read that has ended; what came although it was to be interrupted is not lost.
byte_stream::outcome byte_stream::received(const boost::system::error_code& error,
                                           std::size_t bytes) {
  receiving_ = false;
  if (error == asio::error::eof) at_end_ = true;
  if (error == asio::error::operation_aborted && interrupted_ && open()) return {ec::timed_out, 0};
  return done(error, bytes);
}

asio::awaitable<byte_stream::outcome> byte_stream::take_input() {
  receiving_ = true;
  auto [error, bytes] = co_await socket_.async_read_some(
      asio::buffer(*input_), asio::bind_cancellation_slot(stop_receiving_.slot(), outcome_of));
  const auto outcome = received(error, bytes);
  at_end_ = false;  // an end without the session's own may be a cut
  if (!error) {
    const auto lock = std::scoped_lock{session_guard_};
    session_->add_input(input_->data(), bytes);
  }
  co_return outcome;
}

asio::awaitable<byte_stream::outcome> byte_stream::read_some(asio::mutable_buffer into) {
  interrupted_ = false;
  if (!session_) {
    receiving_ = true;
    auto [error, bytes] = co_await socket_.async_read_some(
        into, asio::bind_cancellation_slot(stop_receiving_.slot(), outcome_of));
    co_return received(error, bytes);
  }
  while (into.size() > 0) {
    if (const auto got = decrypt(into)) co_return *got;
    if (interrupted_) co_return outcome{ec::timed_out, 0};
    if (const auto taken = co_await take_input(); !taken) co_return taken;
  }
  co_return outcome{};
}

/// Nothing: the session wants more input.
std::optional<byte_stream::outcome> byte_stream::decrypt(asio::mutable_buffer into) {
  const auto lock = std::scoped_lock{session_guard_};
  std::size_t bytes = 0;
  const auto state = session_->read(static_cast<char*>(into.data()), into.size(), bytes);
  at_end_ = state == tls_session::state::broken && session_->peer_has_ended();
  if (timed_out_) return outcome{ec::timed_out, bytes};
  if (state == tls_session::state::done) return outcome{std::nullopt, bytes};
  if (state == tls_session::state::broken) return outcome{ec::closed, 0};
  return std::nullopt;
}

/// Nothing: there is nothing to read yet, as far as is known. Not asking where less came than there
/// was room for spares a call in each question and answer; nothing is missed, since async_wait asks
/// the kernel anew instead of waiting for a change.
std::optional<byte_stream::outcome> byte_stream::receive(asio::mutable_buffer into) {
  if (!open() || timed_out_) return done(asio::error::bad_descriptor, 0);
  if (std::exchange(drained_, false)) return std::nullopt;
  const auto got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  drained_ = got > 0 && static_cast<std::size_t>(got) < into.size();
  if (got > 0) return done({}, static_cast<std::size_t>(got));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  at_end_ = got == 0;
  return done(asio::error::eof, 0);
}

asio::awaitable<byte_stream::passing> byte_stream::read_passing() {
  interrupted_ = false;
  for (;;) {
    // After each wait anew: another thread may go on.
    const auto room = asio::buffer(passing_room(), passing_max);
    if (const auto got = session_ ? decrypt(room) : receive(room))
      co_return passing{got->error, {static_cast<const char*>(room.data()), got->bytes}};
    // While a wait had ended that brought nothing, or part of a record, and was to be told.
    if (interrupted_) co_return passing{ec::timed_out, {}};
    outcome came;
    if (session_) {
      came = co_await take_input();
    } else {
      receiving_ = true;
      auto [error] = co_await socket_.async_wait(
          tcp::socket::wait_read, asio::bind_cancellation_slot(stop_receiving_.slot(), outcome_of));
      came = received(error, 0);
    }
    if (!came) co_return passing{came.error, {}};
  }
}

asio::awaitable<byte_stream::outcome> byte_stream::read(asio::mutable_buffer into) {
  if (!session_) {
    auto [error, bytes] = co_await asio::async_read(socket_, into, outcome_of);
    co_return done(error, bytes);
  }
  std::size_t bytes = 0;
  while (bytes < into.size()) {
    const auto some = co_await read_some(into + bytes);
    bytes += some.bytes;
    if (!some) co_return outcome{some.error, bytes};
  }
  co_return outcome{std::nullopt, bytes};
}

/// Also sends what the session itself had to say since the last time. `at_once`: what the socket
/// takes does not pass output_.
bool byte_stream::encrypt(const void* from, std::size_t size, bool at_once) {
  const auto lock = std::scoped_lock{session_guard_};
  const auto sink = [this, at_once](std::string_view record) {
    if (at_once && output_.empty()) record.remove_prefix(send_some(record));
    output_ += record;
  };
  broken_ = broken_ || !session_->write(from, size, sink);
  return !broken_;
}

asio::awaitable<byte_stream::outcome> byte_stream::write(asio::const_buffer first,
                                                         asio::const_buffer second) {
  if (!session_) {
    const std::array<asio::const_buffer, 2> both{first, second};
    auto [error, bytes] = co_await asio::async_write(socket_, both, outcome_of);
    co_return done(error, bytes);
  }
  const auto size = first.size() + second.size();
  if (const auto written = co_await write_encrypted(first); !written) co_return written;
  if (const auto written = co_await write_encrypted(second); !written) co_return written;
  const auto flushed = co_await flush();
  co_return outcome{flushed.error, flushed ? size : 0};
}

/// Leaves what is not worth a packet of its own to flush().
asio::awaitable<byte_stream::outcome> byte_stream::write_encrypted(asio::const_buffer from) {
  while (from.size() > 0) {
    const auto size = std::min(from.size(), output_bytes_max);
    if (!encrypt(from.data(), size)) co_return outcome{ec::closed, 0};
    from += size;
    if (output_.size() < output_bytes_max) continue;
    if (const auto flushed = co_await flush(); !flushed) co_return flushed;
  }
  co_return outcome{};
}

asio::awaitable<byte_stream::outcome> byte_stream::flush() {
  if (broken_) co_return outcome{ec::closed, 0};
  if (output_.empty()) co_return outcome{};
  auto [error, bytes] = co_await asio::async_write(socket_, asio::buffer(output_), outcome_of);
  output_.clear();
  co_return done(error, bytes);
}

bool byte_stream::write_now(std::string_view bytes) {
  if (!session_) {
    output_.append(bytes.substr(send_some(bytes)));
    return output_.empty();
  }
  if (!encrypt(bytes.data(), bytes.size())) return false;
  output_.erase(0, send_some(output_));
  return output_.empty();
}

asio::awaitable<byte_stream::outcome> byte_stream::write_passing(std::string_view bytes) {
  const auto size = bytes.size();
  const auto gone =
      session_ ? encrypt(bytes.data(), size, true) && output_.empty() : write_now(bytes);
  if (gone) co_return outcome{std::nullopt, size};
  const auto before = session_ ? 0 : size - output_.size();
  const auto flushed = co_await flush();
  output_ = std::string{};  // few are held back, and not for long
  if (flushed) co_return outcome{std::nullopt, size};
  co_return outcome{flushed.error, session_ ? 0 : before + flushed.bytes};
}

/// An error counts as nothing sent: flush() will meet it again, where it can be told.
std::size_t byte_stream::send_some(std::string_view bytes) {
  const auto lock = std::scoped_lock{descriptor_guard_};
  if (closed_) return 0;
  const auto sent =
      ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void byte_stream::expires_after(std::chrono::milliseconds time) { arm(time, true); }

void byte_stream::interrupt_after(std::chrono::milliseconds time) { arm(time, false); }

void byte_stream::arm(std::chrono::milliseconds time, bool closes) {
  const auto mine = ++deadlines_;
  if (socket_.is_open())
    timed_out_ = false;  // an interruption is over once there is a new deadline
  deadline_.expires_after(time);
  deadline_.async_wait(
      [weak = weak_from_this(), mine, closes](const boost::system::error_code& error) {
        const auto self = weak.lock();
        // A timer that fired just before it was moved is still in the queue.
        if (error || !self || self->deadlines_ != mine) return;
        self->timed_out_ = true;
        boost::system::error_code ignored;
        if (closes) return self->close();
        self->socket_.cancel(ignored);
      });
}

void byte_stream::interrupt() {
  if (!receiving_ || interrupted_) return;
  interrupted_ = true;
  stop_receiving_.emit(asio::cancellation_type::total);
}

void byte_stream::call_after(std::chrono::milliseconds time, std::function<void()> what) {
  const auto mine = ++calls_;
  if (call_) call_->cancel();
  if (!what || !open()) return;
  if (!call_) call_.emplace(executor_);
  call_->expires_after(time);
  call_->async_wait([weak = weak_from_this(), mine,
                     what = std::move(what)](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->calls_ == mine) what();
  });
}

void byte_stream::expires_never() {
  ++deadlines_;
  deadline_.cancel();
}

void byte_stream::close() {
  expires_never();
  ++calls_;
  if (call_) call_->cancel();
  boost::system::error_code ignored;
  const auto lock = std::scoped_lock{descriptor_guard_};
  closed_ = true;
  socket_.close(ignored);
}

void byte_stream::close_soon() {
  asio::post(executor_, [self = shared_from_this()] { self->close(); });
}

void byte_stream::shutdown_send() {
  if (session_) {
    {
      const auto lock = std::scoped_lock{session_guard_};
      session_->end();
      session_->take_output(output_);
    }
    output_.erase(0, send_some(output_));
    if (!output_.empty() && open()) {
      asio::co_spawn(executor_, flush_and_end(shared_from_this()), asio::detached);
      return;
    }
  }
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> byte_stream::flush_and_end(std::shared_ptr<byte_stream> self) {
  co_await self->flush();
  boost::system::error_code ignored;
  self->socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

bool byte_stream::went_stale() {
  if (!socket_.is_open()) return true;
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool byte_stream::readable_now() {
  if (session_) {
    const auto lock = std::scoped_lock{session_guard_};
    if (session_->readable()) return true;
  }
  boost::system::error_code error;
  return socket_.available(error) > 0 && !error;
}

std::string byte_stream::peer_certificate() {
  return session_ ? session_->peer_certificate() : std::string{};
}

std::string byte_stream::peer_address() {
  boost::system::error_code error;
  const auto peer = socket_.remote_endpoint(error);
  if (error) return {};
  const auto address = peer.address().to_string();
  const auto port = ":" + std::to_string(peer.port());
  return peer.address().is_v6() ? "[" + address + "]" + port : address + port;
}

}  // namespace dunlin::sockets
