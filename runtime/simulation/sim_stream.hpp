/// SIMULATED STREAMS: byte streams between the nodes of a simulated network and their clients, on
/// virtual time (decision 2). They suffer what the network suffers: delays, losses (as stalls),
/// cuts (as silence), pauses, crashes.
///
/// Coroutines run on an executor of their node. The event loop runs what is ready on them before it
/// moves time, one handler at a time, node by node; a node that stands still is left out, while
/// what arrives for it fills its buffers and its deadlines run out. Deadlines are events of the
/// loop: Asio's timers have no place here.
#pragma once

#include "runtime/simulation/sim_executor.hpp"
#include "runtime/simulation/sim_network.hpp"
#include "runtime/sockets/stream_port.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::simulation {

struct stream_options {
  std::size_t buffer_bytes = 256u << 10;    ///< one direction's, on the way and unread
  std::size_t segment_bytes = 64u << 10;    ///< at most
  std::uint32_t cut_per_million = 100'000;  ///< segments and reads that come in smaller pieces
  /// Until an end learns that the other one's node vanished without a word (TCP's keepalive).
  std::chrono::milliseconds lost_after{30'000};
  bool secure = false;  ///< what streams say of themselves
};

struct stream_counts {
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  std::uint64_t resets = 0;
  bool operator==(const stream_counts&) const = default;
};

class sim_streams {
public:
  sim_streams(sim_network& network, event_loop& loop, std::uint64_t seed);
  /// Whatever waits for a stream then is dropped where it waits.
  ~sim_streams();
  sim_streams(const sim_streams&) = delete;
  sim_streams& operator=(const sim_streams&) = delete;

  /// Of a node or a client, whose name is as good as any; each a port of its own. A node that
  /// restarts listens anew.
  std::shared_ptr<sockets::stream_port> port(const node_id& node);
  asio::any_io_executor executor(const node_id& node);
  event_loop::time now() const { return loop_.now(); }
  /// In virtual time; a node that stands still sleeps longer.
  asio::awaitable<void> sleep(asio::any_io_executor on, event_loop::time span);

  void set_options(const stream_options& options) { options_ = options; }
  const stream_options& options() const { return options_; }

  /// What others see of those whom the node dials; by default one of 10.0.0.0/8, by first use.
  void set_address(const node_id& node, std::string address);

  /// All streams between the two break, as after a reset; they may dial again.
  void break_streams(const node_id& a, const node_id& b);

  /// Called for each handler of a node, which it runs: in the node's name, say.
  using surroundings = std::function<void(const node_id& whose, const std::function<void()>& turn)>;
  void set_surroundings(surroundings around) { around_ = std::move(around); }

  /// Streams that both ends hold open; of those, how many end at the node.
  std::size_t open_streams() const;
  std::size_t open_streams(const node_id& node) const;
  const stream_counts& counts() const { return counts_; }

  // ---- for the network ----
  void crashed(const node_id& node, bool silent);
  /// Cuts have been healed.
  void wake_all();
  void resumed(const node_id& node);

private:
  struct line;
  struct place;
  class end_stream;
  class node_port;
  using line_ptr = std::shared_ptr<line>;
  using outcome = sockets::stream::outcome;
  using address = std::pair<std::string, std::uint16_t>;
  using dialled = std::function<void(result<sockets::stream_ptr>)>;
  struct piece;

  place& at(const node_id& node);
  bool run_one_handler();
  std::vector<line_ptr> lines() const;
  std::size_t cut_smaller(std::size_t bytes);

  void dial(const node_id& from, const asio::any_io_executor& on, const sockets::endpoint& where,
            std::chrono::milliseconds within, dialled done);
  result<sockets::stream_ptr> connect(const node_id& from, const asio::any_io_executor& on,
                                      const sockets::endpoint& where);

  void read(const line_ptr& of, int side, asio::mutable_buffer into,
            std::function<void(outcome)> done);
  void write(const line_ptr& of, int side, asio::const_buffer first, asio::const_buffer second,
             std::function<void(outcome)> done);
  void shutdown(const line_ptr& of, int side);
  void close(const line_ptr& of, int side, ec why);
  void pump(const line_ptr& of, int side);
  void serve_reader(const line_ptr& of, int side);
  void fail_waiting(const line_ptr& of, int side, ec why);
  void send(const line_ptr& of, int to, piece what);
  void schedule(const line_ptr& of, int to, std::size_t bytes);
  void arrive(const line_ptr& of, int to);
  void take_reset(const line_ptr& of, int to);
  void break_line(const line_ptr& of);
  void wake(const line_ptr& of, int to);
  bool lives(const line_ptr& of, int side) const;

  sim_network& network_;
  event_loop& loop_;
  stream_options options_;
  stream_counts counts_;
  std::mt19937_64 random_;
  surroundings around_;
  std::map<node_id, std::unique_ptr<place>> places_;
  std::vector<place*> in_order_;  // of their making
  const std::shared_ptr<sim_turns> turns_;
  const std::shared_ptr<bool> over_ = std::make_shared<bool>(false);  // others may live longer
  std::uint64_t last_listener_ = 0;
  std::map<address, node_id> listeners_;  // who has ever listened
  std::map<std::uint64_t, std::weak_ptr<line>> lines_;
  std::uint64_t last_line_ = 0;
  std::uint16_t last_port_ = 32'767;
};

}  // namespace dunlin::simulation
