#include "apps/assembly/cluster_files.hpp"
#include "apps/dunlin/load.hpp"
#include "runtime/crypto/random.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace dunlin::commands {

static int init(const std::string& file) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  crypto::system_random random;
  const auto outcome = assembly::init_cluster(*cluster, random);
  for (const auto& path : outcome.made)
    std::cout << "made " << path << "\n";
  if (!outcome.error.empty()) return complain(outcome.error);
  if (outcome.made.empty())
    std::cout << "nothing to make: " << cluster->options.folder << " is complete\n";
  return done;
}

void add_init(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("init",
                                     "Make the cluster's CA, a TLS bundle per node, the root S3 "
                                     "keys and the admin token, where they "
                                     "are missing. `up` does it itself.");
  auto file = file_argument(*command);
  command->callback([&chosen, file] { chosen = [file] { return init(*file); }; });
}

}  // namespace dunlin::commands
