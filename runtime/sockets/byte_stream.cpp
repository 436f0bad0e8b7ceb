#include "runtime/sockets/byte_stream.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

namespace dunlin::sockets {

namespace {

constexpr auto outcome_of = asio::as_tuple(asio::use_awaitable);

// Below this one record or packet is cheaper than a copy saved.
constexpr std::size_t join_bytes_max = 16u << 10;

}  // namespace

byte_stream::byte_stream(tcp::socket socket, tls_context tls)
    : context_(std::move(tls)),
      socket_(std::move(socket)),
      executor_(socket_.get_executor()),
      deadline_(executor_) {
  if (context_) tls_.emplace(socket_, *context_);
}

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
  if (!tls_) co_return outcome{};
  const auto side = as_server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
  auto [error] = co_await tls_->async_handshake(side, outcome_of);
  co_return done(error, 0);
}

asio::awaitable<byte_stream::outcome> byte_stream::read_some(asio::mutable_buffer into) {
  if (tls_) {
    auto [error, bytes] = co_await tls_->async_read_some(into, outcome_of);
    co_return done(error, bytes);
  }
  auto [error, bytes] = co_await socket_.async_read_some(into, outcome_of);
  co_return done(error, bytes);
}

asio::awaitable<byte_stream::outcome> byte_stream::read(asio::mutable_buffer into) {
  if (tls_) {
    auto [error, bytes] = co_await asio::async_read(*tls_, into, outcome_of);
    co_return done(error, bytes);
  }
  auto [error, bytes] = co_await asio::async_read(socket_, into, outcome_of);
  co_return done(error, bytes);
}

asio::awaitable<byte_stream::outcome> byte_stream::write(asio::const_buffer first,
                                                         asio::const_buffer second) {
  if (!tls_) {
    const std::array<asio::const_buffer, 2> both{first, second};
    auto [error, bytes] = co_await asio::async_write(socket_, both, outcome_of);
    co_return done(error, bytes);
  }
  if (second.size() > 0 && first.size() + second.size() <= join_bytes_max) {
    joined_.assign(static_cast<const char*>(first.data()), first.size());
    joined_.append(static_cast<const char*>(second.data()), second.size());
    first = asio::buffer(joined_);
    second = {};
  }
  auto [error, bytes] = co_await asio::async_write(*tls_, first, outcome_of);
  if (!error && second.size() > 0) {
    auto [failed, more] = co_await asio::async_write(*tls_, second, outcome_of);
    co_return done(failed, bytes + more);
  }
  co_return done(error, bytes);
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

void byte_stream::expires_never() {
  ++deadlines_;
  deadline_.cancel();
}

void byte_stream::close() {
  expires_never();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void byte_stream::close_soon() {
  asio::post(executor_, [self = shared_from_this()] { self->close(); });
}

void byte_stream::shutdown_send() {
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

bool byte_stream::went_stale() {
  if (!socket_.is_open()) return true;
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool byte_stream::readable_now() {
  if (tls_ && SSL_pending(tls_->native_handle()) > 0) return true;
  boost::system::error_code error;
  return socket_.available(error) > 0 && !error;
}

std::string byte_stream::peer_certificate() {
  if (!tls_) return {};
  std::unique_ptr<X509, decltype(&X509_free)> certificate{
      SSL_get1_peer_certificate(tls_->native_handle()), &X509_free};
  if (!certificate) return {};
  const auto size = i2d_X509(certificate.get(), nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* target = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate.get(), &target);
  return der;
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
