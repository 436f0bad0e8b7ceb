/// TLS SESSION: the TLS of one connection without its socket. Bytes of the peer go in, bytes for
/// the peer come out, plain ones on the other side; nothing waits. So whoever has something to say
/// can say it, in whatever thread. Not thread safe: byte_stream holds a lock around it.
#pragma once

#include "runtime/sockets/tls_context.hpp"

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace dunlin::sockets {

class tls_session {
public:
  tls_session(tls_context context, bool as_server);

  enum class state : std::uint8_t { done, wants_more, broken };

  /// The next step of the handshake. Whatever it answers, there may be output, be it an alert.
  state handshake();

  /// Plain bytes into `to`, as many as are there; wants_more: none yet. Broken at the end, too.
  state read(char* to, std::size_t size, std::size_t& bytes);
  /// Takes a piece of output while it is there.
  using sink = std::function<void(std::string_view)>;
  /// All of it is turned into output. With a sink it gets that, after what waited to be taken.
  /// False: broken.
  bool write(const void* from, std::size_t size, const sink& to = nullptr);
  /// Something can be read without more input.
  bool readable();

  /// The peer said that it will write no more: after read() was broken, in order.
  bool peer_has_ended() const;
  /// Output tells the peer that no more will be written.
  void end();

  /// What came from the peer.
  void add_input(const char* from, std::size_t size);
  /// What has to go to the peer, in this order, is added to `to`.
  void take_output(std::string& to);

  /// DER; empty without one.
  std::string peer_certificate() const;

  /// For the session's own use.
  struct output_state {
    const tls_session::sink* sink = nullptr;  // of whoever writes now
    std::string kept;                         // to be taken
  };

private:
  state state_after(int outcome);

  struct free_ssl {
    void operator()(SSL* one) const;
  };
  const tls_context context_;
  output_state output_;  // its address is known to the session
  const std::unique_ptr<SSL, free_ssl> ssl_;
};

}  // namespace dunlin::sockets
