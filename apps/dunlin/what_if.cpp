#include "apps/balance_model/what_if.hpp"
#include "apps/dunlin/commands.hpp"
#include "apps/dunlin/load.hpp"
#include "runtime/topology/balance_change.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <map>

namespace dunlin::commands {

namespace {

struct what_if_wish {
  std::vector<std::string> files;
  std::vector<std::string> thresholds;
  bool as_json = false;
};

int ask_what_if(const what_if_wish& wish) {
  std::map<std::string, std::string> words;
  for (const auto& word : wish.thresholds) {
    const auto equals = word.find('=');
    if (equals == word.npos || equals == 0) {
      complain("'" + word + "' is no threshold: write for example rebalance.trigger=1.08");
      return called_wrongly;
    }
    words[word.substr(0, equals)] = word.substr(equals + 1);
  }
  const auto outcome = balance_model::what_if(wish.files, topology::balance_text(words));
  for (const auto& warning : outcome.warnings)
    complain(warning);
  if (!outcome.report) {
    complain(outcome.error);
    return failed;
  }
  std::cout << (wish.as_json ? balance_model::what_if_json(*outcome.report) + "\n"
                             : balance_model::what_if_text(*outcome.report))
            << std::flush;
  return outcome.report->check.mismatches == 0 ? done : failed;
}

}  // namespace

void add_what_if(CLI::App& balance, action& chosen) {
  auto* command = balance.add_subcommand(
      "what-if",
      "Place the clients that access nodes recorded once more, by other thresholds: accepts, "
      "refusals, attempts, moves and use beside those recorded. Fails if a recorded decision does "
      "not follow from its inputs.");
  auto wish = std::make_shared<what_if_wish>();
  command
      ->add_option("--recorded", wish->files,
                   "balance.records of the nodes' folders (and balance.records.1)")
      ->required();
  command->add_option("--thresholds", wish->thresholds,
                      "keys of [balance] with their values, as of dunlin admin balance set");
  command->add_flag("--json", wish->as_json, "print one JSON object");
  command->callback([&chosen, wish] { chosen = [wish] { return ask_what_if(*wish); }; });
}

}  // namespace dunlin::commands
