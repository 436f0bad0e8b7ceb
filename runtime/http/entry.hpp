/// ENTRY OVER STREAMS: http::entry whatever carries its connections (decision 2). Over a
/// sockets::socket_port it is the real server (server.hpp); over a simulation::sim_stream's port it
/// is the same code on virtual time.
#pragma once

#include "runtime/http/server.hpp"
#include "runtime/sockets/stream_port.hpp"

#include <cstddef>
#include <memory>

namespace dunlin::http {

/// Where its connections come from. The entry keeps them as long as a connection or an exchange is
/// alive.
struct entry_ports {
  std::shared_ptr<sockets::stream_port> clients;  ///< at server_options.listen; null: none come
  std::shared_ptr<sockets::stream_port> legs;     ///< at server_options.legs->listen; null: none
};

class stream_entry : public server {
public:
  /// The halves of drain(), which blocks its thread between them: on virtual time one calls these.
  /// First: no new connections, idle ones are closed, busy ones close after their answer.
  virtual void begin_drain() = 0;
  /// Last: whatever is still open is cut.
  virtual void cut_all() = 0;
  /// Open ones, legs included.
  virtual std::size_t connections() const = 0;
};

/// `random` makes request ids; it and `counts` must outlive the entry. Destroying it stops it; the
/// ports' threads must have ended by then or run nothing at the same time.
std::unique_ptr<stream_entry> make_entry(server_options options, entry_ports ports,
                                         random_source& random, metrics& counts);

}  // namespace dunlin::http
