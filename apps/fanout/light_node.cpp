#include "apps/fanout/light_node.hpp"

#include "apps/assembly/cluster_files.hpp"
#include "apps/assembly/process_ports.hpp"
#include "messages/cache_types.hpp"
#include "messages/error.hpp"
#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/crypto/random.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace dunlin::fanout {

namespace {

/// Nobody looks anything up here.
partition_router_actor::behavior_type no_router(partition_router_actor::pointer) {
  return {[](const v1::RoutedCommand&) -> caf::result<v1::CommandReply> {
            return make_error(ec::unavailable, "no router");
          },
          [](const v1::RoutedQuery&) -> caf::result<v1::QueryReply> {
            return make_error(ec::unavailable, "no router");
          },
          [](const v1::GetMap&) -> caf::result<v1::ClusterMap> {
            return make_error(ec::unavailable, "no router");
          }};
}

std::unique_ptr<links::tls_wire_port> open_wires(const topology::cluster& cluster,
                                                 const topology::node& self,
                                                 const crypto::bundle& bundle, metrics& counts,
                                                 std::shared_ptr<sockets::io_threads> threads) {
  links::tls_wire_options options;
  options.self = self.name;
  options.listen = assembly::to_socket(self.control);
  for (const auto& node : cluster.nodes)
    options.peers[node.name] = assembly::to_socket(node.control);
  options.threads = std::move(threads);
  if (!cluster.options.plain_transport) options.identity = bundle;
  auto made = links::make_tls_wire(std::move(options), counts);
  return made ? std::move(*made) : nullptr;
}

}  // namespace

std::unique_ptr<light_links> light_links::open(caf::actor_system& system,
                                               const topology::cluster& cluster,
                                               const node_id& name, std::vector<node_id> peers,
                                               std::shared_ptr<sockets::io_threads> threads) {
  const auto* self = cluster.find(name);
  const auto bundle =
      self ? crypto::load_bundle(assembly::tls_folder(cluster), name) : result<crypto::bundle>{};
  if (!self || !bundle) return nullptr;
  auto made = std::make_unique<light_links>();
  made->counts_ = std::make_unique<metrics>();
  made->random_ = std::make_unique<crypto::system_random>();
  auto identity = crypto::make_identity(*bundle);
  made->wires_ = open_wires(cluster, *self, *bundle, *made->counts_, std::move(threads));
  if (!identity || !made->wires_) return nullptr;
  made->identity_ = std::move(*identity);
  // Greater at every start, without a folder to count in.
  made->incarnation_ = static_cast<std::uint64_t>(crypto::system_wall_clock{}.now_ms());
  links::link_options options;
  options.cluster = cluster.options.name;
  options.self = name;
  options.incarnation = made->incarnation_;
  options.peers = std::move(peers);
  made->links_ = std::make_unique<links::node_links>(
      system, options, *made->wires_, *made->identity_, *made->random_, *made->counts_);
  return made;
}

std::unique_ptr<light_node> light_node::start(caf::actor_system& system,
                                              const topology::cluster& cluster, const node_id& name,
                                              std::shared_ptr<sockets::io_threads> threads,
                                              listener heard) {
  const auto queues = cluster.nodes_with(topology::role::queue);
  auto made = std::make_unique<light_node>();
  made->links_ = light_links::open(system, cluster, name, queues, std::move(threads));
  if (!made->links_) return nullptr;
  near_cache_options holding;
  holding.type = find_cached_type(cached::bucket);
  holding.service = 1;
  holding.router = system.spawn(no_router);
  holding.heard = std::move(heard);
  made->cache_ = system.spawn(near_cache, std::move(holding));

  cache_subscriber_options hearing;
  hearing.node = name;
  hearing.service = 1;
  hearing.incarnation = made->links_->incarnation();
  hearing.queues = queues;
  hearing.find = [links = &made->links_->links()](const node_id& node) {
    return links->at<message_queue_actor>(node, "message_queue");
  };
  hearing.acknowledge = [links = &made->links_->links()](const node_id& node,
                                                         const v1::BatchAck& said) {
    links->tell<message_queue_actor>(node, "message_queue", 0, said);
  };
  hearing.caches.emplace(cached::bucket, made->cache_);
  const auto news = cluster.options.queue.news_interval;
  hearing.limits.stamp_interval = std::max(news / 2, std::chrono::milliseconds(1));
  hearing.limits.silence_max = std::max(hearing.limits.silence_max, 4 * news);
  hearing.random = &made->links_->random();
  made->subscriber_ = system.spawn(cache_subscriber, std::move(hearing));
  auto& links = made->links_->links();
  links.serve("cache_subscriber", 1, cache_subscriber_actor(made->subscriber_),
              {made->subscriber_.id(), made->cache_.id()});
  links.on_peer([subscriber = made->subscriber_](const links::peer_event& event) {
    caf::anon_send(subscriber, queue_peer{event.node, event.up});
  });
  return made->links_->start() ? std::move(made) : nullptr;
}

}  // namespace dunlin::fanout
