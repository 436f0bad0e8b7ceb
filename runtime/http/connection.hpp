/// CONNECTION: one client's stream, its parser and left-over bytes (decision 5): reads heads,
/// guards them, hands exchanges to the acceptor, and goes on with the next request when one is
/// answered. Everything but what is marked otherwise runs on the stream's strand.
///
/// One that comes from a balancer is a leg besides (connection_leg.cpp): a PROXY header comes
/// first, and at a boundary between requests it can be given back.
#pragma once

#include "runtime/http/body_reader.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/http/leg.hpp"
#include "runtime/http/server.hpp"
#include "runtime/sockets/stream.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dunlin::proxy {
struct header;
}

namespace dunlin::http {

class connection;

// Reading on is cheaper than a new connection up to here.
inline constexpr std::uint64_t drain_bytes_max = 64u << 10;

/// What all connections of a server share; thread safe.
class connection_host {
public:
  virtual ~connection_host() = default;
  virtual const server_options& options() const = 0;
  virtual void accept(exchange_ptr request) = 0;
  virtual bool draining() const = 0;
  virtual bool stopping() const = 0;
  virtual std::string request_id() = 0;
  virtual void count_request() = 0;
  virtual void count_refused(const std::string& reason) = 0;
  virtual void count_absurd_load() = 0;
  /// A leg has shown its token: is there room for it?
  virtual bool admit(std::uint64_t connection) = 0;
  /// Counts the times that connections began to rest: who rests longest, whatever the time.
  virtual std::uint64_t next_rest() = 0;
  virtual void gone(std::uint64_t connection) = 0;
};

/// One writer, readers anywhere.
class tally {
public:
  void add(std::uint64_t more) { value_.store(value() + more, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_ = 0;
};

class connection final : public leg, public std::enable_shared_from_this<connection> {
public:
  using read_done = std::function<void(result<std::string>)>;
  using write_done = std::function<void(result<void>)>;

  enum class origin : std::uint8_t { client, balancer };
  /// `number` is what the host calls it.
  connection(std::shared_ptr<connection_host> host, sockets::stream_ptr stream,
             std::uint64_t number, origin from);
  ~connection() override;

  /// Any thread: TLS, then requests.
  void start();
  /// Any thread: there is no room for this client.
  void start_refused();
  /// Any thread: closes if no request is open.
  void close_if_idle();
  /// Any thread: if it is still in that rest it closes, and what comes from now on is not begun: as
  /// if it had come too late. False: it is busy.
  bool give_way(std::uint64_t rest);
  /// Any thread: closes now.
  void close_soon() override;
  /// Any thread: which rest of all (connection_host::next_rest) it is in, waiting for the first
  /// byte of a request; nullopt: busy, or about to close.
  std::optional<std::uint64_t> resting_since() const;

  // ---- leg; any thread ----
  leg_counts counts() const override;
  void hand_over(std::uint64_t forwarded, std::chrono::milliseconds within,
                 std::function<void(result<std::string>)> done) override;
  void throttle(double part) override { throttle_ = std::clamp(part, 0.0, 0.95); }

  // ---- for exchanges; any thread; `serial` says of which request ----
  void read(std::uint64_t serial, std::size_t size, read_done done);
  void respond(std::uint64_t serial, response head, buffer body, write_done done);
  void write(std::uint64_t serial, buffer body, write_done done);
  void cut(std::uint64_t serial);

private:
  using task = boost::asio::awaitable<void>;
  void spawn(task (connection::*work)());

  task serve();
  boost::asio::awaitable<bool> shake_hands();
  boost::asio::awaitable<bool> open_leg();
  bool redeem(const proxy::header& header);
  void add_declared_load(const request& of);
  void begin_hand_over(std::uint64_t forwarded, std::chrono::milliseconds within,
                       std::function<void(result<std::string>)> done);
  bool cannot_hand_over(std::uint64_t forwarded) const;
  std::uint64_t parsed_bytes() const;
  void settle(result<std::string> how);
  void decline_if_starved();
  boost::asio::awaitable<bool> give_back();
  std::size_t take_put_back(receive_buffer::room room);
  void await_head();
  std::chrono::nanoseconds now() const;
  bool pause();
  void end_pause();
  boost::asio::awaitable<std::optional<std::size_t>> read_head();
  std::optional<std::size_t> scan_head(std::size_t& scanned, std::optional<refusal>& wrong) const;
  task begin_request(std::size_t head_bytes);
  task go_on();
  task refuse(refusal why, bool without_body);
  task answer_overload();
  task read_body(std::uint64_t serial, std::size_t size, read_done done);
  task send(std::uint64_t serial, std::string head, buffer body, write_done done);
  boost::asio::awaitable<bool> send_slices(const std::string& head, std::string_view body);
  task end_request();
  boost::asio::awaitable<bool> drain_body();
  task linger();
  void respond_now(std::uint64_t serial, response head, buffer body, write_done done);
  bool must_close_after_answer() const;
  bool current(std::uint64_t serial) const { return serial == serial_ && in_request_; }
  void close();
  void leave();
  void end_account();
  // What it does, in its own tallies and in the traffic of those who come straight.
  void count_in(std::size_t bytes);
  void count_out(std::size_t bytes);
  bool be_busy(bool yes);
  std::uint64_t rest(std::uint64_t now);

  const std::shared_ptr<connection_host> host_;
  const sockets::stream_ptr stream_;
  const std::uint64_t number_;
  const server_options& options_;
  const origin from_;
  client_traffic* const traffic_;  // null: a leg, or nobody asks
  bool open_ = false;              // and counted as that
  std::string peer_;
  bool secure_;
  receive_buffer received_;
  std::string put_back_;  // received after that, and not to be given back after all

  std::optional<std::uint64_t> leg_;  // the access node's number of it, once it has shown its token
  struct handing {
    std::uint64_t forwarded;
    std::function<void(result<std::string>)> done;
  };
  std::optional<handing> handing_;  // to be given back
  enum class waiting : std::uint8_t { nothing, head, body, unread };
  waiting waits_ = waiting::nothing;  // what the read that waits is for

  std::atomic<double> throttle_ = 0;
  std::optional<std::chrono::nanoseconds> began_;  // the request, if it is throttled
  std::shared_ptr<connection> pausing_;            // itself, while it waits before it reads on

  struct {
    tally in, out, requests, drops;
    std::atomic<double> declared = 0;
  } tallies_;

  // Of the present request.
  std::atomic<std::uint64_t> serial_ = 0;
  std::atomic<bool> in_request_ = false;
  std::unique_ptr<body_reader> body_;
  bool without_body_ = false;  // HEAD
  bool expects_continue_ = false;
  bool continuing_ = false;  // 100 Continue is being written
  bool reading_ = false;
  bool writing_ = false;
  bool responded_ = false;
  bool closes_ = false;
  std::uint64_t unsent_ = 0;
  std::function<void()> after_continue_;

  static constexpr std::uint64_t given_way = ~std::uint64_t{0};
  std::atomic<std::uint64_t> rest_ = 0;  // 0: busy
  bool lingers_ = false;
  bool closed_ = false;
};

}  // namespace dunlin::http
