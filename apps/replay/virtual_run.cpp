#include "apps/replay/virtual_run.hpp"

#include "apps/testkit/virtual_cluster.hpp"

#include <optional>

namespace dunlin::replay {

/// Trials have logs so small that a minute of writes fills them.
static testkit::knobs as_in_production(const std::string& topology) {
  const topology::settings usual;
  testkit::knobs shape;
  shape.topology = topology;
  shape.wal_segment_bytes = usual.wal_segment_bytes;
  shape.wal_bytes_max = usual.wal_bytes_max;
  return shape;
}

virtual_outcome replay_virtually(std::uint64_t seed, const std::string& topology,
                                 const std::shared_ptr<const plan>& what, bool audit) {
  const auto records = std::make_shared<recorder>(*what);
  std::map<node_id, std::uint16_t> numbers;
  std::optional<run_figures> made;
  virtual_outcome out;
  out.figures.gave_up = "it did not end";
  testkit::virtual_cluster cluster{seed, as_in_production(topology)};
  cluster.start_all();
  if (!cluster.wait_until_ready(std::chrono::seconds(20))) return out;
  driver_options options;
  for (const auto& name : cluster.access_nodes()) {
    const auto parts = cluster.parts(name);
    numbers.emplace(name, static_cast<std::uint16_t>(numbers.size()));
    options.clients.push_back({parts.router, parts.caches});
  }
  DUNLIN_ASSERT(options.clients.size() == what->nodes);
  for (const auto& name : cluster.nodes())
    options.managers.push_back(cluster.parts(name).manager);
  cluster.on_heard(
      [&](const node_id& at, const std::string& type, const std::string& key, std::uint64_t tick) {
        const auto now = std::chrono::duration_cast<ledger::time>(cluster.time().now());
        if (numbers.contains(at)) records->heard(now, numbers.at(at), type, key, tick);
      });
  options.what = what;
  options.records = records;
  options.audit = audit;
  options.done = [&](run_figures figures) { made = std::move(figures); };
  cluster.time().system().spawn(driver, std::move(options));
  const auto length = what->steps.empty() ? 0 : static_cast<long>(what->steps.back().due_ms / 1000);
  cluster.time().run_until([&] { return made.has_value(); }, std::chrono::seconds(300 + length));
  if (made) out.figures = std::move(*made);
  out.history = cluster.history();
  out.error_lines = cluster.error_lines();
  return out;
}

}  // namespace dunlin::replay
