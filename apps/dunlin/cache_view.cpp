#include "apps/dunlin/cache_view.hpp"

#include "messages/cache_types.hpp"
#include "messages/services.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dunlin::commands {

namespace {

using assembly::sum_of;
using ms = std::chrono::milliseconds;

constexpr auto row = "{:<12} {:<11} {:<12} {:<11} {:>13} {:>12} {:>10} {:>10} {:>7} {:>7} {:>12}\n";

std::string marked(std::string value, bool as_in_file) { return as_in_file ? value : value + "*"; }

std::string every(ms interval) {
  return interval == ms{0} ? "never" : topology::show_duration(interval);
}

std::string yes_or_no(bool value) { return value ? "yes" : "no"; }

std::string line_of(const topology::cluster& of, const node_id& node,
                    const assembly::cache_coherence& cache) {
  const auto found = of.options.caches.find(cache.type);
  auto file = found == of.options.caches.end() ? topology::cache_settings{} : found->second;
  // Nobody tells of changes: each look is one at the leader.
  const auto queues = !of.nodes_with(topology::role::queue).empty();
  if (!queues && cache.type != cached::user) file.validated = true;
  const auto time = [&](const char* name, ms filed, auto show) {
    const ms now(sum_of(cache.count, name));
    return marked(show(now), now == filed);
  };
  const auto flag = [&](const char* name, bool filed) {
    const auto now = sum_of(cache.count, name) != 0;
    return marked(yes_or_no(now), now == filed);
  };
  const auto items = sum_of(cache.count, "items_max"), bytes = sum_of(cache.count, "bytes_max");
  return fmt::format(row, node, services::name_of(cache.service), cache.type,
                     marked(cache.mode, (cache.mode == "validated") == file.validated),
                     time("staleness_max_ms", file.staleness_max, topology::show_duration),
                     time("time_to_live_ms", file.time_to_live, topology::show_duration),
                     marked(std::to_string(items), items == file.items_max),
                     marked(topology::show_size(bytes), bytes == file.bytes_max),
                     flag("values", file.values), flag("mirror", file.mirror),
                     time("invalidation_interval_ms", file.invalidation_interval, every));
}

}  // namespace

std::string parameters_text(const topology::cluster& of,
                            const std::vector<coherence_answer>& answers) {
  auto text =
      fmt::format(row, "caches on", "service", "type", "mode", "staleness_max", "time_to_live",
                  "items_max", "bytes_max", "values", "mirror", "invalidation");
  for (const auto& answer : answers)
    if (answer.status)
      for (const auto& one : answer.status->caches)
        text += line_of(of, answer.status->name, one);
  if (text.find('*') != text.npos)
    text += "* set while the node runs; when it starts again the file rules\n";
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i)
    if (!answers[i].status)
      text += fmt::format("{} does not answer: {}\n", of.nodes[i].name, answers[i].error);
  return text;
}

std::string changes_text(const topology::cluster& of,
                         const std::vector<cache_change_answer>& answers, const std::string& done) {
  std::string text;
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i) {
    const auto& name = of.nodes[i].name;
    if (!answers[i].status) {
      text += fmt::format("{:<12} FAILED: {}\n", name, answers[i].error);
      continue;
    }
    if (answers[i].status->caches.empty())
      text += fmt::format("{:<12} has no such near cache\n", name);
    for (const auto& one : answers[i].status->caches)
      text += fmt::format("{:<12} {:<11} {:<12} {}\n", name, services::name_of(one.service),
                          one.type, one.error.empty() ? done : "FAILED: " + one.error);
  }
  return text;
}

bool all_changed(const std::vector<cache_change_answer>& answers) {
  bool some = false;
  for (const auto& answer : answers) {
    if (!answer.status) return false;
    for (const auto& one : answer.status->caches) {
      if (!one.error.empty()) return false;
      some = true;
    }
  }
  return some;
}

}  // namespace dunlin::commands
