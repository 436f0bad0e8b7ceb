#include "apps/assembly/node.hpp"

#include "actors/access_node/access_node.hpp"
#include "actors/coordinator/coordinator.hpp"
#include "actors/management/manage.hpp"
#include "actors/node_manager/node_manager.hpp"
#include "actors/partition_router/partition_router.hpp"
#include "actors/s3_gateway/s3_request.hpp"
#include "apps/assembly/incarnation.hpp"
#include "apps/assembly/node_parts.hpp"
#include "apps/assembly/seed.hpp"
#include "messages/cache_types.hpp"
#include "messages/services.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/topology/describe.hpp"

#include <fmt/format.h>
#include <caf/event_based_actor.hpp>

#include <mutex>

namespace dunlin::assembly {

namespace {

using topology::role;

class running_node final : public node {
public:
  explicit running_node(node_context context)
      : of_(std::move(context)), nodes_(of_.cluster.nodes) {}
  ~running_node() override { stop(); }

  result<void> start() {
    start_router();
    link_ = of_.system.spawn(links::page_link, of_.self.name, &of_.ports.bulk);
    keep("page link", link_);
    auto opened = start_log(of_, log_);
    keep("log writer", log_.writer);
    if (!opened) return opened;
    if (has(role::database)) {
      const auto tell = [router = router_](partition_id id, const node_id& leader,
                                           std::uint64_t term) {
        caf::anon_send(router, leader_news{id, leader, term});
      };
      auto done = start_database(of_, link_, tell, log_, database_);
      keep_database();  // what was spawned before an error ends with the node, too
      if (!done) return done;
    }
    keep_caches();
    if (has(role::queue)) keep("message queue", queue_ = start_queue(of_, router_, log_));
    if (const auto log = std::exchange(log_.log, nullptr)) log->release_recovered();
    if (has(role::storage)) {
      auto done = start_storage(of_, link_, map_for(services::background), storage_);
      keep_storage();
      if (!done) return done;
    }
    auto bulk = start_bulk(of_, storage_, database_);
    if (!bulk) return bulk.error();
    keep("page server", *bulk);
    if (has(role::access)) start_access();
    keep_balance();
    start_manager();
    return listen();
  }

  node_manager_actor manager() const override { return manager_; }
  node_manager_actor manager_of(const node_id& name) const override {
    return of_.links->at<node_manager_actor>(name, "node_manager");
  }
  cache_control_actor caches() const override { return manager_; }
  coherence_sampler_actor sampler() const override { return caches_.sampler; }
  balance_roles balance() const override {
    return {router_, balance_.source, balance_.admission, balance_.balancer};
  }
  std::uint64_t incarnation() const override { return of_.incarnation; }
  std::shared_ptr<message_loss> loss() const override { return of_.loss; }

  result<void> add_node(const topology::node& joined) override {
    const auto lock = std::scoped_lock{nodes_guard_};
    for (const auto& one : nodes_)
      if (one.name == joined.name) {
        if (described(one) != described(joined)) return ec::refused;
        return {};
      }
    for (const auto which : joined.roles)
      if (which != role::access && which != role::balancer) return ec::refused;
    nodes_.push_back(joined);
    if (of_.ports.learn) of_.ports.learn(joined);
    of_.links->add_peer(joined.name);
    balance_.use(of_, nodes_);
    log::info("node.joined", {{"node", joined.name}, {"control", joined.control.text()}});
    return {};
  }

  std::vector<topology::node> nodes() const override {
    const auto lock = std::scoped_lock{nodes_guard_};
    return nodes_;
  }

  void drain_connections(std::chrono::milliseconds within, std::function<void()> done) override {
    if (balance_.lines) balance_.lines->drain();
    if (!balance_.admission) return done();
    of_.system.spawn([within, done = std::move(done),
                      admission = balance_.admission](caf::event_based_actor* self) {
      // The answer comes at the end of the time, and is but news.
      self->request(admission, within + std::chrono::seconds(1), drain_legs{within})
          .then(
              [done](const legs_drained& said) {
                log::info("node.legs_drained", {{"left", said.left}});
                done();
              },
              [done](const caf::error&) { done(); });
    });
  }
  std::size_t lines() const override { return balance_.lines ? balance_.lines->size() : 0; }

  void drain_lines() override {
    if (balance_.lines) balance_.lines->drain();
  }

  void begin_drain() override {
    caf::anon_send(manager_, v1::BeginDrain{});
    for (const auto& [id, replica] : database_.replicas)
      caf::anon_send(replica, step_aside{});
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    // The manager first: it would report every role that dies now.
    caf::anon_send_exit(manager_, caf::exit_reason::kill);
    for (const auto& [name, role] : kept_)
      caf::anon_send_exit(role, caf::exit_reason::kill);
    of_.links->stop();
  }

private:
  bool has(role which) const { return of_.self.roles.contains(which); }

  /// Watched while it runs and ended with the node.
  template <class Handle>
  void keep(std::string name, const Handle& role) {
    if (role) kept_.emplace_back(std::move(name), caf::actor_cast<caf::actor>(role));
  }

  void start_router() {
    partition_router_options options;
    options.self = of_.self.name;
    options.incarnation = of_.incarnation;
    options.root_nodes = of_.cluster.partition_nodes(0);
    options.find = [links = of_.links](const node_id& at, partition_id id) {
      return links->at<partition_actor>(at, "partition", id);
    };
    router_ = of_.system.spawn(partition_router, std::move(options), of_.ports.random.get(),
                               of_.ports.counts.get());
    keep("partition router", router_);
    if (of_.options.opened_router) of_.options.opened_router(router_);
  }

  void keep_database() {
    for (const auto& [id, replica] : database_.replicas)
      keep("partition " + std::to_string(id), replica);
    keep("state keeper", database_.keeper);
  }

  void keep_storage() {
    keep("storage node", storage_.service.node);
    keep("repair", storage_.service.repair);
    keep("extent writer", storage_.service.writer);
    for (const auto& reader : storage_.service.readers)
      keep("extent reader", reader);
    for (const auto& collector : storage_.collectors)
      keep("collector", collector);
  }

  void keep_balance() {
    const auto service = has(role::access) ? services::s3 : services::background;
    balance_ = start_balance(of_, map_for(service));
    keep("balance source", balance_.source);
    keep("admission", balance_.admission);
    keep("balancer", balance_.balancer);
  }

  map_source map_for(std::uint64_t service) const {
    return {router_, caches_.of(service, cached::cluster_map)};
  }

  void keep_caches() {
    caches_ = start_caches(of_, router_);
    for (const auto& [service, caches] : caches_.services)
      for (const auto& [type, cache] : caches) {
        keep(fmt::format("near cache of {} of service {}", type, services::name_of(service)),
             cache);
        if (of_.options.opened_cache) of_.options.opened_cache(service, type, cache);
      }
    keep("cache subscriber", caches_.subscriber);
    keep("coherence sampler", caches_.sampler);
  }

  /// Of one of the services that answer at the S3 listener.
  request_starter start_requests(std::uint64_t service, const coordinator_actor& coordinating,
                                 decltype(s3_gateway_parts::handle) handle) {
    s3_gateway_options options;
    options.protocol.region = of_.cluster.options.region;
    options.protocol.object_bytes_max = of_.cluster.options.object_bytes_max;
    options.protocol.piece_bytes = of_.cluster.options.page_bytes;
    s3_gateway_parts parts;
    parts.router = router_;
    parts.coordinator = coordinating;
    parts.clock = of_.ports.clock;
    parts.random = of_.ports.random;
    parts.numbers = of_.ports.counts;
    parts.handle = handle;
    parts.name = std::string(services::name_of(service));
    const auto& own = caches_.of(service);
    for (const auto& [type, cache] : own)
      parts.caches.emplace(type, cache);
    for (const auto& [other, caches] : caches_.services)
      for (const auto& [type, cache] : caches)
        if (&caches != &own) parts.beside.emplace(type, cache);
    return s3_request_starter(std::move(options), std::move(parts));
  }

  void start_access() {
    coordinator_options options;
    options.self = of_.self.name;
    options.writing.page_bytes = of_.cluster.options.page_bytes;
    coordinator_parts parts{of_.storage_at(), of_.connected_peers(), link_, map_for(services::s3),
                            of_.ports.random.get()};
    const auto coordinating = of_.system.spawn(coordinator, options, parts);
    keep("coordinator", coordinating);

    access_node_options access;
    gate_ = std::make_shared<request_gate>(of_.cluster.options.requests_max, refuse_s3_request);
    access.gate = gate_;
    access.start = [s3 = start_requests(services::s3, coordinating, s3::handle),
                    iam = start_requests(services::management, coordinating, iam::manage)](
                       caf::actor_system& system, http::exchange_ptr exchange) {
      const bool manages = iam::is_management_request(exchange->request());
      return (manages ? iam : s3)(system, std::move(exchange));
    };
    access.refuse = refuse_s3_request;
    access_ = of_.system.spawn(access_node, std::move(access));
    keep("access node", access_);
  }

  void start_manager() {
    node_manager_options options;
    options.self = of_.self.name;
    options.incarnation = of_.incarnation;
    options.warnings = of_.options.warnings;
    options.more_warnings = [loss = of_.loss] { return loss->warnings(); };
    options.on_fatal = of_.options.on_fatal;
    options.peers = [links = of_.links] {
      std::vector<v1::PeerStatus> all;
      for (const auto& peer : links->peers()) {
        auto& one = all.emplace_back();
        one.set_node(peer.node);
        one.set_connected(peer.connected);
        one.set_error(peer.last_error);
      }
      return all;
    };
    if (of_.options.seed) options.seed = make_seed(of_.cluster, *of_.options.seed);

    node_roles roles;
    roles.router = router_;
    for (const auto& [id, replica] : database_.replicas)
      roles.replicas.emplace(id, replica);
    if (storage_.service.node) roles.storage = storage_.service.node;
    roles.queue = queue_;
    if (caches_.subscriber) roles.subscribers.push_back(caches_.subscriber);
    for (const auto& [service, caches] : caches_.services)
      for (const auto& [type, cache] : caches)
        roles.caches.push_back(cache);
    for (const auto& [name, role] : kept_)
      roles.watched.emplace_back(name, role.address());
    manager_ = of_.system.spawn(node_manager, std::move(options), std::move(roles));
    of_.links->serve("node_manager", 0, node_manager_actor(manager_));
  }

  /// Last: whoever comes in finds every role in its place.
  result<void> listen() {
    if (auto done = of_.links->start(); !done) {
      log::error("node.control_not_listening",
                 {{"address", of_.self.control.text()}, {"reason", to_string(done.error())}});
      return done.error();
    }
    if (auto done = assembly::listen(of_, balance_); !done) return done;
    if (!of_.ports.s3 || !access_) return {};
    auto done = of_.ports.s3->serve(acceptor_of(access_, gate_));
    if (!done)
      log::error("node.s3_not_listening",
                 {{"address", of_.self.s3 ? of_.self.s3->text() : of_.self.leg->text()},
                  {"reason", to_string(done.error())}});
    return done;
  }

  node_context of_;
  std::vector<std::pair<std::string, caf::actor>> kept_;
  partition_router_shell router_;
  log_part log_;
  database_part database_;
  message_queue_shell queue_;
  cache_part caches_;
  links::page_link_service link_;
  storage_part storage_;
  access_node_actor access_;
  std::shared_ptr<request_gate> gate_;
  balance_part balance_;
  node_manager_shell manager_;
  mutable std::mutex nodes_guard_;
  std::vector<topology::node> nodes_;  // those of the file, and those that have joined since
  bool stopped_ = false;
};

std::shared_ptr<ballast> make_ballast(disk& storage, std::uint64_t bytes_max) {
  ballast_options options;
  const auto space = storage.space();
  if (space) options.bytes = std::min(bytes_max, space->total_bytes / 50);
  // Half of what pages must leave: where they have filled the disk, objects can still be deleted.
  options.reserve_bytes = disk_reserve(storage) / 2;
  return std::make_shared<ballast>(storage, options);
}

/// From the start as the topology says.
std::shared_ptr<message_loss> make_loss(const topology::cluster& of, const node_ports& ports) {
  auto loss = std::make_shared<message_loss>(ports.random, *ports.counts);
  loss->set(of.options.faults.cache_update_loss);
  for (const auto& warning : loss->warnings())
    log::warn("node.faults_on_purpose", {{"what", warning}});
  return loss;
}

links::link_options link_options_of(const topology::cluster& of, const node_id& self,
                                    std::uint64_t incarnation) {
  links::link_options options;
  options.cluster = of.options.name;
  options.self = self;
  options.incarnation = incarnation;
  for (const auto& node : of.nodes)
    if (node.name != self) options.peers.push_back(node.name);
  return options;
}

}  // namespace

result<std::unique_ptr<node>> node::start(caf::actor_system& system, const topology::cluster& of,
                                          const node_id& name, node_ports ports,
                                          node_options options) {
  const auto* self = of.find(name);
  if (!self) return ec::not_found;
  auto room = make_ballast(ports.storage, options.ballast_bytes_max);
  const auto incarnation = next_incarnation(ports.storage);
  if (!incarnation) {
    log::error("node.incarnation_not_written", {{"reason", to_string(incarnation.error())}});
    return incarnation.error();
  }
  auto links = std::make_shared<links::node_links>(system, link_options_of(of, name, *incarnation),
                                                   ports.wires, ports.identity, *ports.random,
                                                   *ports.counts);
  auto loss = make_loss(of, ports);
  auto made = std::make_unique<running_node>(
      node_context{system, of, *self, std::move(ports), std::move(options), *incarnation,
                   std::move(links), std::move(room), std::move(loss)});
  if (auto done = made->start(); !done) return done.error();
  return std::unique_ptr<node>(std::move(made));
}

}  // namespace dunlin::assembly
