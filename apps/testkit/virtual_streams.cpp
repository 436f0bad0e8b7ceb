// The part of a virtual cluster that is there only with streams: the nodes' real entries, and the
// sessions of their clients.
#include "apps/testkit/virtual_cluster.hpp"
#include "runtime/simulation/sim_stream.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace dunlin::testkit {

namespace {

/// What an actor answers, within 10 s of virtual time; else an empty one.
template <class Answer, class Actor, class Question>
Answer ask(virtual_time& time, const Actor& whom, Question question) {
  if (!whom) return {};
  const auto heard = std::make_shared<std::optional<Answer>>();
  time.system().spawn([heard, whom, question](caf::event_based_actor* self) {
    self->request(whom, std::chrono::seconds(5), question)
        .then([heard](const Answer& said) { *heard = said; },
              [heard](const caf::error&) { *heard = Answer{}; });
  });
  time.run_until([&] { return heard->has_value(); }, std::chrono::seconds(10));
  return heard->value_or(Answer{});
}

}  // namespace

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

void virtual_cluster::open_streams(const node_id& name) {
  auto& machine = machines_.at(name);
  const auto& self = *topology_.find(name);
  auto& streams = network_.streams();
  machine.line_clients = self.balancer ? streams.port(name) : nullptr;
  machine.line_legs = self.balancer ? streams.port(name) : nullptr;
  // What a request of an older life still holds tells its own book.
  machine.book = self.leg ? books_.emplace_back(std::make_shared<leg_table>()) : nullptr;
  if (self.s3 || self.leg) open_front(name);
}

void virtual_cluster::open_front(const node_id& name) {
  auto& machine = machines_.at(name);
  const auto& self = *topology_.find(name);
  http::server_options options;
  options.direct = self.s3.has_value();
  if (self.s3) options.listen = {self.s3->host, self.s3->port};
  options.host_id = name;
  options.traffic = machine.direct = std::make_shared<http::client_traffic>();
  options.connections_max = topology_.options.connections_max;
  http::entry_ports ports;
  if (self.s3) ports.clients = network_.streams().port(name);
  if (self.leg) {
    auto& legs = options.legs.emplace();
    legs.listen = {self.leg->host, self.leg->port};
    legs.book = machine.book.get();
    ports.legs = network_.streams().port(name);
  }
  auto entry = http::make_entry(options, ports, *machine.random, *machine.counts);
  machine.front =
      std::make_unique<virtual_front>(std::move(entry), [this, name](const http::request& what) {
        asked_.saw(name, what);
        if (on_asked_) on_asked_(name, what);
      });
}

std::size_t virtual_cluster::connections(const node_id& name) const {
  const auto& front = machines_.at(name).front;
  return front ? front->inside().connections() : 0;
}

leg_table::totals virtual_cluster::legs(const node_id& name) const {
  const auto& machine = machines_.at(name);
  return machine.book && machine.node ? machine.book->sum() : leg_table::totals{};
}

std::size_t virtual_cluster::lines(const node_id& name) const {
  const auto& machine = machines_.at(name);
  return machine.node ? machine.node->lines() : 0;
}

v1::AdmissionStatus virtual_cluster::admission(const node_id& name) {
  if (!runs(name)) return {};
  return ask<v1::AdmissionStatus>(time_, machines_.at(name).node->balance().admission,
                                  v1::GetAdmissionStatus{});
}

void virtual_cluster::tell_admission(const node_id& name, const v1::PeerIndicators& said) {
  const auto actor = machines_.at(name).node->balance().admission;
  if (actor) caf::anon_send(actor, said);
}

v1::BalancerStatus virtual_cluster::balancer(const node_id& name) {
  if (!runs(name)) return {};
  return ask<v1::BalancerStatus>(time_, machines_.at(name).node->balance().balancer,
                                 v1::GetBalancerStatus{});
}

void virtual_cluster::drain(const node_id& name, std::chrono::milliseconds within,
                            std::function<void()> done) {
  machines_.at(name).node->drain_connections(within, std::move(done));
}

simulation::client_request virtual_cluster::signed_by_root(const std::string& method,
                                                           const std::string& path,
                                                           const std::string& body) {
  simulation::client_request made;
  made.head = signed_request(root_, method, path, "", {}, body, wall_ms());
  made.body = body;
  return made;
}

std::vector<sockets::endpoint> virtual_cluster::balancer_doors() const {
  std::vector<sockets::endpoint> doors;
  for (const auto& name : topology_.nodes_with(topology::role::balancer)) {
    const auto& door = *topology_.find(name)->balancer;
    doors.push_back({door.host, door.port});
  }
  return doors;
}

/// To the balancers, beginning with one that is drawn. Checkers of users, policies and buckets
/// judge what one node knows: its own entry is asked then, and now and then for objects.
virtual_clients::doors virtual_cluster::doors_for(const node_id& through,
                                                  const http::request& what) {
  auto doors = balancer_doors();
  const auto& straight = topology_.find(through)->s3;
  const auto* signer = what.find("Authorization");
  const auto of_node = what.target.find('/', 1) == what.target.npos || !signer ||
                       signer->find(root_.access_key) == signer->npos;
  if (doors.empty() || (straight && (of_node || requests_ % 8 == 7)))
    return {{straight->host, straight->port}};
  std::rotate(doors.begin(),
              doors.begin() + static_cast<std::ptrdiff_t>(requests_ * 5 % doors.size()),
              doors.end());
  return doors;
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
  const auto doors = doors_for(through, made.head);
  clients_->send(doors, std::move(made), std::move(done));
}

}  // namespace dunlin::testkit
