#include "apps/assembly/node_parts.hpp"
#include "apps/assembly/seed.hpp"
#include "messages/query_type.hpp"
#include "runtime/disk/path.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/storage/sqlite_store.hpp"

#include <algorithm>

namespace dunlin::assembly {

namespace {

// Pages that all partitions of a node keep in memory, once they hold as much: a page that is not
// there is read from the file for every row that it holds.
constexpr std::uint64_t cache_bytes_of_node = 16u << 20;

sqlite_options store_options(const node_context& of) {
  sqlite_options options;
  const auto share = cache_bytes_of_node / (of.cluster.options.partitions + 1);
  options.cache_bytes = std::clamp<std::uint64_t>(share, 1u << 20, 8u << 20);
  if (const auto pages = of.options.tuning.state_log_pages; pages > 0) {
    options.log_pages_wanted = pages;
    options.log_pages_a_checkpoint = std::max(pages / 4, 1u);
    options.log_pages_max = options.log_pages_of_copy = 4 * pages;
  }
  return options;
}

std::string state_file(partition_id id) {
  return "partitions/" + std::to_string(id) + "/state.sqlite";
}

result<std::shared_ptr<kv_store>> open_state(disk& storage, partition_id id,
                                             const sqlite_options& config) {
  const auto path = state_file(id);
  if (auto done = storage.make_folder(folder_of(path)); !done) return done.error();
  auto opened = sqlite_store::open(storage, path, config);
  if (!opened) {
    log::error("partition.state_not_opened",
               {{"file", path}, {"reason", to_string(opened.error())}});
    return opened.error();
  }
  return std::shared_ptr<kv_store>(std::move(*opened));
}

/// What a database file says of itself; not one that is in use.
result<state_place> inspect(disk& storage, const std::string& path) try {
  auto opened = sqlite_store::open(storage, path);
  if (!opened) return opened.error();
  const auto state = stored_state(**opened);
  return state_place{{state.applied_term(), state.applied_index()}, state.tick()};
} catch (const store_error& error) {
  return error.code();
}

state_keeper_actor start_keeper(const node_context& of, const links::page_link_service& link) {
  auto* storage = &of.ports.storage;
  state_keeper_options options;
  options.storage = storage;
  options.bulk = link;
  options.inspect = [storage](const std::string& path) { return inspect(*storage, path); };
  options.path_of = state_file;
  options.install = [storage](partition_id id, const std::string& received) {
    return install(*storage, received, state_file(id));
  };
  options.open = [storage, config = store_options(of)](partition_id id) {
    return open_state(*storage, id, config);
  };
  options.reserve_bytes = disk_reserve(*storage);
  if (const auto bytes = of.options.tuning.snapshot_piece_bytes; bytes > 0)
    options.step_bytes = options.piece_bytes = bytes;
  return of.options.own_threads ? of.system.spawn<caf::detached>(state_keeper, std::move(options))
                                : of.system.spawn(state_keeper, std::move(options));
}

/// Of log that each partition keeps for voters that lag: together they leave the node's log room.
std::uint64_t laggard_bytes(const node_context& of) {
  const auto& tuning = of.options.tuning;
  if (tuning.laggard_bytes_max > 0) return tuning.laggard_bytes_max;
  constexpr std::uint64_t most = 32u << 20;
  const auto& cluster = of.cluster.options;
  return std::min(most, cluster.wal_bytes_max / 8 / (cluster.partitions + 1));
}

/// How often the leaders of this node are asked for what (Q24).
std::function<void(const v1::PartitionQuery&)> count_lookups(metrics& into) {
  std::map<std::string_view, counter*> counters;
  for (const auto type : query_types)
    counters[type] = &into.counter("dunlin_partition_lookups_total",
                                   "Reads that leaders of this node have answered",
                                   {{"type", std::string(type)}});
  return [counters](const v1::PartitionQuery& query) {
    if (const auto found = counters.find(type_of(query)); found != counters.end())
      found->second->add();
  };
}

result<partition_replica_actor> start_replica(const node_context& of,
                                              const leader_listener& leader_known,
                                              const log_part& log, const database_part& made,
                                              partition_id id) {
  auto store = open_state(of.ports.storage, id, store_options(of));
  if (!store) return store.error();
  if (of.options.opened_state) of.options.opened_state(id, *store);
  partition_replica_options options;
  options.id = id;
  if (id != 0) {
    const auto range = range_of(id, of.cluster.options.partitions);
    options.first_hash = range.first;
    options.last_hash = range.last;
  }
  options.self = of.self.name;
  options.voters = of.cluster.partition_nodes(id);
  options.store = *store;
  options.recovered = log.log->take_recovered(id);
  options.writer = log.writer;
  options.keeper = made.keeper;
  const auto mark = read_mark(of.ports.storage, mark_of(state_file(id)));
  if (!mark) return mark.error();
  options.installed = *mark;
  options.laggard_bytes_max = laggard_bytes(of);
  if (of.options.opened_state)
    options.store_changed = [tell = of.options.opened_state, id](auto store) { tell(id, store); };
  options.peer = [links = of.links, id](const node_id& peer) {
    return links->at<partition_actor>(peer, "partition", id);
  };
  options.leader_known = [leader_known, id](const node_id& leader, std::uint64_t term) {
    leader_known(id, leader, term);
  };
  // A recycled log never fills by itself; the store beside it does.
  options.has_room = [room = of.room] { return room->has_room(); };
  options.entry_bytes_max = std::min(options.entry_bytes_max, log.log->entry_bytes_max());
  options.announcing = announcing_of(of);
  options.looked_up = count_lookups(*of.ports.counts);
  const auto& tuning = of.options.tuning;
  if (tuning.entry_bytes_max > 0)
    options.entry_bytes_max = std::min(options.entry_bytes_max, tuning.entry_bytes_max);
  if (tuning.commit_entries_max > 0) options.commit_entries_max = tuning.commit_entries_max;
  if (tuning.client_lifetime.count() > 0) options.client_lifetime = tuning.client_lifetime;
  options.inflight_bytes_max = tuning.inflight_bytes_max;
  options.inflight_messages_max = tuning.inflight_messages_max;
  options.clock = of.ports.clock.get();
  options.random = of.ports.random.get();
  options.heartbeat = of.cluster.options.heartbeat;
  options.election = of.cluster.options.election;
  if (of.options.checkpoint_bytes > 0) options.checkpoint_bytes = of.options.checkpoint_bytes;
  if (of.options.observer)
    options.observer = [observe = of.options.observer, id](const raft::raft_core& core,
                                                           const raft::ready& work) {
      observe(id, core, work);
    };
  return of.system.spawn(partition_replica, std::move(options));
}

}  // namespace

std::uint64_t disk_reserve(disk& storage) {
  constexpr std::uint64_t most = 64u << 20;
  const auto space = storage.space();
  return space ? std::min(most, space->total_bytes / 20) : most;
}

result<void> start_database(const node_context& of, const links::page_link_service& link,
                            const leader_listener& leader_known, const log_part& log,
                            database_part& made) {
  made.keeper = start_keeper(of, link);
  for (partition_id id = 0; id <= of.cluster.options.partitions; ++id) {
    const auto members = of.cluster.partition_nodes(id);
    if (std::find(members.begin(), members.end(), of.self.name) == members.end()) continue;
    auto replica = start_replica(of, leader_known, log, made, id);
    if (!replica) return replica.error();
    of.links->serve("partition", id, partition_actor(*replica));
    made.replicas.emplace(id, std::move(*replica));
  }
  return {};
}

}  // namespace dunlin::assembly
