/// TLS WIRE: the real wire_port (decisions 3, 20). TLS 1.3 with mutual certificates from the
/// cluster's CA over TCP; a frame is a length of 4 bytes, big endian, and its bytes.
///
/// What a stranger can do is bounded (bad input, row 25): `handshakes_max` unfinished handshakes of
/// `handshake_timeout` each; the oldest gives way to a new one, because nodes finish in
/// milliseconds. A peer whose certificate is not of this CA, or names no node of `peers` (dialling:
/// not the one that was dialled), is refused. All refusals are counted:
/// dunlin_wire_refused_total{reason}.
#pragma once

#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/links/wire.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/endpoint.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>

namespace dunlin::sockets {
class io_threads;
}

namespace dunlin::links {

struct tls_wire_options {
  node_id self;
  sockets::endpoint listen;
  std::map<node_id, sockets::endpoint> peers;  ///< every node that may dial or be dialled
  std::optional<crypto::bundle> identity;      ///< absent: plain TCP, for benchmarks on loopback
  bool wildcard = false;                       ///< may `listen` be 0.0.0.0 or ::?
  std::size_t handshakes_max = 64;
  std::size_t wires_max = 1024;  ///< accepted and open
  std::chrono::milliseconds handshake_timeout{5000};
  std::chrono::milliseconds connect_timeout{3000};  ///< of dial(), TLS included
  std::size_t unsent_bytes_max = 64u << 20;         ///< per wire
  /// Of other ports too, so that many fit into a process: the first that stops stops them all.
  /// Null: the port has one of its own.
  std::shared_ptr<sockets::io_threads> threads;
};

class tls_wire_port : public wire_port {
public:
  /// The port that listen() got; 0 before.
  virtual std::uint16_t port() const = 0;
  /// A node that joined the cluster: may dial and be dialled from now on (F1).
  virtual void add_peer(const node_id& peer, const sockets::endpoint& where) = 0;
};

/// ec::damaged if the bundle cannot be used. `metrics` must outlive the port and its wires. stop()
/// must not be called from a callback; the destructor stops.
result<std::unique_ptr<tls_wire_port>> make_tls_wire(tls_wire_options options, metrics& counts);

}  // namespace dunlin::links
