/// Storage nodes in one virtual system, on memory disks, with a bulk link and control links that a
/// test can take down, hang or bring back. For tests of storage nodes and of the coordinator.
#pragma once

#include "actors/storage_node/storage_node.hpp"
#include "messages/error.hpp"
#include "messages/page_id.hpp"
#include "messages/partition.hpp"
#include "runtime/links/pages/page_link.hpp"
#include "runtime/links/pages/page_server.hpp"
#include "tests/support/map_store.hpp"
#include "tests/support/memory_disk.hpp"
#include "tests/support/virtual_system.hpp"

#include <caf/send.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace dunlin::support {

/// Who can be reached; shared by the bulk links and the control links.
struct reachability {
  std::set<node_id> down;  ///< known to be: calls fail at once
  std::set<node_id> hung;  ///< takes everything, answers nothing
};

class memory_bulk : public links::bulk_port {
public:
  memory_bulk(std::map<node_id, handler>& handlers, reachability& reach)
      : handlers_(handlers), reach_(reach) {}
  node_id self;
  int exchanges = 0;
  std::uint64_t bytes_out = 0;
  bool garbles = false;  ///< flips a bit of every body that is read

  result<void> serve(handler requests) override {
    handlers_[self] = std::move(requests);
    return {};
  }
  void exchange(const node_id& peer, links::bulk_message request, std::chrono::milliseconds,
                std::function<void(result<links::bulk_message>)> done) override {
    ++exchanges;
    if (request.body) bytes_out += request.body->size();
    if (reach_.hung.contains(peer)) return;
    if (reach_.down.contains(peer) || !handlers_.contains(peer)) return done(ec::peer_lost);
    handlers_.at(peer)(self, std::move(request), [this, peer, done](links::bulk_message reply) {
      if (reach_.hung.contains(peer)) return;
      if (reach_.down.contains(peer)) return done(ec::peer_lost);
      if (garbles && reply.body && !reply.body->empty()) {
        auto odd = *reply.body;
        odd[0] = static_cast<char>(odd[0] ^ 1);
        reply.body = std::make_shared<const std::string>(std::move(odd));
      }
      done(std::move(reply));
    });
  }
  void stop() override {}

private:
  std::map<node_id, handler>& handlers_;
  reachability& reach_;
};

class storage_cluster {
public:
  struct member {
    testing::memory_disk disk;
    std::shared_ptr<testing::map_tables> rows = std::make_shared<testing::map_tables>();
    shared_store store;
    std::unique_ptr<memory_bulk> bulk;
    links::page_link_service link;
    storage_service service;
    links::page_server_actor server;
    storage_node_actor gate;
    std::uint64_t incarnation = 1;
  };

  virtual_system world;
  reachability reach;
  testing::set_clock clock;
  testing::counted_random random;
  std::map<node_id, std::unique_ptr<member>> members;
  v1::ClusterMap map;
  partition_router_actor router;

  explicit storage_cluster(const std::vector<node_id>& names, std::uint32_t sets = 1) {
    map.set_epoch(1);
    map.set_object_replicas(3);
    map.set_write_quorum(2);
    for (std::uint32_t id = 0; id < sets; ++id) {
      auto& set = *map.add_replica_sets();
      set.set_id(id);
      for (const auto& name : names)
        set.add_nodes(name);
    }
    router = spawn_router();
    for (const auto& name : names)
      add(name);
    world.run();
  }

  ~storage_cluster() {
    for (auto& [name, one] : members) {
      one->service.stop();
      for (const auto& handle :
           {caf::actor_cast<caf::actor>(one->link), caf::actor_cast<caf::actor>(one->server),
            caf::actor_cast<caf::actor>(one->gate)})
        caf::anon_send_exit(handle, caf::exit_reason::kill);
    }
    caf::anon_send_exit(router, caf::exit_reason::kill);
    world.run();
  }

  member& at(const node_id& name) { return *members.at(name); }

  storage_node_lookup lookup() {
    return [this](const node_id& name) {
      const auto found = members.find(name);
      return found == members.end() ? storage_node_actor() : found->second->gate;
    };
  }

  connected_peers peers_of(const node_id& self) {
    return [this, self] {
      std::map<node_id, std::uint64_t> connected;
      for (const auto& [name, one] : members)
        if (name != self && !reach.down.contains(name) && !reach.down.contains(self))
          connected[name] = one->incarnation;
      return connected;
    };
  }

  /// A page written behind the actors' backs.
  void put(const node_id& name, const std::string& page, const std::string& bytes,
           std::uint32_t set = 0) {
    auto& store = *at(name).store;
    DUNLIN_ASSERT(store.append(
        {page, set, {"bucket", "key", ""}, std::make_shared<const std::string>(bytes)}));
    DUNLIN_ASSERT(store.sync());
  }

  std::string get(const node_id& name, const std::string& page) {
    const auto range = at(name).store->read(page, 0, 0);
    return range ? *range->bytes : "error: " + std::string(to_string(range.error()));
  }

  /// Flips the last bit of the newest extent of a node.
  void damage_last_page(const node_id& name) {
    auto& bytes = at(name).disk.files().rbegin()->second->now;
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
  }

private:
  partition_router_actor spawn_router() {
    return world.system.spawn(
        [this](partition_router_actor::pointer) -> partition_router_actor::behavior_type {
          return {
              [](const v1::RoutedCommand&) -> caf::result<v1::CommandReply> {
                return make_error(ec::unsupported);
              },
              [](const v1::RoutedQuery&) -> caf::result<v1::QueryReply> {
                return make_error(ec::unsupported);
              },
              [this](const v1::GetMap&) { return map; },
          };
        });
  }

  void add(const node_id& name) {
    auto& one = *members.emplace(name, std::make_unique<member>()).first->second;
    auto opened = extents::extent_store::open(
        one.disk, std::make_unique<testing::map_store>(one.rows), clock, random);
    DUNLIN_ASSERT(opened);
    one.store = std::move(*opened);
    one.bulk = std::make_unique<memory_bulk>(handlers_, reach);
    one.bulk->self = name;
    one.link = world.system.spawn(links::page_link, name, one.bulk.get());
    storage_service_options options;
    options.detached = false;
    options.repair.self = name;
    options.repair.storage_at = lookup();
    options.repair.peers = peers_of(name);
    one.service = spawn_storage_service(world.system, options,
                                        {one.store, one.link, {router}, &random, &clock});
    one.server = world.system.spawn(links::page_server, page_transfers_actor(one.service.node),
                                    links::page_server_options{});
    DUNLIN_ASSERT(links::serve_pages(*one.bulk, one.server));
    caf::anon_send(one.link, links::serve_locally{one.service.node});
    one.gate = spawn_gate(name, one.service.node);
  }

  /// The control link to a node, as its peers see it.
  storage_node_actor spawn_gate(const node_id& name, const storage_node_service& node) {
    return world.system.spawn(
        [this, name, node](storage_node_actor::pointer self) -> storage_node_actor::behavior_type {
          return {
              [=, this](const v1::OpenTransfer& x) {
                return pass<v1::Ticket>(self, name, node, x);
              },
              [=, this](const v1::FreePages& x) {
                return pass<v1::FreePagesReply>(self, name, node, x);
              },
              [=, this](const v1::ListPages& x) {
                return pass<v1::ListPagesReply>(self, name, node, x);
              },
              [=, this](const v1::RepairPages& x) {
                return pass<v1::RepairPagesReply>(self, name, node, x);
              },
              [=, this](const v1::GetStorageStatus& x) {
                return pass<v1::StorageStatus>(self, name, node, x);
              },
          };
        });
  }

  template <class Reply, class Request>
  caf::result<Reply> pass(storage_node_actor::pointer self, const node_id& name,
                          const storage_node_service& node, const Request& request) {
    if (reach.down.contains(name)) return make_error(ec::unavailable, name);
    auto promise = self->make_response_promise<Reply>();
    if (reach.hung.contains(name)) {
      held_.push_back(promise);
      return promise;
    }
    self->request(node, std::chrono::seconds(30), request)
        .then([promise](const Reply& reply) mutable { promise.deliver(reply); },
              [promise](const caf::error& error) mutable { promise.deliver(error); });
    return promise;
  }

  std::map<node_id, links::bulk_port::handler> handlers_;
  std::vector<caf::response_promise> held_;
};

/// Runs one request to its end on virtual time.
template <class Reply, class Handle, class Request>
result<Reply> ask(virtual_system& world, const Handle& handle, Request request,
                  std::chrono::milliseconds within = std::chrono::seconds(30)) {
  auto outcome = std::make_shared<std::optional<result<Reply>>>();
  world.system.spawn([=](caf::event_based_actor* self) {
    self->request(handle, within, request)
        .then([=](const Reply& reply) { *outcome = reply; },
              [=](const caf::error& error) { *outcome = code_of(error); });
  });
  world.run();
  for (auto spent = std::chrono::milliseconds(0); !*outcome && spent < within + within;
       spent += std::chrono::milliseconds(10))
    world.advance(std::chrono::milliseconds(10));
  DUNLIN_ASSERT(outcome->has_value());
  return **outcome;
}

}  // namespace dunlin::support
