#include "apps/assembly/cluster_files.hpp"
#include "apps/dunlin/apply_plan.hpp"
#include "apps/dunlin/load.hpp"
#include "runtime/crypto/random.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>

namespace dunlin::commands {

using namespace std::chrono_literals;

namespace {

/// The certificate of a node is made before the others let it in.
bool make_bundles(const topology::cluster& of) {
  crypto::system_random random;
  const auto outcome = assembly::init_cluster(of, random);
  for (const auto& path : outcome.made)
    std::cout << "made " << path << "\n";
  if (!outcome.error.empty()) complain(outcome.error);
  return outcome.error.empty();
}

/// To every node that answers; false: one has said no, and that was told.
bool tell_all(const topology::cluster& of, const std::string& token, const topology::node& node) {
  auto fine = true;
  const auto answers = ask_topology(of, token, 6s, &node);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto silent = answers[i].error == to_string(ec::unavailable);
    if (answers[i].status || silent) continue;
    fine = false;
    complain(
        fmt::format("{} does not let {} join: {}", of.nodes[i].name, node.name, answers[i].error));
  }
  return fine;
}

int apply(const std::string& file, bool only_show) {
  const auto cluster = load(file);
  if (!cluster) return called_wrongly;
  const auto token = load_token(*cluster, file);
  if (!token) return failed;
  const auto plan = plan_of(*cluster, ask_topology(*cluster, *token, 3s));
  if (plan.nobody)
    return complain(fmt::format("no node of the cluster answers; start it: dunlin up {}", file));
  std::cout << to_text(*cluster, plan);
  if (!plan.refused.empty())
    return complain(
        "nothing was applied: only nodes with no other roles than access and balancer "
        "join a cluster that runs");
  if (plan.joining.empty() || only_show) return done;
  if (!make_bundles(*cluster)) return failed;
  auto fine = true;
  for (const auto* node : plan.joining)
    fine = tell_all(*cluster, *token, *node) && fine;
  if (!fine) return failed;
  std::cout << fmt::format(
      "{} let in; start what does not run yet: dunlin up {}, or dunlin node {} NAME\n",
      plan.joining.size() == 1 ? "1 node is" : fmt::format("{} nodes are", plan.joining.size()),
      file, file);
  return done;
}

}  // namespace

void add_apply(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "apply",
      "Show what FILE says that the running cluster does not work with, and let new nodes with "
      "roles access and balancer join it. Nothing is restarted.");
  auto file = file_argument(*command);
  auto only_show = std::make_shared<bool>(false);
  command->add_flag("--plan", *only_show, "only show it");
  command->callback([&chosen, file, only_show] {
    chosen = [file, only_show] { return commands::apply(*file, *only_show); };
  });
}

}  // namespace dunlin::commands
