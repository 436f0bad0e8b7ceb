/// HTTP SERVER: the real http::entry, Boost.Beast and Asio behind it (decisions 5, 20). Keep-alive,
/// pipelining, chunked bodies, `Expect: 100-continue`, TLS. Bytes are read only when a verb asks
/// for them, so a slow verb slows its client and a 5 GiB body needs one buffer.
///
/// Requests that http/guard.hpp refuses never reach the acceptor: they are answered through
/// `render_error` and the connection is closed. Counted: dunlin_http_refused_total{reason},
/// dunlin_http_requests_total, dunlin_http_connections.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/exchange.hpp"
#include "runtime/http/guard.hpp"
#include "runtime/observe/metrics.hpp"
#include "runtime/sockets/endpoint.hpp"

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

struct server_options {
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
};

class server : public entry {
public:
  /// The port that serve() got; 0 before.
  virtual std::uint16_t port() const = 0;
};

/// ec::invalid_argument if the certificate or its key cannot be used. `random` makes request ids;
/// it and `counts` must outlive the server. drain() waits for open requests; neither it nor stop()
/// may be called from a callback; the destructor stops.
result<std::unique_ptr<server>> make_server(server_options options, random_source& random,
                                            metrics& counts);

}  // namespace dunlin::http
