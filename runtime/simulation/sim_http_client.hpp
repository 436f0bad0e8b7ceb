/// SIMULATED HTTP CLIENT: one client's keep-alive connection over a simulated stream: a session
/// that sends one request after the other, in all manners of sending, and retries as an SDK does.
/// What it makes of the bytes it gets is its own (Beast's parser), so that it proves the entry's.
#pragma once

#include "runtime/http/exchange.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace dunlin::simulation {

struct client_request {
  http::request head;  ///< with its Content-Length, if it has a body
  std::string body;

  /// May be sent again on another connection after one that broke, and after 500 and 503.
  bool repeatable = true;
  bool expect_continue = false;
  /// Sent together with the next request, before this one's answer has come.
  bool pipelined = false;
  /// Of the body, with `pause` after each piece: its first bytes, and how many at once after them.
  /// Zero: all.
  std::size_t first = 0;
  std::size_t piece = 0;
  std::chrono::milliseconds pause{0};
  /// The client goes away after so many bytes of the body, and does not come back.
  std::optional<std::size_t> gone_after;
  /// Or says nothing more, and waits for what comes of it.
  std::optional<std::size_t> silent_after;
};

struct client_answer {
  int status = 0;  ///< 0: none came, after all tries
  std::vector<http::header> headers;
  std::string body;
  int tries = 0;
  int refusals = 0;          ///< of balancers, each of which it has waited out
  event_loop::time took{0};  ///< the last try, from its dial on
  /// What it met on the way, or at the end if there is no status: ec::closed, ec::timed_out, or
  /// ec::bad_message, which no server may cause.
  std::vector<ec> failures;
  const std::string* find(std::string_view name) const;
};

struct client_options {
  std::vector<sockets::endpoint> servers;  ///< the next one is tried after a failure
  int tries = 4;
  /// How often it comes again, when the Retry-After is over, after a balancer's "nobody takes you".
  /// Nothing of such a request was passed on, so PUTs come again as well, and it is not a try.
  int refusals = 0;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds answer_timeout{60000};  ///< without a byte
  std::chrono::milliseconds backoff{100};           ///< doubled with every try; half of it chance
  /// Added to each request as it is sent: name, and a value from the request and the try.
  std::function<http::header(const client_request&, int attempt)> mark;
};

/// All that a client has met.
struct client_counts {
  std::uint64_t dials = 0;
  std::uint64_t retries = 0;
  std::uint64_t resets = 0;  ///< connections that ended while an answer was due
  std::uint64_t garbled = 0;
  std::uint64_t refused = 0;  ///< answers 503
};

class sim_http_client final : public std::enable_shared_from_this<sim_http_client> {
public:
  using on_answer = std::function<void(const client_answer&)>;

  static std::shared_ptr<sim_http_client> make(sim_streams& streams, node_id name,
                                               client_options options, std::uint64_t seed);

  /// After those sent before. `done` is called once, on the client's executor; not if the
  /// simulation ends first.
  void send(client_request request, on_answer done);
  /// Ends the connection when nobody waits for an answer.
  void close_when_idle();
  /// Now, with a reset if an answer is due; requests that wait have no answer.
  void abort();

  bool idle() const { return !working_ && queue_.empty(); }
  /// It was not told to go.
  bool stays() const { return !close_when_idle_ && !aborted_; }
  bool connected() const { return stream_ && stream_->open(); }
  const client_counts& counts() const { return counts_; }
  const node_id& name() const { return name_; }

private:
  using task = asio::awaitable<void>;
  struct entry {
    client_request request;
    on_answer done;
    client_answer answer;
    bool written = false;  ///< all of it, by the present try
    bool closes = false;   ///< the server, after its answer
  };
  using entry_ptr = std::shared_ptr<entry>;

  sim_http_client(sim_streams& streams, node_id name, client_options options, std::uint64_t seed);
  task run();
  task perform(entry_ptr what);
  task perform_together(std::vector<entry_ptr> batch);
  asio::awaitable<bool> connect(entry_ptr what);
  asio::awaitable<bool> still_there();
  /// Nullopt: it has an answer.
  asio::awaitable<std::optional<ec>> attempt(entry_ptr what);
  asio::awaitable<std::optional<ec>> ask_first(entry_ptr what);
  asio::awaitable<std::optional<ec>> read_answer(entry_ptr what, bool stop_at_continue);
  asio::awaitable<std::optional<ec>> receive();
  std::string head_of(const entry& what) const;
  void start_writing(std::string first, entry_ptr what);
  task write_all(sockets::stream_ptr to, std::string first, entry_ptr what);
  bool again(const entry& what) const;
  bool turned_away(const entry& what) const;
  void note(entry& what, ec why);
  void disconnect();
  event_loop::time backoff(int tries);
  event_loop::time wait_told(const client_answer& by);
  static void finish(const entry_ptr& what);

  sim_streams& streams_;
  const node_id name_;
  const client_options options_;
  const asio::any_io_executor executor_;
  const std::shared_ptr<sockets::stream_port> port_;
  std::mt19937_64 random_;
  std::deque<entry_ptr> queue_;
  bool working_ = false;
  bool aborted_ = false;
  bool close_when_idle_ = false;
  std::size_t server_ = 0;
  sockets::stream_ptr stream_;
  std::unique_ptr<char[]> room_;  // for the next bytes
  std::string received_;          // and not yet parsed
  client_counts counts_;
};

}  // namespace dunlin::simulation
