/// The threads of one port, and what must end when it stops. Asio stays inside runtime/sockets,
/// links/tls_* and http/*.cpp.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/sockets/closable.hpp"
#include "runtime/sockets/endpoint.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace dunlin::sockets {

namespace asio = boost::asio;
using asio::ip::tcp;

class io_threads {
public:
  explicit io_threads(int threads);
  ~io_threads();

  asio::io_context& context() { return context_; }

  /// For one connection: what runs on it never runs twice at a time. A strand; where there is one
  /// thread, that is enough by itself and cheaper by a third.
  asio::any_io_executor executor_for_one();

  /// Will be closed by stop(); closed at once if that has been called.
  void track(const std::shared_ptr<closable>& open);

  /// Closes everything tracked, lets the handlers run out, joins. Not from a handler. Idempotent.
  void stop();
  bool stopping() const;

private:
  const int count_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  mutable std::mutex guard_;
  bool stopping_ = false;
  std::vector<std::weak_ptr<closable>> open_;
  std::size_t sweep_at_ = 64;
  std::vector<std::thread> threads_;
};

/// A listening socket, SO_REUSEADDR. ec::invalid_argument: no such address here, or a wildcard that
/// was not asked for; ec::unavailable: taken.
result<tcp::acceptor> bind_listener(asio::io_context& context, const endpoint& where,
                                    bool wildcard);

/// Accepts until closed, through being out of descriptors. Each socket lives on an executor that
/// `executors` gives; without it on a strand of its own.
class listener final : public closable, public std::enable_shared_from_this<listener> {
public:
  using accepted = std::function<void(tcp::socket)>;
  using executor_source = std::function<asio::any_io_executor()>;
  listener(tcp::acceptor from, accepted handler, executor_source executors = {});
  void start();
  void close_soon() override;
  std::uint16_t port() const { return port_; }

private:
  asio::awaitable<void> run();
  tcp::acceptor acceptor_;
  accepted accepted_;
  executor_source executors_;
  std::uint16_t port_;
  bool closed_ = false;
};

/// No delay for small frames; keepalive finds peers that vanished without a word.
void tune(tcp::socket& socket);

}  // namespace dunlin::sockets
