#include "apps/dunlin/coherence_view.hpp"
#include "apps/dunlin/load.hpp"
#include "apps/dunlin/watch.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace dunlin::commands {

using namespace std::chrono_literals;

struct coherence_wish {
  std::string file;
  bool as_json = false;
  bool watch = false;
};

/// One look at all nodes, printed; whether anybody answered.
static bool show(const topology::cluster& of, const std::string& token, bool as_json) {
  const auto answers = ask_coherence(of, token, 3s);
  std::cout << (as_json ? coherence_json(of, answers) + "\n" : coherence_text(of, answers))
            << std::flush;
  return std::any_of(answers.begin(), answers.end(),
                     [](const auto& one) { return one.status.has_value(); });
}

static int coherence(const coherence_wish& wish) {
  const auto cluster = load(wish.file);
  if (!cluster) return called_wrongly;
  const auto token = load_token(*cluster, wish.file);
  if (!token) return failed;
  if (wish.watch) return watch(wish.as_json, [&] { show(*cluster, *token, wish.as_json); });
  return show(*cluster, *token, wish.as_json) ? done : failed;
}

void add_coherence(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("coherence",
                                     "Show near caches, how stale what they served was, message "
                                     "queues and what keeps caches right.");
  auto file = file_argument(*command);
  auto wish = std::make_shared<coherence_wish>();
  command->add_flag("--json", wish->as_json, "print one JSON object");
  command->add_flag("--watch", wish->watch, "again every 2 s, in place on a terminal");
  command->callback([&chosen, file, wish] {
    chosen = [file, wish] {
      wish->file = *file;
      return coherence(*wish);
    };
  });
}

}  // namespace dunlin::commands
