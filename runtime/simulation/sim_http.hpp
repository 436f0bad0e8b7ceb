/// SIMULATED HTTP: exchanges made from plain structs, for simulation and tests. No threads, no
/// sockets: every callback goes through the given executor, never from inside a call
/// (exchange.hpp).
#pragma once

#include "runtime/http/exchange.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace dunlin::simulation {

/// Runs the function soon, after the present turn: an event loop, or a queue a test drains.
using executor = std::function<void(std::function<void()>)>;

/// What the client sends. The body comes in these chunks; read() may cut them smaller.
struct sim_request {
  http::request head;
  std::deque<std::string> body;
  /// Instead of the body's end: too slow (timed_out) or gone (closed).
  std::optional<ec> body_failure;
  /// A client that pauses after its first chunk: what ends the pause. Null: it does not.
  executor pause;
};

/// What the client has seen.
struct sim_response {
  std::optional<http::response> head;
  std::string body;
  bool finished = false;  ///< all of content_length came
  bool cut = false;       ///< the connection ended early
  std::optional<std::string> header(std::string_view name) const;
};

class sim_exchange final : public http::exchange,
                           public std::enable_shared_from_this<sim_exchange> {
public:
  /// `changed` is called, through the executor, when the answer is finished or cut.
  static std::shared_ptr<sim_exchange> make(sim_request request, executor run,
                                            std::function<void(const sim_response&)> changed = {});
  ~sim_exchange() override;

  const http::request& request() const override;
  void read(std::size_t size, std::function<void(result<std::string>)> done) override;
  void respond(http::response head, buffer body, std::function<void(result<void>)> done) override;
  void write(buffer body, std::function<void(result<void>)> done) override;
  void cut() override;

  /// The client goes away: later reads and writes fail with ec::closed.
  void hang_up();

  /// Of this exchange, and still there when it was dropped (which cuts it).
  std::shared_ptr<const sim_response> seen() const;
  std::size_t body_bytes_read() const;

private:
  sim_exchange(sim_request request, executor run, std::function<void(const sim_response&)> changed);
  result<std::string> take(std::size_t size);
  result<void> append(const buffer& body);
  void end();
  sim_request request_;
  executor run_;
  std::function<void(const sim_response&)> changed_;
  std::shared_ptr<sim_response> seen_;
  std::size_t read_ = 0;
  bool gone_ = false;
  bool ended_ = false;
};

}  // namespace dunlin::simulation
