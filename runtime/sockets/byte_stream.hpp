/// One TCP connection, with TLS or without, and a deadline that closes it. All of it runs on the
/// socket's executor (a strand); only close_soon() may come from elsewhere.
#pragma once

#include "runtime/sockets/io_threads.hpp"
#include "runtime/sockets/tls_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <string>

namespace dunlin::sockets {

class byte_stream final : public closable, public std::enable_shared_from_this<byte_stream> {
public:
  /// What an operation came to; `error` is ec::timed_out if the deadline closed the stream.
  struct outcome {
    std::optional<ec> error;
    std::size_t bytes = 0;
    explicit operator bool() const { return !error; }
  };

  byte_stream(tcp::socket socket, tls_context tls);

  asio::awaitable<outcome> connect(endpoint to);
  asio::awaitable<outcome> handshake(bool as_server);

  asio::awaitable<outcome> read_some(asio::mutable_buffer into);
  asio::awaitable<outcome> read(asio::mutable_buffer into);
  /// Both buffers, in order; in one packet or record where they are small.
  asio::awaitable<outcome> write(asio::const_buffer first, asio::const_buffer second = {});

  /// Closes the stream unless moved on in time. One deadline at a time.
  void expires_after(std::chrono::milliseconds time);
  /// As expires_after, but only ends the operation that waits then: one can still answer.
  void interrupt_after(std::chrono::milliseconds time);
  void expires_never();

  void close();
  void close_soon() override;
  /// No more will be written: the peer reads an end, not an error.
  void shutdown_send();
  bool open() const { return socket_.is_open(); }

  /// Of an idle stream: has the peer closed it, or sent what nobody asked for?
  bool went_stale();

  /// Surely more to read without waiting.
  bool readable_now();

  /// DER; empty without TLS or certificate.
  std::string peer_certificate();
  std::string peer_address();
  bool secure() const { return tls_.has_value(); }
  const tcp::socket::executor_type& executor() { return executor_; }

private:
  void arm(std::chrono::milliseconds time, bool closes);
  outcome done(const boost::system::error_code& error, std::size_t bytes) const;

  tls_context context_;
  tcp::socket socket_;
  tcp::socket::executor_type executor_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  asio::steady_timer deadline_;
  std::uint64_t deadlines_ = 0;
  bool timed_out_ = false;
  std::string joined_;
};

using byte_stream_ptr = std::shared_ptr<byte_stream>;

}  // namespace dunlin::sockets
