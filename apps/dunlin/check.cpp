#include "apps/dunlin/load.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>

namespace dunlin::commands {

static int check(const std::string& file) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto& to = cluster->options;
  std::cout << fmt::format(
      "{}: cluster '{}', {} {}, root + {} partitions x {}, {} replica sets x {}, write quorum {}\n",
      file, to.name, cluster->nodes.size(), cluster->nodes.size() == 1 ? "node" : "nodes",
      to.partitions, to.partition_replicas, to.replica_sets, to.object_replicas, to.write_quorum);
  return done;
}

void add_check(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "check", "Tell all mistakes of a topology file, each with its place and mend.");
  auto file = file_argument(*command);
  command->callback([&chosen, file] { chosen = [file] { return check(*file); }; });
}

}  // namespace dunlin::commands
