/// STREAM: one byte connection as HTTP and balancers use it, whatever carries it (decision 2).
/// Real: byte_stream, over TCP with TLS or without. Simulated: runtime/simulation/sim_stream, on
/// virtual time. All of it runs on `executor()`, a strand; only close_soon() may come from
/// elsewhere.
#pragma once

#include "runtime/sockets/closable.hpp"

#include "messages/vocabulary.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::sockets {

namespace asio = boost::asio;

class stream : public closable {
public:
  /// What an operation came to; `error` is ec::timed_out if the deadline ended it, else ec::closed.
  struct outcome {
    std::optional<ec> error;
    std::size_t bytes = 0;
    explicit operator bool() const { return !error; }
  };

  virtual asio::awaitable<outcome> handshake(bool as_server) = 0;

  /// The peer's end of sending is ec::closed, like a connection that broke.
  virtual asio::awaitable<outcome> read_some(asio::mutable_buffer into) = 0;
  /// Both buffers, in order; in one packet where they are small.
  virtual asio::awaitable<outcome> write(asio::const_buffer first,
                                         asio::const_buffer second = {}) = 0;

  /// Bytes in room that all streams of a thread share, until their reader waits for anything.
  struct passing {
    std::optional<ec> error;
    std::string_view bytes;
    explicit operator bool() const { return !error; }
  };
  /// At once. Little enough that what one socket gave is still in the processor's cache when
  /// another one takes it: of 8 to 256 KiB the fastest, by some hundredths.
  static constexpr std::size_t passing_max = 32u << 10;

  /// As read_some, for those who pass bytes on: whoever waits for some holds no room for them.
  virtual asio::awaitable<passing> read_passing();
  /// As write; whatever does not leave at once is copied.
  virtual asio::awaitable<outcome> write_passing(std::string_view bytes);

  /// Closes the stream unless moved on in time. One deadline at a time.
  virtual void expires_after(std::chrono::milliseconds time) = 0;
  /// As expires_after, but only ends the operation that waits then: one can still answer.
  virtual void interrupt_after(std::chrono::milliseconds time) = 0;
  virtual void expires_never() = 0;
  /// Ends the read that waits now, with ec::timed_out; no byte is lost.
  virtual void interrupt() = 0;
  /// Calls `what` on the executor when the time has passed, unless the stream is closed by then.
  /// One at a time: a later call takes the place of an earlier one; null only drops it.
  virtual void call_after(std::chrono::milliseconds time, std::function<void()> what) = 0;

  virtual void close() = 0;
  /// No more will be written: the peer reads an end, not an error.
  virtual void shutdown_send() = 0;
  /// Did the last read end because the peer's sending has ended, in order?
  virtual bool at_end() const = 0;
  virtual bool open() const = 0;
  /// Surely more to read without waiting.
  virtual bool readable_now() = 0;

  virtual std::string peer_address() = 0;  ///< "address:port"; empty if it is gone
  virtual bool secure() const = 0;
  virtual asio::any_io_executor executor() = 0;

protected:
  /// The thread's, of passing_max bytes.
  static char* passing_room();
};

using stream_ptr = std::shared_ptr<stream>;

}  // namespace dunlin::sockets
