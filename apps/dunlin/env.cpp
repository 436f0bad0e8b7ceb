#include "apps/dunlin/card.hpp"
#include "apps/dunlin/load.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>

namespace dunlin::commands {

static int env(const std::string& file) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto keys = assembly::read_credentials(*cluster);
  const auto path = assembly::credentials_file(*cluster);
  if (!keys && keys.error() == ec::not_found)
    return complain(fmt::format("{} is not there yet; run: dunlin init {}", path, file));
  if (!keys)
    return complain(fmt::format("cannot read the keys in {}: {}", path, to_string(keys.error())));
  std::cout << exports(*cluster, *keys) << "\n";
  return done;
}

void add_env(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "env",
      "Print the shell line that points S3 clients at the cluster: eval \"$(dunlin env FILE)\".");
  auto file = file_argument(*command);
  command->callback([&chosen, file] { chosen = [file] { return env(*file); }; });
}

}  // namespace dunlin::commands
