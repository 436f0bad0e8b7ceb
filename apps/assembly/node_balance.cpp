// Balancers and admission: who places connections, who takes them, and what they work with (B1 to
// B14, docs/decisions/0015).
#include "apps/assembly/node_parts.hpp"

#include "runtime/observe/log.hpp"
#include "runtime/topology/balance_change.hpp"

#include <caf/send.hpp>

#include <mutex>

namespace dunlin::assembly {

namespace {

using topology::role;

bool takes_legs(const topology::node& node) {
  return node.roles.contains(role::access) && node.leg;
}

std::vector<access_place> places_of(const std::vector<topology::node>& nodes) {
  std::vector<access_place> all;
  for (const auto& node : nodes)
    if (takes_legs(node))
      all.push_back({node.name, {node.leg->host, node.leg->port}, node.rack, node.peer_group});
  return all;
}

/// Levels are exchanged within a group, and connections given away.
std::vector<node_id> peers_of(const topology::node& self,
                              const std::vector<topology::node>& nodes) {
  std::vector<node_id> all;
  for (const auto& node : nodes)
    if (takes_legs(node) && node.name != self.name && node.peer_group == self.peer_group)
      all.push_back(node.name);
  return all;
}

/// Made after those who use its settings, and heard of by them.
struct later_source {
  std::mutex guard;
  caf::actor_addr made;  // weak: admission is used by it

  void set(const balance_source_actor& source) {
    const auto lock = std::scoped_lock{guard};
    made = source.address();
  }
  balance_source_actor get() {
    const auto lock = std::scoped_lock{guard};
    return caf::actor_cast<balance_source_actor>(made);
  }
};

admission_shell start_admission(const node_context& of,
                                const std::shared_ptr<later_source>& source) {
  admission_options options;
  options.self = of.self.name;
  options.incarnation = of.incarnation;
  options.capacity = of.self.capacity;
  options.legs_max = of.cluster.options.connections_max;
  options.peers = peers_of(of.self, of.cluster.nodes);
  options.settings = of.cluster.options.balance;
  options.load = of.ports.load;
  options.legs = of.ports.book;
  options.direct = of.ports.direct;
  options.tell_peer = [links = of.links](const node_id& peer, const v1::PeerIndicators& said) {
    links->tell<admission_actor>(peer, "admission", 0, said);
  };
  options.find_balancer = [links = of.links](const node_id& node) {
    return links->at<balancer_actor>(node, "balancer");
  };
  options.random = of.ports.random.get();
  options.wall = of.ports.clock.get();
  options.on_later_settings = [source](std::uint64_t version) {
    if (const auto alive = source->get()) caf::anon_send(alive, heard_balance_version{version});
  };
  options.recorder = of.ports.recorder;
  options.metrics = of.ports.counts.get();
  auto made = spawn_admission(of.system, std::move(options));
  of.links->serve("admission", 0, admission_actor(made));
  return made;
}

void start_balancer(const node_context& of, balance_part& made) {
  const auto before = (of.ports.random->next() & 0xFFFFFFFF) << 20;
  made.lines = std::make_shared<proxy::line_listener>(*of.ports.clients, *of.ports.legs, before);
  balancer_options options;
  options.node = of.self.name;
  options.rack = of.self.rack;
  options.access_nodes = places_of(of.cluster.nodes);
  options.settings = of.cluster.options.balance;
  options.lines = made.lines;
  options.find = [links = of.links](const node_id& node) {
    return links->at<admission_actor>(node, "admission");
  };
  options.client_key =
      of.options.client_key.empty() ? of.cluster.options.name : of.options.client_key;
  options.random = of.ports.random.get();
  options.counts = of.ports.counts.get();
  made.balancer = spawn_balancer(of.system, std::move(options));
  of.links->serve("balancer", 0, balancer_actor(made.balancer));
  of.links->on_peer([balancer = made.balancer](const links::peer_event& event) {
    if (event.up)
      caf::anon_send(balancer, balancer_link_up{event.node});
    else
      caf::anon_send(balancer, balancer_link_down{event.node});
  });
}

/// Every mistake of a text, a line each.
std::string text_of(const std::vector<topology::mistake>& mistakes) {
  std::string text;
  for (const auto& one : mistakes)
    text += (text.empty() ? "" : "\n") + one.render();
  return text;
}

balance_source_actor start_source(const node_context& of, const map_source& map,
                                  const balance_part& made) {
  balance_source_options options;
  options.from = map;
  options.of_file = of.cluster.options.balance;
  options.read = [file = options.of_file](const std::string& changes) {
    auto outcome = topology::apply_balance(file, changes);
    return read_settings{std::move(outcome.read), text_of(outcome.mistakes)};
  };
  options.use = [admission = made.admission, balancer = made.balancer](const balance::settings& now,
                                                                       std::uint64_t version) {
    if (admission) caf::anon_send(admission, use_balance_settings{now, version});
    if (balancer) caf::anon_send(balancer, balancer_settings{now, version});
  };
  return of.system.spawn(balance_source, std::move(options));
}

}  // namespace

void balance_part::use(const node_context& of, const std::vector<topology::node>& all) const {
  if (admission) caf::anon_send(admission, use_access_peers{peers_of(of.self, all)});
  if (balancer) caf::anon_send(balancer, balancer_places{places_of(all)});
}

balance_part start_balance(const node_context& of, const map_source& map) {
  balance_part made;
  const auto source = std::make_shared<later_source>();
  if (takes_legs(of.self) && of.ports.book) made.admission = start_admission(of, source);
  if (of.self.roles.contains(role::balancer) && of.ports.clients) start_balancer(of, made);
  if (!made.admission && !made.balancer) return made;
  made.source = start_source(of, map, made);
  source->set(made.source);
  return made;
}

result<void> listen(const node_context& of, const balance_part& part) {
  if (!part.lines) return {};
  const auto& where = *of.self.balancer;
  // The topology's rules have decided about wildcards.
  auto done = part.lines->listen({where.host, where.port}, true);
  if (!done) {
    log::error("node.balancer_not_listening",
               {{"address", where.text()}, {"reason", to_string(done.error())}});
    return done.error();
  }
  return {};
}

}  // namespace dunlin::assembly
