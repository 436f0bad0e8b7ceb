#include "apps/dunlin/load.hpp"
#include "apps/dunlin/poll.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>
#include <optional>

namespace dunlin::commands {

using namespace std::chrono_literals;

static std::string line_of(const assembly::fault_status& status) {
  return fmt::format(
      "{:<12} cache-update loss {:.4g}; lost so far: {} batches, {} acknowledgements\n",
      status.name, status.cache_update_loss, status.batches_dropped, status.acks_dropped);
}

static int faults(const std::string& file, const std::string& node, std::optional<double> loss) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto asked = narrowed(*cluster, node);
  if (!asked) return called_wrongly;
  const auto token = load_token(*cluster, file);
  if (!token) return failed;
  const auto answers = ask_faults(*asked, *token, 3s, loss);
  auto outcome = done;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].status)
      std::cout << line_of(*answers[i].status);
    else
      outcome = complain(fmt::format("{}: {}", asked->nodes[i].name, answers[i].error));
  }
  if (loss) std::cout << "until the node ends: then [faults] of the file rules\n";
  return outcome;
}

void add_faults(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "faults", "Show or set what nodes lose on purpose, to see what loss does.");
  auto file = file_argument(*command);
  auto node = node_option(*command);
  auto loss = std::make_shared<std::optional<double>>();
  command
      ->add_option("--cache-update-loss", *loss,
                   "lose this fraction of the batches from queues and of the acknowledgements to "
                   "them: 0 or more, less than 1")
      ->check([](const std::string& text) {
        char* end = nullptr;
        const auto value = std::strtod(text.c_str(), &end);
        return !text.empty() && *end == 0 && value >= 0 && value < 1
                   ? std::string()
                   : fmt::format("'{}' is no fraction: give 0 or more, and less than 1", text);
      });
  command->callback([&chosen, file, node, loss] {
    chosen = [file, node, loss] { return faults(*file, *node, *loss); };
  });
}

}  // namespace dunlin::commands
