#include "runtime/links/doorkeeper.hpp"

#include "runtime/crypto/cluster_ca.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace dunlin::links {

using namespace sockets;

doorkeeper::doorkeeper(doorkeeper_options options, std::shared_ptr<io_threads> threads,
                       tls_context tls, metrics& counts)
    : options_(std::move(options)),
      threads_(std::move(threads)),
      tls_(std::move(tls)),
      counts_(counts),
      open_(std::make_shared<std::atomic<std::size_t>>(0)) {}

result<std::shared_ptr<doorkeeper>> doorkeeper::make(doorkeeper_options options,
                                                     std::shared_ptr<io_threads> threads,
                                                     metrics& counts) {
  tls_context tls;
  if (options.identity) {
    auto made = peer_context(*options.identity);
    if (!made) return made.error();
    tls = std::move(*made);
  }
  return std::make_shared<doorkeeper>(std::move(options), std::move(threads), std::move(tls),
                                      counts);
}

result<void> doorkeeper::listen(admitted handler) {
  auto bound = bind_listener(threads_->context(), options_.listen, options_.wildcard);
  if (!bound) return bound.error();
  auto open = std::make_shared<listener>(
      std::move(*bound),
      [weak = weak_from_this(), handler = std::move(handler)](tcp::socket socket) {
        if (auto self = weak.lock()) self->greet(std::move(socket), handler);
      });
  port_ = open->port();
  open->start();
  threads_->track(open);
  return {};
}

void doorkeeper::greet(tcp::socket socket, const admitted& handler) {
  if (*open_ >= options_.open_max) return count_refused("open_max");
  auto stream = std::make_shared<byte_stream>(std::move(socket), tls_);
  threads_->track(stream);
  make_room(stream);
  boost::asio::co_spawn(
      stream->executor(),
      [self = shared_from_this(), stream, handler] { return self->admit(stream, handler); },
      boost::asio::detached);
}

boost::asio::awaitable<void> doorkeeper::admit(byte_stream_ptr stream, admitted handler) {
  stream->expires_after(options_.handshake_timeout);
  const auto shaken = co_await stream->handshake(true);
  forget(stream);
  if (!shaken) {
    count_refused(*shaken.error == ec::timed_out ? "handshake_timeout" : "handshake");
    co_return stream->close();
  }
  stream->expires_never();
  const auto peer = name_of(*stream);
  if (!peer) {
    count_refused("name");
    co_return stream->close();
  }
  ++*open_;
  place held{nullptr, [open = open_](void*) { --*open; }};
  handler(stream, *peer, std::move(held));
}

void doorkeeper::make_room(const byte_stream_ptr& newest) {
  byte_stream_ptr oldest;
  {
    const auto lock = std::scoped_lock{guard_};
    greeting_.push_back(newest);
    if (greeting_.size() <= options_.handshakes_max) return;
    oldest = greeting_.front();
    greeting_.pop_front();
  }
  count_refused("handshakes_max");
  oldest->close_soon();
}

void doorkeeper::forget(const byte_stream_ptr& greeted) {
  const auto lock = std::scoped_lock{guard_};
  std::erase(greeting_, greeted);
}

void doorkeeper::add_peer(const node_id& peer, const endpoint& where) {
  const auto lock = std::scoped_lock{guard_};
  options_.peers.emplace(peer, where);
}

std::optional<endpoint> doorkeeper::address_of(const node_id& peer) const {
  const auto lock = std::scoped_lock{guard_};
  const auto found = options_.peers.find(peer);
  return found == options_.peers.end() ? std::nullopt : std::optional{found->second};
}

// On a plain port nobody shows a certificate: the name stays empty and the hello must do.
result<node_id> doorkeeper::name_of(byte_stream& stream) const {
  if (!stream.secure()) return node_id{};
  auto name = crypto::certificate_name(stream.peer_certificate());
  if (!name) return name.error();
  if (*name == options_.self || !address_of(*name)) return ec::refused;
  return name;
}

boost::asio::awaitable<result<byte_stream_ptr>> doorkeeper::dial(
    tcp::socket::executor_type executor, node_id peer, std::chrono::milliseconds timeout) {
  const auto where = address_of(peer);
  if (!where) co_return ec::not_found;
  auto stream = std::make_shared<byte_stream>(tcp::socket{executor}, tls_);
  threads_->track(stream);
  stream->expires_after(std::min(timeout, options_.connect_timeout));
  const auto connected = co_await stream->connect(*where);
  if (!connected) {
    stream->close();
    co_return *connected.error == ec::timed_out ? ec::timed_out : ec::unavailable;
  }
  const auto shaken = co_await stream->handshake(false);
  if (!shaken) {
    count_refused("dialled_handshake");
    stream->close();
    co_return *shaken.error == ec::timed_out ? ec::timed_out : ec::unavailable;
  }
  stream->expires_never();
  const auto name = name_of(*stream);
  if (stream->secure() && (!name || *name != peer)) {
    count_refused("dialled_name");
    stream->close();
    co_return ec::refused;
  }
  co_return stream;
}

void doorkeeper::count_refused(const char* reason) {
  counts_
      .counter("dunlin_" + options_.port + "_refused_total",
               "Connections ended before they were of use, by reason.", {{"reason", reason}})
      .add();
}

}  // namespace dunlin::links
