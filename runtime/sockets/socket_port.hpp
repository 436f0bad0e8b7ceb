/// SOCKET PORT: the real stream_port, TCP on the threads of an io_threads, with TLS or without.
#pragma once

#include "runtime/sockets/io_threads.hpp"
#include "runtime/sockets/stream_port.hpp"
#include "runtime/sockets/tls_context.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace dunlin::sockets {

/// What it makes is closed when its threads stop. Handlers of listen() are called on those threads.
class socket_port final : public stream_port {
public:
  /// `server` for connections that come, `client` for those that are dialled; null: plain.
  socket_port(std::shared_ptr<io_threads> threads, tls_context server, tls_context client);
  ~socket_port() override;

  result<std::uint16_t> listen(const endpoint& where, bool wildcard,
                               std::function<void(stream_ptr)> handler) override;
  void stop_listening() override;
  asio::awaitable<result<stream_ptr>> dial(asio::any_io_executor on, endpoint where,
                                           std::chrono::milliseconds within) override;

private:
  const std::shared_ptr<io_threads> threads_;
  const tls_context server_;
  const tls_context client_;
  std::mutex guard_;
  std::vector<std::shared_ptr<listener>> listeners_;
};

}  // namespace dunlin::sockets
