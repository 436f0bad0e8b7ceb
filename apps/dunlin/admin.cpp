// dunlin admin balance: settings of balancing, changed while the cluster runs (B13).
#include "apps/dunlin/balance_view.hpp"
#include "apps/dunlin/load.hpp"
#include "runtime/monotonic.hpp"
#include "runtime/topology/balance_change.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <iostream>
#include <map>
#include <thread>

namespace dunlin::commands {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto effect_time = 8s;  // to be in use on every node

struct admin_words {
  std::shared_ptr<std::string> file;
  std::shared_ptr<std::vector<std::string>> set = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<bool> as_json = std::make_shared<bool>(false);
  std::shared_ptr<std::int64_t> expected = std::make_shared<std::int64_t>(-1);
};

struct target {
  topology::cluster cluster;
  std::string token;
};

/// None: why was told, and `outcome` is the exit code.
std::optional<target> find_target(const admin_words& words, int& outcome) {
  outcome = called_wrongly;
  auto cluster = load(*words.file);
  if (!cluster) return {};
  outcome = failed;
  auto token = load_token(*cluster, *words.file);
  if (!token) return {};
  return target{std::move(*cluster), std::move(*token)};
}

/// The newest of what the nodes know; none: no node that places connections answers.
std::optional<assembly::balance_settings_status> newest(
    const std::vector<balance_answer>& answers) {
  std::optional<assembly::balance_settings_status> found;
  for (const auto& answer : answers)
    if (answer.status && answer.status->settings &&
        (!found || answer.status->settings->version > found->version))
      found = answer.status->settings;
  return found;
}

int nobody(const std::vector<balance_answer>& answers) {
  for (const auto& answer : answers)
    if (answer.status)
      return complain("no node here places connections: none has role balancer, or a leg address");
  return complain(answers.empty() ? "the cluster has no nodes" : answers.front().error);
}

json::object report(const target& to, const std::vector<balance_answer>& answers,
                    std::uint64_t version, const std::string& changes) {
  return {{"version", version},
          {"changes", changes},
          {"in_use_everywhere", all_use(answers, version)},
          {"balance", json::parse(balance_json(to.cluster, answers))}};
}

int show(const admin_words& words) {
  int outcome = done;
  const auto to = find_target(words, outcome);
  if (!to) return outcome;
  const auto answers = ask_balance(to->cluster, to->token, 3s);
  const auto settings = newest(answers);
  if (!settings) return nobody(answers);
  if (*words.as_json) {
    auto told = report(*to, answers, settings->version, settings->changes);
    told["in_use"] = settings->in_use;
    std::cout << json::serialize(told) << "\n";
    return done;
  }
  std::cout << fmt::format("# version {}{}\n{}", settings->version,
                           settings->version == 0 ? ": as the file says" : "", settings->in_use);
  if (!settings->changes.empty())
    std::cout << fmt::format("\n# of these, set over [balance] of the file:\n{}\n",
                             settings->changes);
  std::cout << "\n" << versions_text(to->cluster, answers);
  return done;
}

/// Through the first node that can be reached; the others hear of it from the root partition.
balance_change_answer tell_one(const target& to, const std::string& body) {
  balance_change_answer last;
  for (const auto& node : to.cluster.nodes) {
    last = change_balance(node, to.token, 15s, body);
    if (last.status || last.error.empty()) return last;
    // A node that answered has said no; one that did not may be down.
    const auto unheard = last.error == to_string(ec::unavailable) ||
                         last.error == to_string(ec::timed_out) ||
                         last.error == to_string(ec::closed);
    if (!unheard) return last;
  }
  return last;
}

int change(const admin_words& words, json::object wish) {
  int outcome = done;
  const auto to = find_target(words, outcome);
  if (!to) return outcome;
  if (*words.expected >= 0) wish["expected_version"] = *words.expected;
  const auto told = tell_one(*to, json::serialize(wish));
  if (!told.status) return complain(told.error);
  const auto version = told.status->version;
  const auto deadline = monotonic_now() + effect_time;
  auto answers = ask_balance(to->cluster, to->token, 3s);
  while (!all_use(answers, version) && monotonic_now() < deadline) {
    std::this_thread::sleep_for(250ms);
    answers = ask_balance(to->cluster, to->token, 3s);
  }
  if (*words.as_json)
    std::cout << json::serialize(report(*to, answers, version, told.status->changes)) << "\n";
  else
    std::cout << fmt::format("version {} is set{}\n", version,
                             all_use(answers, version) ? " and in use on every node that answers"
                                                       : "; not every node uses it yet")
              << versions_text(to->cluster, answers);
  return all_use(answers, version) ? done : failed;
}

int set(const admin_words& words) {
  json::object values;
  for (const auto& word : *words.set) {
    const auto equals = word.find('=');
    if (equals == word.npos || equals == 0) {
      complain(fmt::format("'{}' is not KEY=VALUE", word));
      return called_wrongly;
    }
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return change(words, {{"set", std::move(values)}});
}

admin_words words_of(CLI::App& command) {
  admin_words words;
  words.file = file_argument(command);
  command.add_flag("--json", *words.as_json, "print one JSON object");
  return words;
}

void expect_version(CLI::App& command, const admin_words& words) {
  command.add_option("--expected-version", *words.expected,
                     "refuse if the settings have another version than this, as `show` tells it");
}

}  // namespace

void add_admin(CLI::App& app, action& chosen) {
  auto* admin = app.add_subcommand("admin", "Change what a running cluster works with.");
  admin->require_subcommand(1);
  auto* balance = admin->add_subcommand(
      "balance",
      "Settings of balancing (docs/topology.md, [balance]), for all nodes, kept by the cluster.");
  balance->require_subcommand(1);
  auto* showing = balance->add_subcommand("show", "Show the settings in use, and their version.");
  const auto to_show = words_of(*showing);
  showing->callback([&chosen, to_show] { chosen = [to_show] { return show(to_show); }; });
  auto* setting = balance->add_subcommand(
      "set", "Set keys as in [balance], for example rebalance.trigger=1.1; shows who uses them.");
  const auto to_set = words_of(*setting);
  setting->add_option("KEY=VALUE", *to_set.set, "what to set")->required();
  expect_version(*setting, to_set);
  setting->callback([&chosen, to_set] { chosen = [to_set] { return set(to_set); }; });
  auto* resetting =
      balance->add_subcommand("reset", "Forget what was set: [balance] of the file rules again.");
  const auto to_reset = words_of(*resetting);
  expect_version(*resetting, to_reset);
  resetting->callback([&chosen, to_reset] {
    chosen = [to_reset] { return change(to_reset, {{"reset", true}}); };
  });
}

}  // namespace dunlin::commands
