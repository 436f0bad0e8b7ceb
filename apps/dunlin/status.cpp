#include "apps/dunlin/cluster_view.hpp"
#include "apps/dunlin/load.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace dunlin::commands {

using namespace std::chrono_literals;

static int status(const std::string& file, bool as_json) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto token = load_token(*cluster, file);
  if (!token) return failed;
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
