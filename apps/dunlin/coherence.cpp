#include "apps/dunlin/coherence_view.hpp"
#include "apps/dunlin/load.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace dunlin::commands {

using namespace std::chrono_literals;

static int coherence(const std::string& file, bool as_json) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto token = load_token(*cluster, file);
  if (!token) return failed;
  const auto answers = ask_coherence(*cluster, *token, 3s);
  std::cout << (as_json ? coherence_json(*cluster, answers) + "\n"
                        : coherence_text(*cluster, answers));
  const auto nobody = std::none_of(answers.begin(), answers.end(),
                                   [](const auto& one) { return one.status.has_value(); });
  return nobody ? failed : done;
}

void add_coherence(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "coherence", "Show near caches, message queues and what keeps caches right.");
  auto file = file_argument(*command);
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "print one JSON object");
  command->callback([&chosen, file, as_json] {
    chosen = [file, as_json] { return coherence(*file, *as_json); };
  });
}

}  // namespace dunlin::commands
