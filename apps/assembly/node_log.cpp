#include "apps/assembly/node_parts.hpp"
#include "runtime/observe/log.hpp"

namespace dunlin::assembly {

namespace {

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

/// What a queue left that this node is no longer: it would hold the log for ever.
result<void> forget_spool(wal::log& log) {
  const auto left = log.take_recovered(queue::spool_group);
  if (left.entries.empty()) return {};
  return log.compact(queue::spool_group, left.entries.back().index, queue::spool_term);
}

}  // namespace

result<void> start_log(const node_context& of, log_part& made) {
  const auto queue = of.self.roles.contains(topology::role::queue);
  if (!queue && !of.self.roles.contains(topology::role::database)) return {};
  auto log = open_log(of);
  if (!log) return log.error();
  if (queue) {
    auto spool =
        queue::open_spool(**log, queue_limits(of), of.incarnation, of.ports.clock->now_ms());
    if (!spool) return spool.error();
    made.spool = std::move(*spool);
  } else if (auto done = forget_spool(**log); !done) {
    return done.error();
  }
  made.log = std::move(*log);
  made.writer = of.options.own_threads ? of.system.spawn<caf::detached>(log_writer, made.log)
                                       : of.system.spawn(log_writer, made.log);
  return {};
}

}  // namespace dunlin::assembly
