/// HTTP SERVER: the http::entry with Boost.Beast and Asio behind it (decisions 5, 20). Keep-alive,
/// pipelining, chunked bodies, `Expect: 100-continue`, TLS. Bytes are read only when a verb asks
/// for them, so a slow verb slows its client and a 5 GiB body needs one buffer.
///
/// Requests that http/guard.hpp refuses never reach the acceptor: they are answered through
/// `render_error` and the connection is closed. Counted: dunlin_http_refused_total{reason},
/// dunlin_http_requests_total, dunlin_http_connections.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/client_traffic.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/http/guard.hpp"
#include "runtime/http/leg.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/endpoint.hpp"
#include "runtime/sockets/tls_context.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dunlin::http {

struct rendered {
  std::vector<header> headers;
  std::string body;
};
using error_renderer = std::function<rendered(const refusal&, const std::string& request_id)>;

/// S3's XML, with x-amz-request-id.
rendered render_s3_error(const refusal& why, const std::string& request_id);

/// Where legs of balancers come in (leg.hpp). Whoever has no good token there is a stranger: closed
/// without a byte, and counted as dunlin_http_refused_total{reason="stranger"}.
struct leg_options {
  sockets::endpoint listen;
  bool wildcard = false;
  sockets::tls_context tls;  ///< of the nodes (sockets::peer_context); null: plain
  leg_book* book = nullptr;  ///< must outlive the server and its exchanges
  std::chrono::milliseconds header_timeout{2000};  ///< TLS and PROXY header
};

struct server_options {
  bool direct = true;  ///< false: only legs come, nobody listens at `listen`
  sockets::endpoint listen;
  bool wildcard = false;  ///< may `listen` be 0.0.0.0 or ::?
  int threads = 1;
  std::string name = "Dunlin";  ///< Server header
  struct tls_files {
    std::string certificate;  ///< PEM, chain included
    std::string key;
  };
  std::optional<tls_files> tls;
  std::size_t header_bytes_max = 16u << 10;  ///< else 431
  std::size_t headers_max = 256;             ///< else 431
  std::size_t connections_max = 1024;        ///< the longest idle one gives way; none idle: 503
  std::chrono::milliseconds header_timeout{10000};  ///< from the first byte to the last: 408
  std::chrono::milliseconds body_timeout{20000};    ///< without a byte read or written
  std::chrono::milliseconds idle_timeout{60000};    ///< between requests: closed
  error_renderer render_error = render_s3_error;
  std::string host_id;  ///< x-amz-id-2 of every answer: which node has given it; empty: none
  std::optional<leg_options> legs;
  std::shared_ptr<client_traffic> traffic;        ///< of those at `listen`; null: nobody asks
  std::function<std::chrono::nanoseconds()> now;  ///< for throttled legs; null: the machine's
};

class server : public entry {
public:
  /// The port that serve() got; 0 before.
  virtual std::uint16_t port() const = 0;
  /// Of the legs.
  virtual std::uint16_t leg_port() const = 0;
};

/// ec::invalid_argument if the certificate or its key cannot be used. `random` makes request ids;
/// it and `counts` must outlive the server. drain() waits for open requests; neither it nor stop()
/// may be called from a callback; the destructor stops.
result<std::unique_ptr<server>> make_server(server_options options, random_source& random,
                                            metrics& counts);

}  // namespace dunlin::http
