/// TLS BULK: the real bulk_port (decision 4): a pool of connections per peer, one exchange at a
/// time on each, TLS as on the control link. A message is two lengths of 4 bytes, big endian, head,
/// body; lengths over the caps of bulk.hpp end the connection before room is made for them.
#pragma once

#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/links/bulk/bulk.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/endpoint.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>

namespace dunlin::links {

struct tls_bulk_options {
  node_id self;
  sockets::endpoint listen;
  std::map<node_id, sockets::endpoint> peers;
  std::optional<crypto::bundle> identity;  ///< absent: plain TCP, for benchmarks on loopback
  bool wildcard = false;
  int threads = 1;
  std::size_t connections_max = 4;  ///< dialled, per peer; 16 at most
  std::size_t waiting_max = 256;    ///< exchanges waiting for a connection, per peer
  std::size_t accepted_max = 512;   ///< incoming connections
  std::size_t handshakes_max = 64;
  std::chrono::milliseconds handshake_timeout{5000};
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds idle_timeout{60000};  ///< of a pooled connection
  std::chrono::milliseconds accepted_idle_timeout{
      120000};                                        ///< longer, so that the dialler ends first
  std::chrono::milliseconds transfer_timeout{30000};  ///< server side: one message, in or out
};

class tls_bulk_port : public bulk_port {
public:
  /// The port that serve() got; 0 before.
  virtual std::uint16_t port() const = 0;
  /// A node that joined the cluster: may dial and be dialled from now on (F1).
  virtual void add_peer(const node_id& peer, const sockets::endpoint& where) = 0;
};

/// As make_tls_wire. On a plain port peers are not authenticated: `peer` of a handler is empty.
result<std::unique_ptr<tls_bulk_port>> make_tls_bulk(tls_bulk_options options, metrics& counts);

}  // namespace dunlin::links
