#include "runtime/links/bulk/tls_bulk.hpp"

#include "runtime/links/bulk/bulk_frames.hpp"
#include "runtime/links/bulk/peer_pool.hpp"
#include "runtime/links/doorkeeper.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace dunlin::links {

namespace asio = boost::asio;
using namespace sockets;

namespace {

constexpr std::size_t connections_limit = 16;

// One incoming connection: a request, its answer, the next.
class session final : public std::enable_shared_from_this<session> {
public:
  session(const tls_bulk_options& options, std::shared_ptr<io_threads> threads,
          byte_stream_ptr stream, node_id peer, doorkeeper::place held,
          std::shared_ptr<const bulk_port::handler> requests)
      : options_(options),
        threads_(std::move(threads)),
        held_(std::move(held)),
        peer_(std::move(peer)),
        requests_(std::move(requests)),
        stream_(std::move(stream)) {}

  void start() {
    asio::co_spawn(
        stream_->executor(), [self = shared_from_this()] { return self->serve(); }, asio::detached);
  }

  void answer(bulk_message reply) {
    if (threads_->stopping()) return;
    asio::co_spawn(
        stream_->executor(),
        [self = shared_from_this(), reply = std::move(reply)] { return self->send(reply); },
        asio::detached);
  }

  void close_soon() {
    if (!threads_->stopping()) stream_->close_soon();
  }

private:
  asio::awaitable<void> serve() {
    const auto self = shared_from_this();
    stream_->expires_after(options_.accepted_idle_timeout);
    const auto lengths = co_await read_lengths(*stream_);
    if (!lengths) co_return stream_->close();
    stream_->expires_after(options_.transfer_timeout);
    auto request = co_await read_rest(*stream_, *lengths);
    if (!request) co_return stream_->close();
    stream_->expires_never();
    hand_over(std::move(*request));
  }

  void hand_over(bulk_message request);

  asio::awaitable<void> send(bulk_message reply) {
    const auto self = shared_from_this();
    stream_->expires_after(options_.transfer_timeout);
    const auto failed = co_await write_message(*stream_, reply);
    if (failed) co_return stream_->close();
    start();
  }

  const tls_bulk_options& options_;
  const std::shared_ptr<io_threads> threads_;
  const doorkeeper::place held_;
  const node_id peer_;
  const std::shared_ptr<const bulk_port::handler> requests_;
  const byte_stream_ptr stream_;
};

// A handler that forgets its request must not leave the peer waiting to its deadline.
class promise {
public:
  explicit promise(std::shared_ptr<session> to) : session_(std::move(to)) {}
  ~promise() {
    if (!kept_) session_->close_soon();
  }
  void keep(bulk_message reply) {
    DUNLIN_ASSERT(fits(reply));
    if (!kept_.exchange(true)) session_->answer(std::move(reply));
  }

private:
  const std::shared_ptr<session> session_;
  std::atomic<bool> kept_ = false;
};

void session::hand_over(bulk_message request) {
  auto made = std::make_shared<promise>(shared_from_this());
  (*requests_)(peer_, std::move(request),
               [made](bulk_message reply) { made->keep(std::move(reply)); });
}

class tls_bulk final : public tls_bulk_port {
public:
  tls_bulk(tls_bulk_options options, std::shared_ptr<io_threads> threads,
           std::shared_ptr<doorkeeper> keeper)
      : options_(std::make_shared<const tls_bulk_options>(std::move(options))),
        threads_(std::move(threads)),
        keeper_(std::move(keeper)) {
    for (const auto& [peer, where] : options_->peers)
      pools_.emplace(peer, make_pool(peer));
  }
  ~tls_bulk() override { stop(); }

  result<void> serve(handler requests) override {
    auto shared = std::make_shared<const handler>(std::move(requests));
    return keeper_->listen(
        [this, shared](byte_stream_ptr stream, const node_id& peer, doorkeeper::place held) {
          std::make_shared<session>(*options_, threads_, std::move(stream), peer, std::move(held),
                                    shared)
              ->start();
        });
  }

  void exchange(const node_id& peer, bulk_message request, std::chrono::milliseconds timeout,
                std::function<void(result<bulk_message>)> done) override {
    const auto pool = pool_of(peer);
    if (!pool) return done(ec::not_found);
    if (!fits(request)) return done(ec::invalid_argument);
    if (threads_->stopping()) return done(ec::stopping);
    pool->exchange(std::move(request), timeout, std::move(done));
  }

  void stop() override { threads_->stop(); }
  std::uint16_t port() const override { return keeper_->port(); }

  void add_peer(const node_id& peer, const endpoint& where) override {
    if (threads_->stopping()) return;
    keeper_->add_peer(peer, where);
    const auto lock = std::scoped_lock{guard_};
    if (auto& slot = pools_[peer]; !slot) slot = make_pool(peer);
  }

private:
  std::shared_ptr<peer_pool> make_pool(const node_id& peer) {
    auto pool = std::make_shared<peer_pool>(peer, *options_, threads_, keeper_);
    threads_->track(pool);
    return pool;
  }

  std::shared_ptr<peer_pool> pool_of(const node_id& peer) const {
    const auto lock = std::scoped_lock{guard_};
    const auto found = pools_.find(peer);
    return found == pools_.end() ? nullptr : found->second;
  }

  // Before the threads, so that it outlives every session and pool.
  const std::shared_ptr<const tls_bulk_options> options_;
  const std::shared_ptr<io_threads> threads_;
  const std::shared_ptr<doorkeeper> keeper_;
  mutable std::mutex guard_;  // of pools_
  std::map<node_id, std::shared_ptr<peer_pool>> pools_;
};

}  // namespace

result<std::unique_ptr<tls_bulk_port>> make_tls_bulk(tls_bulk_options options, metrics& counts) {
  options.connections_max = std::clamp<std::size_t>(options.connections_max, 1, connections_limit);
  auto threads = std::make_shared<io_threads>(options.threads);
  auto keeper = doorkeeper::make({.port = "bulk",
                                  .self = options.self,
                                  .listen = options.listen,
                                  .peers = options.peers,
                                  .identity = options.identity,
                                  .wildcard = options.wildcard,
                                  .handshakes_max = options.handshakes_max,
                                  .open_max = options.accepted_max,
                                  .handshake_timeout = options.handshake_timeout,
                                  .connect_timeout = options.connect_timeout},
                                 threads, counts);
  if (!keeper) return keeper.error();
  return std::unique_ptr<tls_bulk_port>(
      std::make_unique<tls_bulk>(std::move(options), std::move(threads), std::move(*keeper)));
}

}  // namespace dunlin::links
