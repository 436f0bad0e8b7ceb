#include "apps/assembly/node_parts.hpp"
#include "messages/cache_types.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/storage/sqlite_store.hpp"

namespace dunlin::assembly {

namespace {

result<shared_store> open_pages(const node_context& of) {
  auto& storage = of.ports.storage;
  if (auto done = storage.make_folder("pages"); !done) return done.error();
  auto index = sqlite_store::open(storage, "pages/index.sqlite");
  if (!index) {
    log::error("storage.index_not_opened",
               {{"file", "pages/index.sqlite"}, {"reason", to_string(index.error())}});
    return index.error();
  }
  extents::extent_options options;
  if (of.options.tuning.extent_bytes_max > 0)
    options.extent_bytes_max = of.options.tuning.extent_bytes_max;
  auto opened = extents::extent_store::open(storage, std::move(*index), *of.ports.clock,
                                            *of.ports.random, options);
  if (!opened) {
    log::error("storage.extents_not_opened", {{"reason", to_string(opened.error())}});
    return opened.error();
  }
  return shared_store(std::move(*opened));
}

}  // namespace

std::function<storage_node_actor(const node_id&)> node_context::storage_at() const {
  return [links = links](const node_id& node) {
    return links->at<storage_node_actor>(node, "storage_node");
  };
}

std::function<std::map<node_id, std::uint64_t>()> node_context::connected_peers() const {
  return [links = links] {
    std::map<node_id, std::uint64_t> connected;
    for (const auto& peer : links->peers())
      if (peer.connected) connected[peer.node] = peer.incarnation;
    return connected;
  };
}

result<void> start_storage(const node_context& of, const links::page_link_service& link,
                           const map_source& map, storage_part& made) {
  auto store = open_pages(of);
  if (!store) return store.error();
  if (of.options.opened_pages) of.options.opened_pages(*store);
  storage_service_options options;
  options.detached = of.options.own_threads;
  options.repair.self = of.self.name;
  options.repair.storage_at = of.storage_at();
  options.repair.peers = of.connected_peers();
  made.service =
      spawn_storage_service(of.system, std::move(options),
                            {*store, link, map, of.ports.random.get(), of.ports.clock.get()});
  caf::anon_send(link, links::serve_locally{made.service.node});
  of.links->serve("storage_node", 0, storage_node_actor(made.service.node));

  collector_options collecting;
  collecting.self = of.self.name;
  collecting.map = map;
  collecting.storage = made.service.node;
  collecting.storage_at = of.storage_at();
  collecting.clock = of.ports.clock.get();
  collecting.random = of.ports.random.get();
  const auto& tuning = of.options.tuning;
  if (tuning.collect_interval.count() > 0) collecting.interval = tuning.collect_interval;
  // A record that a cache serves may have been replaced for as long as that.
  collecting.grace += of.cluster.options.caches.find(cached::object)->second.staleness_max;
  if (tuning.garbage_grace.count() > 0) collecting.grace = tuning.garbage_grace;
  if (tuning.sweep_interval.count() > 0) collecting.sweep_interval = tuning.sweep_interval;
  if (tuning.orphan_age.count() > 0) collecting.orphan_age = tuning.orphan_age;
  made.collectors = spawn_collectors(of.system, collecting);
  return {};
}

result<links::page_server_actor> start_bulk(const node_context& of, const storage_part& storage,
                                            const database_part& database) {
  page_transfers_actor pages;
  if (storage.service.node) pages = storage.service.node;
  auto server = of.system.spawn(links::page_server, pages, links::page_server_options{});
  if (database.keeper) caf::anon_send(server, links::serve_snapshots{database.keeper});
  if (auto done = links::serve_pages(of.ports.bulk, server); !done) {
    log::error("node.bulk_not_listening",
               {{"address", of.self.bulk.text()}, {"reason", to_string(done.error())}});
    caf::anon_send_exit(server, caf::exit_reason::kill);
    return done.error();
  }
  return server;
}

}  // namespace dunlin::assembly
