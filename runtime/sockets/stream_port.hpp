/// STREAM PORT: where streams come from (decision 2): a node's listener, and its connections to
/// others. Real: sockets::socket_port. Simulated: runtime/simulation/sim_stream.
#pragma once

#include "runtime/sockets/endpoint.hpp"
#include "runtime/sockets/stream.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace dunlin::sockets {

class stream_port {
public:
  virtual ~stream_port() = default;

  /// `handler` gets each connection before its handshake, on a strand of its own. A second call
  /// listens at one more address. ec::invalid_argument: no such address here, or a wildcard that
  /// was not asked for; ec::unavailable: taken. The port it got.
  virtual result<std::uint16_t> listen(const endpoint& where, bool wildcard,
                                       std::function<void(stream_ptr)> handler) = 0;
  /// No more connections come; those there are stay.
  virtual void stop_listening() = 0;

  /// A connection to `where`, handshake included, on the strand `on`. ec::unavailable: nobody
  /// listens there; ec::timed_out.
  virtual asio::awaitable<result<stream_ptr>> dial(asio::any_io_executor on, endpoint where,
                                                   std::chrono::milliseconds within) = 0;
};

}  // namespace dunlin::sockets
