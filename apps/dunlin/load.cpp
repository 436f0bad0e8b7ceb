#include "apps/dunlin/load.hpp"

#include "apps/assembly/cluster_files.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>

namespace dunlin::commands {

std::shared_ptr<std::string> file_argument(CLI::App& subcommand) {
  auto file = std::make_shared<std::string>();
  subcommand.add_option("FILE", *file, "topology file of the cluster")->required();
  return file;
}

std::optional<topology::cluster> load(const std::string& file) {
  auto outcome = topology::read_file(file);
  for (const auto& mistake : outcome.mistakes)
    std::cerr << mistake.render() << "\n";
  if (!outcome.read) {
    const auto count = outcome.mistakes.size();
    std::cerr << fmt::format("dunlin: {} {} in {}\n", count, count == 1 ? "mistake" : "mistakes",
                             file);
    return {};
  }
  outcome.read->file = std::filesystem::absolute(file).lexically_normal().string();
  return std::move(outcome.read);
}

std::shared_ptr<std::string> node_option(CLI::App& subcommand) {
  auto name = std::make_shared<std::string>();
  subcommand.add_option("--node", *name, "only this node; all of them otherwise");
  return name;
}

std::optional<topology::cluster> narrowed(topology::cluster of, const std::string& name) {
  if (name.empty()) return of;
  const auto* found = of.find(name);
  if (!found) {
    complain(fmt::format("no node '{}' in {}", name, of.file));
    return {};
  }
  of.nodes = {topology::node(*found)};
  return of;
}

std::optional<std::string> load_token(const topology::cluster& of, const std::string& file) {
  auto token = assembly::read_token(of);
  if (token) return std::move(*token);
  const auto path = assembly::token_file(of);
  complain(
      token.error() == ec::not_found
          ? fmt::format("{} is not there: the cluster was never up; run: dunlin up {}", path, file)
          : fmt::format("cannot read the admin token {}: {}", path, to_string(token.error())));
  return {};
}

int complain(std::string_view sentence) {
  std::cerr << "dunlin: " << sentence << "\n";
  return failed;
}

}  // namespace dunlin::commands
