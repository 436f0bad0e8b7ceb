#include "apps/assembly/node_parts.hpp"
#include "apps/assembly/seed.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/storage/sqlite_store.hpp"

#include <algorithm>

namespace dunlin::assembly {

namespace {

// Pages that all partitions of a node keep in memory, once they hold as much: a page that is not
// there is read from the file for every row that it holds.
constexpr std::uint64_t cache_bytes_of_node = 16u << 20;

sqlite_options store_options(std::uint32_t partitions) {
  sqlite_options options;
  const auto share = cache_bytes_of_node / (partitions + 1);
  options.cache_bytes = std::clamp<std::uint64_t>(share, 1u << 20, 8u << 20);
  return options;
}

result<std::shared_ptr<kv_store>> open_state(disk& storage, partition_id id,
                                             const sqlite_options& config) {
  const auto folder = "partitions/" + std::to_string(id);
  if (auto done = storage.make_folder(folder); !done) return done.error();
  auto opened = sqlite_store::open(storage, folder + "/state.sqlite", config);
  if (!opened) {
    log::error("partition.state_not_opened",
               {{"file", folder + "/state.sqlite"}, {"reason", to_string(opened.error())}});
    return opened.error();
  }
  return std::shared_ptr<kv_store>(std::move(*opened));
}

result<std::shared_ptr<wal::log>> open_log(const node_context& of) {
  wal::options options;
  options.segment_bytes = of.cluster.options.wal_segment_bytes;
  options.bytes_max = of.cluster.options.wal_bytes_max;
  options.reserve_bytes = disk_reserve(of.ports.storage);
  auto opened = wal::log::open(of.ports.storage, "wal", options);
  if (!opened) {
    log::error("log.not_opened", {{"folder", "wal"}, {"reason", to_string(opened.error())}});
    return opened.error();
  }
  return std::shared_ptr<wal::log>(std::move(*opened));
}

result<partition_replica_actor> start_replica(const node_context& of,
                                              const leader_listener& leader_known,
                                              const log_writer_actor& writer, wal::log& log,
                                              partition_id id) {
  auto store = open_state(of.ports.storage, id, store_options(of.cluster.options.partitions));
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
  options.recovered = log.take_recovered(id);
  options.writer = writer;
  options.peer = [links = of.links, id](const node_id& peer) {
    return links->at<partition_actor>(peer, "partition", id);
  };
  options.leader_known = [leader_known, id](const node_id& leader, std::uint64_t term) {
    leader_known(id, leader, term);
  };
  // A recycled log never fills by itself; the store beside it does.
  options.has_room = [room = of.room] { return room->has_room(); };
  options.entry_bytes_max = std::min(options.entry_bytes_max, log.entry_bytes_max());
  const auto& tuning = of.options.tuning;
  if (tuning.entry_bytes_max > 0)
    options.entry_bytes_max = std::min(options.entry_bytes_max, tuning.entry_bytes_max);
  if (tuning.commit_entries_max > 0) options.commit_entries_max = tuning.commit_entries_max;
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

result<void> start_database(const node_context& of, const leader_listener& leader_known,
                            database_part& made) {
  auto log = open_log(of);
  if (!log) return log.error();
  made.writer = of.options.own_threads ? of.system.spawn<caf::detached>(log_writer, *log)
                                       : of.system.spawn(log_writer, *log);
  for (partition_id id = 0; id <= of.cluster.options.partitions; ++id) {
    const auto members = of.cluster.partition_nodes(id);
    if (std::find(members.begin(), members.end(), of.self.name) == members.end()) continue;
    auto replica = start_replica(of, leader_known, made.writer, **log, id);
    if (!replica) return replica.error();
    of.links->serve("partition", id, partition_actor(*replica));
    made.replicas.emplace(id, std::move(*replica));
  }
  (*log)->release_recovered();
  return {};
}

}  // namespace dunlin::assembly
