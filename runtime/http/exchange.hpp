/// HTTP ENTRY: the port between HTTP and the actors (decisions 2, 5): a plain request, a body to
/// pull, an answer to push. Real: runtime/http/server (Beast). Simulated:
/// runtime/simulation/sim_http.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::http {

struct header {
  std::string name;  ///< as the client wrote it
  std::string value;
};

struct request {
  std::string method;
  std::string target;  ///< raw, as signed: path and query, percent escapes untouched
  std::vector<header> headers;
  std::optional<std::uint64_t> content_length;  ///< absent: chunked
  std::string peer;                             ///< "address:port" of the client
  bool secure = false;
  std::string id;  ///< request id, made by the entry: 16 upper-case hex digits; also the trace id

  /// Value of the first header of that name, case-insensitive; null if absent.
  const std::string* find(std::string_view name) const;
};

struct response {
  int status = 200;
  std::vector<header> headers;  ///< the entry adds Date, Server, Connection and Content-Length
  /// Bytes that will be written; a body may be shorter only if the connection is then cut.
  std::uint64_t content_length = 0;
};

/// One request and its answer. Thread safe; each `done` is called once, on a thread of the entry.
/// At most one read and one write may wait at a time. Dropping the last reference without a
/// finished answer cuts the connection.
class exchange {
public:
  virtual ~exchange() = default;

  virtual const http::request& request() const = 0;

  /// Up to `size` body bytes, as many as come without waiting for more than the first; empty at the
  /// end of the body. Answers `100 Continue` first where the client expects it. ec::timed_out: the
  /// client is too slow; ec::closed: it went away, or the body ended early.
  /// ec::bad_message: broken chunk framing. After an error only an answer is possible.
  virtual void read(std::size_t size, std::function<void(result<std::string>)> done) = 0;

  /// Sends the head and, if `body` is all of it, the whole answer.
  virtual void respond(response head, buffer body, std::function<void(result<void>)> done) = 0;

  /// More of the body, after respond() with less than content_length. Done: the bytes left for the
  /// socket; write one at a time (back-pressure).
  virtual void write(buffer body, std::function<void(result<void>)> done) = 0;

  /// Ends the connection: after a failure in mid-body, wrong bytes must not look like right ones.
  virtual void cut() = 0;
};

using exchange_ptr = std::shared_ptr<exchange>;

/// Takes each request; it must answer or drop it. Called on a thread of the entry.
using acceptor = std::function<void(exchange_ptr)>;

class entry {
public:
  virtual ~entry() = default;
  virtual result<void> serve(acceptor requests) = 0;
  /// Closes the listening socket, lets open requests end for at most `seconds`, closes idle ones.
  virtual void drain(int seconds) = 0;
  virtual void stop() = 0;
};

}  // namespace dunlin::http
