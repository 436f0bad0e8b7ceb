#include "apps/dunlin/load.hpp"

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

int complain(std::string_view sentence) {
  std::cerr << "dunlin: " << sentence << "\n";
  return failed;
}

}  // namespace dunlin::commands
