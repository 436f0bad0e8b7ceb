/// What sim_streams keeps; for its own sources only.
#pragma once

#include "runtime/simulation/sim_network_inside.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <deque>
#include <functional>

namespace dunlin::simulation {

/// `begin` gets what is to be called with the outcome, once or, if nobody cares any more, never.
template <class Outcome, class Begin>
asio::awaitable<Outcome> initiate(asio::any_io_executor on, Begin begin) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
      [on, begin = std::move(begin)](auto handler) mutable {
        // std::function wants copies.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        begin([on, shared = std::move(shared)](Outcome outcome) {
          asio::post(on, [shared, outcome = std::move(outcome)]() mutable {
            std::move (*shared)(std::move(outcome));
          });
        });
      },
      asio::use_awaitable);
}

/// What travels.
struct sim_streams::piece {
  enum kind : std::uint8_t { bytes, end, reset } what = bytes;
  std::string data;
};

/// A stream between two nodes. Side 0 dialled.
struct sim_streams::line {
  struct end {
    node_id name;
    std::uint64_t life = 0;  ///< of the node that holds this end
    std::string address;
    bool open = true;       ///< neither closed by its holder nor broken
    bool sending = true;    ///< the holder has not ended it
    bool ended = false;     ///< the peer's sending has
    bool read_end = false;  ///< and the holder has read it

    std::deque<piece> arriving;      ///< towards this end, in order
    std::size_t stalled = 0;         ///< arrivals that met a cut
    std::deque<std::string> unread;  ///< arrived
    std::size_t read_at = 0;         ///< of the first of them
    std::size_t held = 0;            ///< bytes arriving and unread
    event_loop::time last_due{0};

    asio::mutable_buffer into;
    std::function<void(outcome)> reader;  ///< null: nobody waits
    asio::const_buffer first, second;     ///< to be written
    std::size_t written = 0;
    std::function<void(outcome)> writer;
  };
  end ends[2];
};

class sim_streams::node_port final : public sockets::stream_port {
public:
  node_port(sim_streams& streams, node_id name)
      : streams_{streams}, over_{streams.over_}, name_{std::move(name)} {}
  ~node_port() override { stop_listening(); }
  result<std::uint16_t> listen(const sockets::endpoint& where, bool wildcard,
                               std::function<void(sockets::stream_ptr)> handler) override;
  void stop_listening() override;
  asio::awaitable<result<sockets::stream_ptr>> dial(asio::any_io_executor on,
                                                    sockets::endpoint where,
                                                    std::chrono::milliseconds within) override;

private:
  sim_streams& streams_;
  const std::shared_ptr<const bool> over_;  // the simulation
  const node_id name_;
  std::vector<std::pair<address, std::uint64_t>> mine_;
};

struct sim_streams::place {
  place(sim_streams& streams, const node_id& own, std::size_t number)
      : name{own},
        turns{std::make_shared<sim_turns::queue>(number)},
        address{"10." + std::to_string(number >> 16 & 0xff) + "." +
                std::to_string(number >> 8 & 0xff) + "." + std::to_string(number & 0xff)} {
    streams.in_order_.push_back(this);
  }
  struct listener {
    std::uint64_t number = 0;
    std::function<void(sockets::stream_ptr)> handler;
  };
  const node_id name;
  const std::shared_ptr<sim_turns::queue> turns;
  std::string address;
  std::map<sim_streams::address, listener> listeners;
};

/// One end as its holder sees it.
class sim_streams::end_stream final : public sockets::stream,
                                      public std::enable_shared_from_this<end_stream> {
public:
  end_stream(sim_streams& streams, line_ptr of, int side, asio::any_io_executor on)
      : streams_{streams},
        over_{streams.over_},
        line_{std::move(of)},
        side_{side},
        executor_{std::move(on)} {}
  ~end_stream() override;

  asio::awaitable<outcome> handshake(bool as_server) override;
  asio::awaitable<outcome> read_some(asio::mutable_buffer into) override;
  asio::awaitable<outcome> write(asio::const_buffer first, asio::const_buffer second) override;
  void expires_after(std::chrono::milliseconds time) override { arm(time, true); }
  void interrupt_after(std::chrono::milliseconds time) override { arm(time, false); }
  void expires_never() override { due_.reset(); }
  void interrupt() override;
  void call_after(std::chrono::milliseconds time, std::function<void()> what) override;
  void close() override;
  void close_soon() override;
  void shutdown_send() override;
  bool at_end() const override { return mine().read_end; }
  bool open() const override { return open_; }
  bool readable_now() override { return !mine().unread.empty(); }
  std::string peer_address() override { return line_->ends[1 - side_].address; }
  bool secure() const override { return !*over_ && streams_.options().secure; }
  asio::any_io_executor executor() override { return executor_; }

private:
  line::end& mine() const { return line_->ends[side_]; }
  void arm(std::chrono::milliseconds time, bool closes);
  void set_alarm(event_loop::time when);
  void check_deadline();

  sim_streams& streams_;
  const std::shared_ptr<const bool> over_;  // the simulation
  const line_ptr line_;
  const int side_;
  const asio::any_io_executor executor_;
  bool open_ = true;
  bool timed_out_ = false;
  std::uint64_t calls_ = 0;                // of call_after
  bool closes_ = false;                    // when it is due
  std::optional<event_loop::time> due_;    // the deadline
  std::optional<event_loop::time> alarm_;  // an event of the loop that looks at it
};

}  // namespace dunlin::simulation
