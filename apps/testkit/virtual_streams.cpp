// The part of a virtual cluster that is there only with streams: the nodes' real entries, and the
// sessions of their clients.
#include "apps/testkit/virtual_cluster.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <algorithm>

namespace dunlin::testkit {

void virtual_cluster::begin_streams() {
  auto& streams = network_.streams();
  streams.set_options(shape_.stream);
  // As turns of its actors: what they spawn and log is the node's.
  streams.set_surroundings([this](const node_id& whose, const std::function<void()>& turn) {
    const auto found = machines_.find(whose);
    if (found == machines_.end()) return turn();
    time_.driver().as(found->second.group, turn);
  });
  clients_ = std::make_unique<virtual_clients>(streams, seed_ * 31 + 17, shape_.clients);
}

void virtual_cluster::open_front(const node_id& name) {
  auto& machine = machines_.at(name);
  const auto& self = *topology_.find(name);
  if (!self.s3) return;
  http::server_options options;
  options.listen = {self.s3->host, self.s3->port};
  options.host_id = name;
  options.connections_max = topology_.options.connections_max;
  auto entry = http::make_entry(options, {network_.streams().port(name), nullptr}, *machine.random,
                                *machine.counts);
  machine.front = std::make_unique<virtual_front>(
      std::move(entry), [this, name](const http::request& what) { asked_.saw(name, what); });
}

std::size_t virtual_cluster::connections(const node_id& name) const {
  const auto& front = machines_.at(name).front;
  return front ? front->inside().connections() : 0;
}

void virtual_cluster::submit_over_stream(const node_id& through, simulation::sim_request request,
                                         std::function<void(const simulation::client_answer&)> done,
                                         std::chrono::milliseconds begins) {
  simulation::client_request made;
  if (request.pause) {
    made.first = request.body.front().size();
    made.pause = begins;
  }
  for (const auto& chunk : request.body)
    made.body += chunk;
  if (request.body_failure == ec::closed) made.gone_after = made.body.size();
  if (request.body_failure == ec::timed_out) made.silent_after = made.body.size();
  made.head = std::move(request.head);
  // What has happened twice, no checker would understand.
  made.repeatable = made.head.method == "GET" || made.head.method == "HEAD";
  const auto& door = *topology_.find(through)->s3;
  clients_->send({{door.host, door.port}}, std::move(made), std::move(done));
}

}  // namespace dunlin::testkit
