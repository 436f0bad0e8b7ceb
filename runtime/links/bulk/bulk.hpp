/// BULK LINK: the port for object bytes, on sockets of its own (decision 4). One exchange at a time
/// on each pooled connection, so that TCP is the back-pressure. Real: bulk/tls_bulk. Simulated:
/// runtime/simulation/sim_network.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace dunlin::links {

inline constexpr std::size_t bulk_head_bytes_max = 16u << 10;
inline constexpr std::size_t bulk_body_bytes_max = 4u << 20;

struct bulk_message {
  std::string head;  ///< Protobuf: PageTransfer or PageTransferReply
  buffer body;       ///< may be null: empty
};

class bulk_port {
public:
  virtual ~bulk_port() = default;

  using answer = std::function<void(bulk_message)>;

  /// `handler` is called on a thread of the port for each exchange a peer opens; it, or whom it
  /// hands `reply` to, answers exactly once. A reply after the connection died is dropped.
  using handler = std::function<void(const node_id& peer, bulk_message request, answer reply)>;
  virtual result<void> serve(handler requests) = 0;

  /// `done` exactly once. ec::overloaded when connections_max exchanges with the peer are open and
  /// its waiting line is full; ec::timed_out and ec::peer_lost leave the outcome unknown.
  virtual void exchange(const node_id& peer, bulk_message request,
                        std::chrono::milliseconds timeout,
                        std::function<void(result<bulk_message>)> done) = 0;

  virtual void stop() = 0;
};

}  // namespace dunlin::links
