// dunlin-check HISTORY…: judges what S3 clients saw (history.hpp). Prints one JSON object; exit
// code 0 passed, 1 the cluster broke a promise, 2 called wrongly or no history.

#include "apps/check/verdict.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>

using namespace dunlin::check;

static bool read(const std::string& path, std::vector<operation>& into) {
  std::ifstream file(path);
  if (!file) {
    std::cerr << path << ": cannot be read\n";
    return false;
  }
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    auto one = parse_operation(line);
    if (!one) {
      std::cerr << path << ":" << number << ": no operation\n";
      return false;
    }
    into.push_back(std::move(*one));
  }
  return true;
}

int main(int argc, char** argv) {
  CLI::App app{"Judges histories of S3 operations: lost, wrong, stale, unexplained."};
  std::vector<std::string> files;
  judge_options options;
  app.add_option("HISTORY", files, "files with one JSON object a line")->required();
  app.add_option("--states", options.states_max, "bound of the search, per key");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::vector<operation> history;
  for (const auto& file : files)
    if (!read(file, history)) return 2;
  const auto said = judge(history, options);
  std::cout << to_json(said) << "\n";
  return said.passed() ? 0 : 1;
}
