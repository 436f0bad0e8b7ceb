/// DOORKEEPER: who may connect to a node's control and bulk ports, and whom it reaches when it
/// dials (decision 20; bad input, row 25). Bounds unfinished handshakes in number and time, checks
/// that the certificate names a node, counts every refusal under
/// dunlin_<port>_refused_total{reason}.
#pragma once

#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/byte_stream.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace dunlin::links {

struct doorkeeper_options {
  std::string port;  ///< "wire" or "bulk", for metrics
  node_id self;
  sockets::endpoint listen;
  std::map<node_id, sockets::endpoint> peers;
  std::optional<crypto::bundle> identity;
  bool wildcard = false;
  std::size_t handshakes_max = 64;
  std::size_t open_max = 1024;  ///< admitted and not yet let go
  std::chrono::milliseconds handshake_timeout{5000};
  std::chrono::milliseconds connect_timeout{3000};
};

class doorkeeper : public std::enable_shared_from_this<doorkeeper> {
public:
  /// Counts one admitted connection until it is dropped.
  using place = std::shared_ptr<void>;
  using admitted = std::function<void(sockets::byte_stream_ptr stream, node_id peer, place held)>;

  static result<std::shared_ptr<doorkeeper>> make(doorkeeper_options options,
                                                  std::shared_ptr<sockets::io_threads> threads,
                                                  metrics& counts);

  /// `handler` is called on the strand of each stream that passed.
  result<void> listen(admitted handler);
  std::uint16_t port() const { return port_; }

  /// May connect and be dialled from now on, too.
  void add_peer(const node_id& peer, const sockets::endpoint& where);

  /// Connects on `executor`, within `timeout` and connect_timeout. ec::not_found: no such peer;
  /// ec::timed_out; ec::refused: not the node it should be; ec::unavailable: anything else.
  boost::asio::awaitable<result<sockets::byte_stream_ptr>> dial(
      sockets::tcp::socket::executor_type executor, node_id peer,
      std::chrono::milliseconds timeout);

  doorkeeper(doorkeeper_options options, std::shared_ptr<sockets::io_threads> threads,
             sockets::tls_context tls, metrics& counts);

private:
  void greet(sockets::tcp::socket socket, const admitted& handler);
  boost::asio::awaitable<void> admit(sockets::byte_stream_ptr stream, admitted handler);
  void make_room(const sockets::byte_stream_ptr& newest);
  void forget(const sockets::byte_stream_ptr& greeted);
  result<node_id> name_of(sockets::byte_stream& stream) const;
  void count_refused(const char* reason);
  std::optional<sockets::endpoint> address_of(const node_id& peer) const;

  doorkeeper_options options_;
  std::shared_ptr<sockets::io_threads> threads_;
  sockets::tls_context tls_;
  metrics& counts_;
  std::uint16_t port_ = 0;
  std::shared_ptr<std::atomic<std::size_t>> open_;
  mutable std::mutex guard_;                       // of options_.peers, and
  std::deque<sockets::byte_stream_ptr> greeting_;  ///< oldest first
};

}  // namespace dunlin::links
