// dunlin-replay FILE --clients c1,c2 …: runs these nodes of the topology in this process, replays a
// trace on their near caches, and prints the figures as one line of JSON (docs/replay.md). The
// other nodes have to run. Without FILE only the models are reckoned. For tools/bench.

#include "apps/assembly/process_ports.hpp"
#include "apps/replay/report.hpp"
#include "apps/replay/virtual_run.hpp"
#include "messages/services.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/scheduling/frugal_scheduler.hpp"
#include "runtime/sockets/io_threads.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>

using namespace dunlin;
using namespace dunlin::replay;

namespace {

struct wishes {
  std::string file;
  std::vector<node_id> clients;
  std::size_t nodes = 8;  ///< without a file
  std::string trace_file, shape = "orm";
  std::size_t rows = 0;
  std::uint64_t seed = 1;
  std::size_t lookups = 4;
  double speed = 1, uncounted = 0.1;
  bool audit = false;
  std::uint64_t virtual_seed = 0;  ///< 0: real nodes
};

std::optional<trace> get_trace(const wishes& from) {
  if (from.trace_file.empty()) {
    auto shape = from.shape == "disk" ? disk_shape() : orm_shape();
    if (from.rows > 0) shape.rows = from.rows;
    return generate_trace(shape, from.seed);
  }
  auto read = read_trace_file(from.trace_file, from.rows);
  if (const auto* wrong = std::get_if<trace_mistake>(&read)) {
    fmt::print(stderr, "{}:{}: {}\n", from.trace_file, wrong->line, wrong->text);
    return {};
  }
  return std::get<trace>(std::move(read));
}

/// One node of this process.
struct running {
  assembly::process_ports ports;
  std::unique_ptr<assembly::node> node;
  client parts;
};

bool start(caf::actor_system& system, const topology::cluster& cluster, const node_id& name,
           std::uint16_t number, const std::shared_ptr<recorder>& records,
           const std::shared_ptr<sockets::io_threads>& threads, running& made) {
  const auto* self = cluster.find(name);
  if (!self) {
    fmt::print(stderr, "{}: no such node in the file\n", name);
    return false;
  }
  auto ports = assembly::open_process_ports(cluster, *self, threads);
  if (!ports) return false;
  made.ports = std::move(*ports);
  made.ports.s3.reset();  // nobody comes
  assembly::node_options options;
  options.ballast_bytes_max = 0;
  options.opened_router = [&made](const partition_router_actor& router) {
    made.parts.router = router;
  };
  options.opened_cache = [&made](std::uint64_t service, const std::string& type,
                                 const near_cache_actor& cache) {
    if (service == services::s3 || service == services::all) made.parts.caches.emplace(type, cache);
  };
  options.heard = [records, number, &system](const std::string& type, const std::string& key,
                                             std::uint64_t tick) {
    const auto now = system.clock().now().time_since_epoch();
    records->heard(std::chrono::duration_cast<ledger::time>(now), number, type, key, tick);
  };
  auto started =
      assembly::node::start(system, cluster, name, made.ports.ports(), std::move(options));
  if (!started) return false;
  made.node = std::move(*started);
  return true;
}

[[noreturn]] void play(const topology::cluster& cluster, const wishes& from,
                       const std::shared_ptr<const plan>& what) {
  caf::actor_system_config config;
  scheduling::use_frugal_scheduler(config, std::max(2u, std::thread::hardware_concurrency()));
  caf::actor_system system{config};
  const auto records = std::make_shared<recorder>(*what);
  std::vector<running> nodes(from.clients.size());
  // One for the sockets of all: two dozen threads would take turns on a few cores.
  const auto threads = std::make_shared<sockets::io_threads>(1);
  driver_options options;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!start(system, cluster, from.clients[i], static_cast<std::uint16_t>(i), records, threads,
               nodes[i]))
      std::_Exit(1);
    options.clients.push_back(nodes[i].parts);
    options.managers.push_back(nodes[i].node->manager());
  }
  for (const auto& name : cluster.nodes_with(topology::role::queue))
    options.managers.push_back(nodes.front().node->manager_of(name));
  options.what = what;
  options.records = records;
  options.audit = from.audit;
  std::promise<run_figures> done;
  auto waiting = done.get_future();
  options.done = [&done](run_figures made) { done.set_value(std::move(made)); };
  // A thread of its own: among the actors of all nodes a step that is due would wait for its turn.
  system.spawn<caf::detached>(driver, std::move(options));
  const auto made = waiting.get();
  fmt::print("{}\n", render(*what, &made));
  if (!made.gave_up.empty()) fmt::print(stderr, "given up: {}\n", made.gave_up);
  std::fflush(stdout);
  std::_Exit(made.gave_up.empty() ? 0 : 1);  // nothing here is worth an orderly end
}

int play_virtually(const wishes& from, const std::shared_ptr<const plan>& what) {
  std::ifstream file(from.file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto made = replay_virtually(from.virtual_seed, text, what, from.audit);
  fmt::print("{}\n", render(*what, &made.figures));
  for (const auto& line : made.error_lines)
    fmt::print(stderr, "{}\n", line);
  return made.figures.gave_up.empty() && made.error_lines.empty() ? 0 : 1;
}

int run(const wishes& from) {
  std::optional<topology::cluster> cluster;
  if (!from.file.empty()) {
    const auto read = topology::read_file(from.file);
    for (const auto& mistake : read.mistakes)
      fmt::print(stderr, "{}\n", mistake.render());
    if (!read.read) return 2;
    cluster = *read.read;
  }
  const auto rows = get_trace(from);
  if (!rows) return 2;
  plan_options options;
  options.nodes = !cluster                 ? from.nodes
                  : from.virtual_seed != 0 ? cluster->nodes_with(topology::role::access).size()
                                           : from.clients.size();
  options.four_lookups = from.lookups == 4;
  options.speed = from.speed;
  options.uncounted = from.uncounted;
  const auto what = std::make_shared<const plan>(make_plan(*rows, options));
  if (!cluster) {
    fmt::print("{}\n", render(*what, nullptr));
    return 0;
  }
  if (from.virtual_seed != 0) return play_virtually(from, what);
  play(*cluster, from, what);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Replays a trace on near caches of a Dunlin cluster and prints the figures."};
  wishes from;
  app.add_option("FILE", from.file, "topology file; without it only the models are reckoned");
  app.add_option("--clients", from.clients,
                 "nodes of the file to run here, one for each node of the plan")
      ->delimiter(',');
  app.add_option("--nodes", from.nodes, "nodes of the plan, without a file")
      ->check(CLI::PositiveNumber);
  app.add_option("--trace", from.trace_file, "trace file; without it one is generated");
  app.add_option("--shape", from.shape, "of a generated one: orm or disk")
      ->check(CLI::IsMember({"orm", "disk"}));
  app.add_option("--rows", from.rows, "so many rows of it");
  app.add_option("--seed", from.seed, "of a generated one");
  app.add_option("--lookups", from.lookups, "of a row: 1 or 4")->check(CLI::IsMember({1, 4}));
  app.add_option("--speed", from.speed, "times faster than the trace")->check(CLI::PositiveNumber);
  app.add_option("--uncounted", from.uncounted, "share of the time that comes before the counting")
      ->check(CLI::Range(0.0, 0.99));
  app.add_option(
      "--virtual", from.virtual_seed,
      "all nodes of the file on virtual time here, from this seed; the clients are those "
      "with access");
  app.add_flag("--audit", from.audit, "compare what is held in the end with the leaders");
  CLI11_PARSE(app, argc, argv);
  if (!from.file.empty() && from.clients.empty() && from.virtual_seed == 0) {
    fmt::print(stderr, "--clients: which nodes of the file?\n");
    return 2;
  }
  log::set_level(log::level::error);
  return run(from);
}
