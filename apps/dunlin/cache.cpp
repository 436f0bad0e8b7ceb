#include "apps/dunlin/cache_view.hpp"
#include "apps/dunlin/load.hpp"
#include "messages/services.hpp"
#include "runtime/topology/cache_change.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <vector>

namespace dunlin::commands {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

struct cache_words {
  std::shared_ptr<std::string> file, node;
  std::shared_ptr<std::string> service = std::make_shared<std::string>();
  std::shared_ptr<std::string> type = std::make_shared<std::string>();
  std::shared_ptr<std::vector<std::string>> set = std::make_shared<std::vector<std::string>>();
};

int called_wrongly_as(const std::string& sentence) {
  complain(sentence);
  return called_wrongly;
}

/// Who is asked, and with which token; none: the reason was told, `outcome` is the exit code.
struct target {
  std::optional<topology::cluster> all, asked;
  std::string token;
  int outcome = done;
};

target find_target(const cache_words& words) {
  target made;
  made.outcome = called_wrongly;
  made.all = load(*words.file);
  if (made.all) made.asked = narrowed(*made.all, *words.node);
  if (!made.asked) return made;
  const auto token = load_token(*made.all, *words.file);
  made.outcome = token ? done : failed;
  if (token) made.token = *token;
  return made;
}

int tell(const target& to, const json::object& wish, const std::string& done_text) {
  const auto answers = ask_for_change(*to.asked, to.token, 6s, json::serialize(wish));
  std::cout << changes_text(*to.asked, answers, done_text);
  return all_changed(answers) ? done : failed;
}

/// False: there is no such service, and that was told.
bool add_service(const std::string& name, json::object& wish) {
  if (name.empty()) return true;
  const auto service = services::find(name);
  if (service) wish["service"] = *service;
  if (!service)
    complain(fmt::format("no service '{}'; one of: s3, management, background, all (shared caches)",
                         name));
  return service.has_value();
}

int set(const cache_words& words) {
  std::map<std::string, std::string> values;
  for (const auto& word : *words.set) {
    const auto equals = word.find('=');
    if (equals == word.npos || equals == 0)
      return called_wrongly_as(fmt::format("'{}' is not KEY=VALUE", word));
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  const auto to = find_target(words);
  if (to.outcome != done) return to.outcome;
  const auto read = topology::read_cache_change(*to.all, *words.type, values);
  for (const auto& one : read.mistakes)
    complain(one.mend.empty() ? one.text : one.text + "; " + one.mend);
  json::object wish{{"type", *words.type}, {"set", json::object{}}};
  if (!read.read || !add_service(*words.service, wish)) return called_wrongly;
  for (const auto& [key, value] : values)
    wish["set"].as_object()[key] = value;
  const auto outcome = tell(to, wish, fmt::format("set: {}", fmt::join(*words.set, " ")));
  std::cout << fmt::format("until a node starts again: then [cache.{}] of {} rules\n", *words.type,
                           *words.file);
  return outcome;
}

int drop(const cache_words& words) {
  const auto to = find_target(words);
  if (to.outcome != done) return to.outcome;
  json::object wish{{"drop", true}};
  if (*words.type != "all") {
    if (!to.all->options.caches.contains(*words.type))
      return called_wrongly_as(fmt::format("'{}' is no type of near caches", *words.type));
    wish["type"] = *words.type;
  }
  if (!add_service(*words.service, wish)) return called_wrongly;
  return tell(to, wish, "dropped: the next look asks the leader");
}

int show(const cache_words& words) {
  const auto to = find_target(words);
  if (to.outcome != done) return to.outcome;
  const auto answers = ask_coherence(*to.asked, to.token, 3s);
  std::cout << parameters_text(*to.asked, answers);
  const auto nobody = std::none_of(answers.begin(), answers.end(),
                                   [](const auto& one) { return one.status.has_value(); });
  return nobody ? failed : done;
}

cache_words words_of(CLI::App& command, bool with_type) {
  cache_words words;
  words.file = file_argument(command);
  words.node = node_option(command);
  if (!with_type) return words;
  command.add_option("TYPE", *words.type, "user, bucket, policy, object or cluster_map")
      ->required();
  command.add_option("--service", *words.service,
                     "only of this service: s3, management, background; all of them otherwise");
  return words;
}

}  // namespace

void add_cache(CLI::App& app, action& chosen) {
  auto* cache = app.add_subcommand("cache", "Show, set and drop near caches while nodes run.");
  cache->require_subcommand(1);
  auto* setting = cache->add_subcommand(
      "set", "Set parameters of a type, as in [cache.TYPE] of the file, until nodes start again.");
  const auto to_set = words_of(*setting, true);
  setting
      ->add_option("KEY=VALUE", *to_set.set,
                   "mode, staleness_max, time_to_live, items_max, bytes_max, values, "
                   "invalidation_interval")
      ->required();
  setting->callback([&chosen, to_set] { chosen = [to_set] { return set(to_set); }; });
  auto* dropping =
      cache->add_subcommand("drop", "Drop what is held of a type, or of all types (TYPE all).");
  const auto to_drop = words_of(*dropping, true);
  dropping->callback([&chosen, to_drop] { chosen = [to_drop] { return drop(to_drop); }; });
  auto* showing = cache->add_subcommand("show", "Show how near caches are set.");
  const auto to_show = words_of(*showing, false);
  showing->callback([&chosen, to_show] { chosen = [to_show] { return show(to_show); }; });
}

}  // namespace dunlin::commands
