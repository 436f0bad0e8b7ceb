#include "apps/dunlin/balance_view.hpp"
#include "apps/dunlin/load.hpp"
#include "apps/dunlin/watch.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace dunlin::commands {

using namespace std::chrono_literals;

namespace {

struct balance_wish {
  std::string file;
  bool as_json = false;
  bool again = false;
};

/// One look at all nodes, printed; whether anybody answered.
bool show(const topology::cluster& of, const std::string& token, bool as_json) {
  const auto answers = ask_balance(of, token, 3s);
  std::cout << (as_json ? balance_json(of, answers) + "\n" : balance_text(of, answers))
            << std::flush;
  return std::any_of(answers.begin(), answers.end(),
                     [](const auto& one) { return one.status.has_value(); });
}

int balance(const balance_wish& wish) {
  if (wish.file.empty()) {
    complain("name the topology file: dunlin balance FILE");
    return called_wrongly;
  }
  const auto cluster = load(wish.file);
  if (!cluster) return called_wrongly;
  const auto token = load_token(*cluster, wish.file);
  if (!token) return failed;
  if (wish.again) return watch(wish.as_json, [&] { show(*cluster, *token, wish.as_json); });
  return show(*cluster, *token, wish.as_json) ? done : failed;
}

}  // namespace

void add_balance(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "balance",
      "Show how connections are placed: the load of access nodes, what each attempt may meet, "
      "connections, accepts and refusals, moves; and the balancers.");
  auto wish = std::make_shared<balance_wish>();
  command->add_option("FILE", wish->file, "topology file of the cluster");
  command->add_flag("--json", wish->as_json, "print one JSON object");
  command->add_flag("--watch", wish->again, "again every 2 s, in place on a terminal");
  command->callback([&chosen, wish, command] {
    if (command->get_subcommands().empty()) chosen = [wish] { return balance(*wish); };
  });
  add_what_if(*command, chosen);
}

}  // namespace dunlin::commands
