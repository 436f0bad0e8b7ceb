#include "apps/dunlin/coherence_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

namespace dunlin::commands {

namespace json = boost::json;

namespace {

using assembly::sum_of;

/// "87%"; "-" of nothing.
std::string percent(std::uint64_t part, std::uint64_t of) {
  return of == 0 ? "-" : fmt::format("{}%", part * 100 / of);
}

std::string caches_of(const std::vector<coherence_answer>& answers) {
  auto text = fmt::format("{:<12} {:>7} {:<12} {:<10} {:>8} {:>10} {:>10} {:>6} {:>10} {:>10}\n",
                          "caches on", "service", "type", "mode", "items", "bytes", "lookups",
                          "hits", "asked", "dropped");
  for (const auto& answer : answers)
    if (answer.status)
      for (const auto& one : answer.status->caches) {
        const auto lookups = sum_of(one.count, "lookups_total");
        text += fmt::format(
            "{:<12} {:>7} {:<12} {:<10} {:>8} {:>10} {:>10} {:>6} {:>10} {:>10}\n",
            answer.status->name, one.service, one.type, one.mode, sum_of(one.count, "items"),
            sum_of(one.count, "bytes"), lookups, percent(sum_of(one.count, "hits_total"), lookups),
            sum_of(one.count, "fetches_total") + sum_of(one.count, "confirmations_total"),
            sum_of(one.count, "deaths_total"));
      }
  return text;
}

std::string subscribers_of(const std::vector<coherence_answer>& answers) {
  auto text = fmt::format("\n{:<12} {:>7} {:>10} {:>8} {:>8} {:>8}  {}\n", "heard on", "service",
                          "batches", "gaps", "holes", "drops", "subscribed with");
  for (const auto& answer : answers)
    if (answer.status)
      for (const auto& one : answer.status->subscribers)
        text += fmt::format(
            "{:<12} {:>7} {:>10} {:>8} {:>8} {:>8}  {}\n", answer.status->name, one.service,
            sum_of(one.count, "batches_total"), sum_of(one.count, "gaps_total"),
            sum_of(one.count, "holes"), sum_of(one.count, "drops_total"),
            one.subscribed.empty() ? "nobody" : fmt::format("{}", fmt::join(one.subscribed, ", ")));
  return text;
}

std::string queues_of(const std::vector<coherence_answer>& answers) {
  auto text = fmt::format("\n{:<12} {:>10} {:>10} {:>10} {:>8} {:>8} {:>11}\n", "queues on", "rows",
                          "updates", "batches", "resends", "missed", "subscribers");
  for (const auto& answer : answers) {
    if (!answer.status || !answer.status->queue) continue;
    const auto& queue = *answer.status->queue;
    text += fmt::format("{:<12} {:>10} {:>10} {:>10} {:>8} {:>8} {:>11}\n", answer.status->name,
                        sum_of(queue.count, "rows_total"), sum_of(queue.count, "updates_total"),
                        sum_of(queue.count, "batches_total"), sum_of(queue.count, "resends_total"),
                        sum_of(queue.count, "missed_total"), queue.backlogs.size());
    for (const auto& one : queue.backlogs)
      if (one.rows > 0)
        text += fmt::format("{:<12} {} rows behind: service {} on {}, silent for {} ms\n", "",
                            one.rows, one.service, one.node, one.silent_ms);
  }
  return text;
}

}  // namespace

std::string coherence_json(const topology::cluster& of,
                           const std::vector<coherence_answer>& answers) {
  json::array nodes;
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i) {
    if (answers[i].status)
      nodes.push_back(json::parse(assembly::to_json(*answers[i].status)));
    else
      nodes.push_back(json::object{{"name", of.nodes[i].name}, {"error", answers[i].error}});
  }
  return json::serialize(json::object{{"cluster", of.options.name}, {"nodes", std::move(nodes)}});
}

std::string coherence_text(const topology::cluster& of,
                           const std::vector<coherence_answer>& answers) {
  auto text = caches_of(answers) + subscribers_of(answers);
  if (of.nodes_with(topology::role::queue).empty())
    text += "\nno node has role queue: caches ask the leaders each time\n";
  else
    text += queues_of(answers);
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i)
    if (!answers[i].status)
      text += fmt::format("\n{} does not answer: {}\n", of.nodes[i].name, answers[i].error);
  return text;
}

}  // namespace dunlin::commands
