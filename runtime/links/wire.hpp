/// WIRE: the port below a link actor: ordered, authenticated frames to one peer (decisions 2, 3,
/// 20). Real: TLS over TCP (tls_wire). Simulated: runtime/simulation/sim_network, the seam for
/// delay, loss of connections, cuts and floods.
#pragma once

#include "messages/vocabulary.hpp"

#include <functional>
#include <memory>
#include <string>

namespace dunlin::links {

/// Larger frames are refused by the receiver before it makes room for them.
inline constexpr std::size_t frame_bytes_max = 8u << 20;

/// One connection. Thread safe; dropping the last reference closes it. Callbacks come from a thread
/// of the port, never from inside a call.
class wire {
public:
  virtual ~wire() = default;

  /// Queues one frame. False: closed, or the bound on unsent bytes is reached; the frame is gone.
  virtual bool send(buffer frame) = 0;
  /// The same for a frame in two parts, the second of which is in many frames.
  virtual bool send(buffer head, buffer body) {
    return send(std::make_shared<const std::string>(*head + *body));
  }

  virtual void close() = 0;

  /// Set once, before the first frame can arrive. `closed` is called at most once, last.
  struct events {
    std::function<void(std::string frame)> frame;
    std::function<void(ec reason)> closed;
  };
  virtual void start(events handlers) = 0;

  /// DER of the certificate that the transport has verified; empty on a plain wire.
  virtual std::string peer_certificate() const = 0;
};

using wire_ptr = std::shared_ptr<wire>;

class wire_port {
public:
  virtual ~wire_port() = default;

  /// From now on `accepted` gets each incoming wire that passed the transport's own checks.
  /// At most one listener a port. Refused and failed attempts are counted, not reported.
  virtual result<void> listen(std::function<void(wire_ptr)> accepted) = 0;

  /// Connects to a node of the topology; `done` is called exactly once, within `connect_timeout`.
  virtual void dial(const node_id& peer, std::function<void(result<wire_ptr>)> done) = 0;

  virtual void stop() = 0;

  /// Frames come on a thread that may take short turns of actors, too (scheduling/turns_here.hpp).
  virtual bool takes_turns() const { return false; }
};

}  // namespace dunlin::links
