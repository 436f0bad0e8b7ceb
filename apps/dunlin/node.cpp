#include "apps/dunlin/load.hpp"
#include "runtime/topology/spelling.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace dunlin::commands {

static int node(const std::string& file, const node_id& name, const node_runner& run) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  if (!cluster->find(name)) {
    std::vector<std::string> names;
    for (const auto& known : cluster->nodes)
      names.push_back(known.name);
    complain(fmt::format("{} has no node '{}'; {}", file, name, topology::suggest(name, names)));
    return called_wrongly;
  }
  return run(*cluster, name);
}

void add_node(CLI::App& app, action& chosen, node_runner run) {
  auto* command = app.add_subcommand("node",
                                     "Run one node in the foreground, for clusters over many "
                                     "machines. SIGTERM drains and ends it.");
  auto file = file_argument(*command);
  auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "name of the node in FILE")->required();
  command->callback([&chosen, file, name, run = std::move(run)] {
    chosen = [file, name, run] { return node(*file, *name, run); };
  });
}

}  // namespace dunlin::commands
