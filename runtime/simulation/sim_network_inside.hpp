/// What sim_network keeps; for its own sources only.
#pragma once

#include "runtime/simulation/sim_network.hpp"

#include <deque>

namespace dunlin::simulation {

/// A stream between two nodes. Side 0 dialed.
struct sim_network::connection {
  struct end {
    node_id name;
    std::uint64_t life = 0;  ///< of the node that holds this end
    bool open = true;
    bool started = false;
    links::wire::events handlers;
    std::deque<buffer> arriving;  ///< towards this end, in order; null: the other side closed
    std::size_t unsent = 0;       ///< bytes of them
    std::uint64_t sent = 0;       ///< frames towards this end
    std::size_t stalled = 0;      ///< deliveries that met a cut or a wire not started
    event_loop::time last_due{0};
  };
  end ends[2];
};

/// One end as its node sees it.
class sim_network::sim_wire final : public links::wire {
public:
  sim_wire(sim_network& network, std::shared_ptr<connection> line, int side)
      : network_{network}, line_{std::move(line)}, side_{side} {}
  ~sim_wire() override { network_.close(line_, side_); }

  bool send(buffer frame) override { return network_.send(line_, side_, std::move(frame)); }
  void close() override { network_.close(line_, side_); }
  void start(events handlers) override;
  std::string peer_certificate() const override;

private:
  sim_network& network_;
  std::shared_ptr<connection> line_;
  int side_;
};

class sim_network::node_wires final : public links::wire_port {
public:
  node_wires(sim_network& network, node_id name) : network_{network}, name_{std::move(name)} {}
  result<void> listen(std::function<void(links::wire_ptr)> accepted) override;
  void dial(const node_id& peer, std::function<void(result<links::wire_ptr>)> done) override;
  void stop() override;

private:
  sim_network& network_;
  node_id name_;
};

class sim_network::node_bulk final : public links::bulk_port {
public:
  node_bulk(sim_network& network, node_id name) : network_{network}, name_{std::move(name)} {}
  result<void> serve(handler requests) override;
  void exchange(const node_id& peer, links::bulk_message request, std::chrono::milliseconds timeout,
                std::function<void(result<links::bulk_message>)> done) override;
  void stop() override;

private:
  sim_network& network_;
  node_id name_;
};

struct sim_network::node {
  node(sim_network& network, const node_id& name) : wires{network, name}, bulk{network, name} {}
  node_wires wires;
  node_bulk bulk;
  std::function<void(links::wire_ptr)> listener;
  links::bulk_port::handler handler;
  std::string certificate;
  std::chrono::microseconds extra_delay{0};
  std::uint64_t life = 1;
  bool down = false;    ///< crashed, and did not listen since
  bool silent = false;  ///< so that nothing answers in its place
  bool paused = false;
  std::deque<std::function<void()>> waiting;  ///< until it goes on
};

struct sim_network::exchange_state {
  std::uint64_t id = 0;
  node_id from, to;
  std::uint64_t from_life = 0, to_life = 0;
  links::bulk_message request;
  std::function<void(result<links::bulk_message>)> done;  ///< null once called
  bool answered = false;
};

}  // namespace dunlin::simulation
