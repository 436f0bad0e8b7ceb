#include "runtime/sockets/socket_port.hpp"

#include "runtime/sockets/byte_stream.hpp"

#include <utility>

namespace dunlin::sockets {

socket_port::socket_port(std::shared_ptr<io_threads> threads, tls_context server,
                         tls_context client)
    : threads_(std::move(threads)), server_(std::move(server)), client_(std::move(client)) {}

socket_port::~socket_port() { stop_listening(); }

result<std::uint16_t> socket_port::listen(const endpoint& where, bool wildcard,
                                          std::function<void(stream_ptr)> handler) {
  auto bound = bind_listener(threads_->context(), where, wildcard);
  if (!bound) return bound.error();
  // The listener lives on those threads, so it holds what it needs of the port, not the port.
  auto accepted = [threads = std::weak_ptr(threads_), tls = server_,
                   handler = std::move(handler)](tcp::socket socket) {
    auto made = std::make_shared<byte_stream>(std::move(socket), tls);
    if (auto alive = threads.lock()) alive->track(made);
    handler(std::move(made));
  };
  // Runs on one of those threads.
  const auto executors = [threads = threads_.get()] { return threads->executor_for_one(); };
  auto open = std::make_shared<listener>(std::move(*bound), std::move(accepted), executors);
  const auto port = open->port();
  open->start();
  threads_->track(open);
  const auto lock = std::scoped_lock{guard_};
  listeners_.push_back(std::move(open));
  return port;
}

void socket_port::stop_listening() {
  std::vector<std::shared_ptr<listener>> open;
  {
    const auto lock = std::scoped_lock{guard_};
    open.swap(listeners_);
  }
  for (const auto& each : open)
    each->close_soon();
}

asio::awaitable<result<stream_ptr>> socket_port::dial(asio::any_io_executor on, endpoint where,
                                                      std::chrono::milliseconds within) {
  auto made = std::make_shared<byte_stream>(tcp::socket{on}, client_);
  threads_->track(made);
  made->expires_after(within);
  auto reached = co_await made->connect(where);
  if (reached) reached = co_await made->handshake(false);
  if (!reached) {
    made->close();
    co_return *reached.error == ec::timed_out ? ec::timed_out : ec::unavailable;
  }
  made->expires_never();
  co_return stream_ptr{std::move(made)};
}

}  // namespace dunlin::sockets
