/// One TCP connection, with TLS or without, and a deadline that closes it. All of it runs on the
/// socket's executor (a strand); only close_soon() and write_now() may come from elsewhere.
#pragma once

#include "runtime/sockets/io_threads.hpp"
#include "runtime/sockets/stream.hpp"
#include "runtime/sockets/tls_session.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::sockets {

class byte_stream final : public stream, public std::enable_shared_from_this<byte_stream> {
public:
  byte_stream(tcp::socket socket, tls_context tls);

  asio::awaitable<outcome> connect(endpoint to);
  asio::awaitable<outcome> handshake(bool as_server) override;

  asio::awaitable<outcome> read_some(asio::mutable_buffer into) override;
  asio::awaitable<outcome> read(asio::mutable_buffer into);
  asio::awaitable<outcome> write(asio::const_buffer first, asio::const_buffer second = {}) override;

  asio::awaitable<passing> read_passing() override;
  asio::awaitable<outcome> write_passing(std::string_view bytes) override;

  /// From any thread, in place of write(), without waiting: true if all of it has left. Else the
  /// rest, or all of it, leaves with flush(), which also tells what went wrong. Of write(),
  /// write_now() and flush() one at a time: it is for the caller to see to that.
  bool write_now(std::string_view bytes);
  /// What write_now() left behind.
  asio::awaitable<outcome> flush();

  void expires_after(std::chrono::milliseconds time) override;
  void interrupt_after(std::chrono::milliseconds time) override;
  void expires_never() override;
  void interrupt() override;
  void call_after(std::chrono::milliseconds time, std::function<void()> what) override;

  void close() override;
  void close_soon() override;
  /// Not while a write waits.
  void shutdown_send() override;
  bool at_end() const override { return at_end_; }
  bool open() const override { return socket_.is_open(); }

  /// Of an idle stream: has the peer closed it, or sent what nobody asked for?
  bool went_stale();

  bool readable_now() override;

  /// DER; empty without TLS or certificate.
  std::string peer_certificate();
  std::string peer_address() override;
  bool secure() const override { return context_ != nullptr; }
  asio::any_io_executor executor() override { return executor_; }

private:
  void arm(std::chrono::milliseconds time, bool closes);
  outcome done(const boost::system::error_code& error, std::size_t bytes) const;
  outcome received(const boost::system::error_code& error, std::size_t bytes);
  asio::awaitable<outcome> take_input();
  asio::awaitable<void> flush_and_end(std::shared_ptr<byte_stream> self);
  bool encrypt(const void* from, std::size_t size, bool at_once = false);
  asio::awaitable<outcome> write_encrypted(asio::const_buffer from);
  std::optional<outcome> decrypt(asio::mutable_buffer into);
  std::optional<outcome> receive(asio::mutable_buffer into);
  std::size_t send_some(std::string_view bytes);

  const tls_context context_;
  tcp::socket socket_;
  tcp::socket::executor_type executor_;
  asio::steady_timer deadline_;
  std::uint64_t deadlines_ = 0;
  std::optional<asio::steady_timer> call_;  // made when it is first used: few streams do
  std::uint64_t calls_ = 0;
  bool timed_out_ = false;
  bool at_end_ = false;
  asio::cancellation_signal stop_receiving_;  // one may read and write at the same time
  bool receiving_ = false;
  bool interrupted_ = false;
  bool drained_ = false;  // the last read of passing bytes took all there was
  using record = std::array<char, 17u << 10>;
  std::unique_ptr<record> input_;  // with TLS

  // A reader on the strand and a writer elsewhere share the session, never while one of them waits.
  std::mutex session_guard_;  // of the session, once there is one
  std::optional<tls_session> session_;

  // Of whoever writes: one at a time, and each sees what the one before left (stream_wire's guard).
  std::string output_;
  bool broken_ = false;  // what was to be written could not be encrypted

  // A descriptor that was closed may be somebody else's by the time it is written to.
  std::mutex descriptor_guard_;  // of closing the socket, and of writing from elsewhere
  bool closed_ = false;
};

using byte_stream_ptr = std::shared_ptr<byte_stream>;

}  // namespace dunlin::sockets
