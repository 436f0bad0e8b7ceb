#include "runtime/links/tls_wire.hpp"

#include "runtime/links/doorkeeper.hpp"
#include "runtime/sockets/big_endian.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>

namespace dunlin::links {

using namespace sockets;
using boost::asio::awaitable;

namespace {

constexpr std::size_t length_bytes = 4;

// Small frames leave in one write, and at once from the sender's thread if nothing waits before
// them; larger ones are not copied.
constexpr std::size_t batch_bytes_max = 64u << 10;

// A goodbye may be on its way when the link closes.
constexpr std::chrono::milliseconds flush_timeout{1000};

class stream_wire final : public wire,
                          public closable,
                          public std::enable_shared_from_this<stream_wire> {
public:
  stream_wire(std::shared_ptr<io_threads> threads, byte_stream_ptr stream, doorkeeper::place held,
              std::size_t unsent_bytes_max)
      : threads_(std::move(threads)),
        held_(std::move(held)),
        unsent_bytes_max_(unsent_bytes_max),
        stream_(std::move(stream)),
        certificate_(stream_->peer_certificate()) {}

  bool send(buffer frame) override { return send(std::move(frame), nullptr); }
  bool send(buffer head, buffer body) override;
  void close() override;
  void start(events handlers) override;
  std::string peer_certificate() const override { return certificate_; }

  void close_soon() override {
    boost::asio::post(stream_->executor(),
                      [self = shared_from_this()] { self->finish(ec::closed); });
  }

private:
  awaitable<void> read_frames();
  awaitable<ec> read_until_broken();
  /// What is sent as one; `body` may be null.
  struct frame {
    buffer head, body;
    std::size_t size() const { return head->size() + (body ? body->size() : 0); }
  };
  bool write_now(const frame& what);
  void start_writing();
  awaitable<void> write_frames();
  bool take_batch(std::size_t written, std::string& batch, buffer& large);
  void deliver(std::string frame);
  void finish(ec reason);

  const std::shared_ptr<io_threads> threads_;  // first: the stream needs its context to the end
  doorkeeper::place held_;
  const std::size_t unsent_bytes_max_;
  const byte_stream_ptr stream_;
  const std::string certificate_;

  std::mutex guard_;  // of the three below, and of changing closing_
  std::deque<frame> unsent_;
  std::size_t unsent_bytes_ = 0;      // until they were handed to the socket
  bool writing_ = false;              // write_frames() runs, or will
  std::atomic<bool> closing_{false};  // read by deliver(), which shall not wait for a sender

  // What the writer has in hand: send() while it holds the guard and nobody is writing, else
  // write_frames(). The stream's own writing side goes with it.
  std::string direct_;
  std::size_t left_behind_ = 0;  // of unsent_bytes_: it waits in the stream

  // On the strand only.
  events handlers_;
  bool started_ = false;
  std::optional<ec> finished_;
};

bool stream_wire::send(buffer head, buffer body) {
  frame whole{std::move(head), std::move(body)};
  if (!whole.head || whole.size() > frame_bytes_max) return false;
  const auto bytes = whole.size() + length_bytes;
  const auto lock = std::scoped_lock{guard_};
  if (closing_ || unsent_bytes_ + bytes > unsent_bytes_max_) return false;
  const auto direct = !writing_ && bytes <= batch_bytes_max;
  if (direct && write_now(whole)) return true;
  unsent_bytes_ += bytes;
  if (direct)
    left_behind_ = bytes;
  else
    unsent_.push_back(std::move(whole));
  if (!std::exchange(writing_, true)) start_writing();
  return true;
}

/// Posted: whoever sends may be on the strand already (turns of actors on the port's thread), where
/// a coroutine begins at once, and would wait for the guard that send() holds.
void stream_wire::start_writing() {
  boost::asio::post(stream_->executor(), [self = shared_from_this()] {
    boost::asio::co_spawn(
        self->stream_->executor(), [self] { return self->write_frames(); }, boost::asio::detached);
  });
}

/// Waking the port's thread takes longer than the write.
bool stream_wire::write_now(const frame& what) {
  direct_.clear();
  append_big_endian(direct_, static_cast<std::uint32_t>(what.size()));
  direct_ += *what.head;
  if (what.body) direct_ += *what.body;
  return stream_->write_now(direct_);
}

// True if there is something: `batch` of small frames, or what goes before `large` at its end.
bool stream_wire::take_batch(std::size_t written, std::string& batch, buffer& large) {
  const auto lock = std::scoped_lock{guard_};
  unsent_bytes_ -= written;
  batch.clear();
  large.reset();
  while (!unsent_.empty()) {
    auto& next = unsent_.front();
    if (!batch.empty() && batch.size() + length_bytes + next.size() > batch_bytes_max) break;
    append_big_endian(batch, static_cast<std::uint32_t>(next.size()));
    const auto is_large = next.size() > batch_bytes_max;
    if (next.body || !is_large) batch += *next.head;
    if (is_large) large = std::move(next.body ? next.body : next.head);
    if (!is_large && next.body) batch += *next.body;
    unsent_.pop_front();
    if (is_large) break;
  }
  writing_ = !batch.empty();
  return writing_;
}

awaitable<void> stream_wire::write_frames() {
  std::string batch;
  buffer large;
  auto bytes = std::exchange(left_behind_, 0);
  auto written = co_await stream_->flush();
  while (written && take_batch(bytes, batch, large)) {
    const auto body = large ? asio::buffer(*large) : asio::const_buffer{};
    bytes = batch.size() + body.size();
    written = co_await stream_->write(asio::buffer(batch), body);
  }
  if (!written || closing_) finish(ec::closed);
}

void stream_wire::start(events handlers) {
  boost::asio::post(stream_->executor(), [self = shared_from_this(),
                                          handlers = std::move(handlers)] {
    if (self->finished_) {
      if (handlers.closed) handlers.closed(*self->finished_);
      return;
    }
    DUNLIN_ASSERT(!self->started_);
    self->started_ = true;
    self->handlers_ = handlers;
    boost::asio::co_spawn(
        self->stream_->executor(), [self] { return self->read_frames(); }, boost::asio::detached);
  });
}

awaitable<void> stream_wire::read_frames() {
  const auto reason = co_await read_until_broken();
  finish(reason);
}

awaitable<ec> stream_wire::read_until_broken() {
  std::string held(batch_bytes_max, '\0');
  std::size_t begin = 0;
  std::size_t end = 0;
  for (;;) {
    while (end - begin >= length_bytes) {
      const std::size_t size = big_endian_at(held.data() + begin);
      if (size > frame_bytes_max) co_return ec::bad_message;
      const auto present = std::min(size, end - begin - length_bytes);
      if (present < size && size + length_bytes <= held.size()) break;  // it fits once it has come
      std::string frame(size, '\0');
      std::memcpy(frame.data(), held.data() + begin + length_bytes, present);
      begin += length_bytes + present;
      if (present < size) {
        const auto rest = co_await stream_->read(asio::buffer(frame) + present);
        if (!rest) co_return *rest.error;
      }
      deliver(std::move(frame));
    }
    std::memmove(held.data(), held.data() + begin, end - begin);
    end -= begin;
    begin = 0;
    const auto more = co_await stream_->read_some(asio::buffer(held) + end);
    if (!more) co_return *more.error;
    end += more.bytes;
  }
}

void stream_wire::deliver(std::string frame) {
  if (closing_) return;
  if (handlers_.frame) handlers_.frame(std::move(frame));
}

void stream_wire::close() {
  {
    const auto lock = std::scoped_lock{guard_};
    if (closing_.exchange(true)) return;
  }
  boost::asio::post(stream_->executor(), [self = shared_from_this()] {
    bool writing = false;
    {
      const auto lock = std::scoped_lock{self->guard_};
      writing = self->writing_;
    }
    if (!writing) return self->finish(ec::closed);
    self->stream_->expires_after(flush_timeout);
  });
}

void stream_wire::finish(ec reason) {
  if (finished_) return;
  finished_ = reason;
  stream_->close();
  held_.reset();
  {
    const auto lock = std::scoped_lock{guard_};
    closing_ = true;
    unsent_.clear();
  }
  // The handlers may hold the wire's owner: let go of them, but not before they have heard.
  const auto handlers = std::exchange(handlers_, {});
  if (handlers.closed) handlers.closed(reason);
}

class tls_wire final : public tls_wire_port {
public:
  tls_wire(tls_wire_options options, std::shared_ptr<io_threads> threads,
           std::shared_ptr<doorkeeper> keeper)
      : options_(std::move(options)), threads_(std::move(threads)), keeper_(std::move(keeper)) {}
  ~tls_wire() override { stop(); }

  result<void> listen(std::function<void(wire_ptr)> accepted) override {
    return keeper_->listen([this, accepted = std::move(accepted)](
                               byte_stream_ptr stream, const node_id&, doorkeeper::place held) {
      accepted(make_wire(std::move(stream), std::move(held)));
    });
  }

  void dial(const node_id& peer, std::function<void(result<wire_ptr>)> done) override {
    if (threads_->stopping()) return done(ec::stopping);
    boost::asio::co_spawn(
        boost::asio::make_strand(threads_->context()),
        [this, peer, done = std::move(done)] { return dial_now(peer, done); },
        boost::asio::detached);
  }

  void stop() override { threads_->stop(); }
  bool takes_turns() const override { return true; }
  std::uint16_t port() const override { return keeper_->port(); }
  void add_peer(const node_id& peer, const endpoint& where) override {
    keeper_->add_peer(peer, where);
  }

private:
  awaitable<void> dial_now(node_id peer, std::function<void(result<wire_ptr>)> done) {
    const auto executor = co_await boost::asio::this_coro::executor;
    auto stream = co_await keeper_->dial(executor, peer, options_.connect_timeout);
    if (stream) {
      done(make_wire(std::move(*stream), nullptr));
    } else {
      done(stream.error());
    }
  }

  wire_ptr make_wire(byte_stream_ptr stream, doorkeeper::place held) {
    auto made = std::make_shared<stream_wire>(threads_, std::move(stream), std::move(held),
                                              options_.unsent_bytes_max);
    threads_->track(made);
    return made;
  }

  const tls_wire_options options_;
  const std::shared_ptr<io_threads> threads_;
  const std::shared_ptr<doorkeeper> keeper_;
};

}  // namespace

result<std::unique_ptr<tls_wire_port>> make_tls_wire(tls_wire_options options, metrics& counts) {
  auto threads = options.threads ? options.threads : std::make_shared<io_threads>(1);
  auto keeper = doorkeeper::make({.port = "wire",
                                  .self = options.self,
                                  .listen = options.listen,
                                  .peers = options.peers,
                                  .identity = options.identity,
                                  .wildcard = options.wildcard,
                                  .handshakes_max = options.handshakes_max,
                                  .open_max = options.wires_max,
                                  .handshake_timeout = options.handshake_timeout,
                                  .connect_timeout = options.connect_timeout},
                                 threads, counts);
  if (!keeper) return keeper.error();
  return std::unique_ptr<tls_wire_port>(
      std::make_unique<tls_wire>(std::move(options), std::move(threads), std::move(*keeper)));
}

}  // namespace dunlin::links
