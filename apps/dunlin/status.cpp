#include "apps/assembly/cluster_files.hpp"
#include "apps/dunlin/cluster_view.hpp"
#include "apps/dunlin/load.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>

namespace dunlin::commands {

using namespace std::chrono_literals;

static int status(const std::string& file, bool as_json) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto token = assembly::read_token(*cluster);
  const auto path = assembly::token_file(*cluster);
  if (!token && token.error() == ec::not_found)
    return complain(
        fmt::format("{} is not there: the cluster was never up; run: dunlin up {}", path, file));
  if (!token)
    return complain(
        fmt::format("cannot read the admin token {}: {}", path, to_string(token.error())));
  const auto view = view_of(*cluster, ask_nodes(*cluster, *token, 3s));
  std::cout << (as_json ? to_json(view) + "\n" : to_text(view));
  return view.health == verdict::down ? failed : done;
}

void add_status(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("status",
                                     "Show nodes, partitions and health. Exit code 1 if the "
                                     "cluster is down; degraded still serves.");
  auto file = file_argument(*command);
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "print one JSON object");
  command->callback(
      [&chosen, file, as_json] { chosen = [file, as_json] { return status(*file, *as_json); }; });
}

}  // namespace dunlin::commands
