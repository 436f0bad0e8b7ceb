#include "apps/dunlin/coherence_view.hpp"

#include "messages/services.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <algorithm>

namespace dunlin::commands {

namespace json = boost::json;

namespace {

using assembly::sum_of;

/// "87%"; "-" of nothing.
std::string percent(std::uint64_t part, std::uint64_t of) {
  return of == 0 ? "-" : fmt::format("{}%", part * 100 / of);
}

/// "40.2 ms"
std::string show_us(std::uint64_t us) {
  return us < 10'000 ? fmt::format("{:.2f} ms", static_cast<double>(us) / 1000)
                     : fmt::format("{:.0f} ms", static_cast<double>(us) / 1000);
}

/// A line for each near cache that `tells` says something of, under a head.
template <class Tells>
std::string each_cache(const std::vector<coherence_answer>& answers, const std::string& head,
                       Tells tells) {
  std::string text;
  for (const auto& answer : answers)
    if (answer.status)
      for (const auto& one : answer.status->caches)
        if (const auto said = tells(one); !said.empty())
          text += fmt::format("{:<12} {:<11} {:<12} {}\n", answer.status->name,
                              services::name_of(one.service), one.type, said);
  return text.empty() ? text : head + text;
}

std::string caches_of(const std::vector<coherence_answer>& answers) {
  constexpr auto row = "{:<10} {:>8} {:>10} {:>10} {:>6} {:>10} {:>10}";
  const auto head =
      fmt::format("{:<12} {:<11} {:<12} {}\n", "caches on", "service", "type",
                  fmt::format(row, "mode", "items", "bytes", "lookups", "hits", "asked", "died"));
  std::size_t idle = 0;
  auto text = each_cache(answers, head, [&](const assembly::cache_coherence& one) -> std::string {
    const auto lookups = sum_of(one.count, "lookups_total");
    if (lookups == 0 && ++idle > 0) return {};
    return fmt::format(
        row, one.mode, sum_of(one.count, "items"), sum_of(one.count, "bytes"), lookups,
        percent(sum_of(one.count, "hits_total"), lookups),
        sum_of(one.count, "fetches_total") + sum_of(one.count, "confirmations_total"),
        sum_of(one.count, "deaths_total"));
  });
  if (text.empty()) text = head;
  if (idle > 0) text += fmt::format("({} near caches without a look-up are not shown)\n", idle);
  return text;
}

std::string deaths_of(const std::vector<coherence_answer>& answers) {
  const auto head =
      fmt::format("\n{:<12} {:<11} {:<12} {}\n", "entries of", "service", "type", "died of");
  return each_cache(answers, head, [](const assembly::cache_coherence& one) {
    std::vector<std::string> causes;
    if (const auto found = one.count.find("deaths_total"); found != one.count.end())
      for (const auto& [cause, times] : found->second)
        if (times > 0) causes.push_back(fmt::format("{} {}", cause, times));
    return fmt::format("{}", fmt::join(causes, ", "));
  });
}

/// What the sampler found: percentiles and the greatest are of what was, or may have been, stale.
std::string staleness_of(const std::vector<coherence_answer>& answers) {
  constexpr auto row = "{:>9} {:>8} {:>7} {:>7} {:>10} {:>10} {:>10}  {}";
  const auto head = fmt::format("\n{:<12} {:<11} {:<12} {}\n", "sampled on", "service", "type",
                                fmt::format(row, "bound", "samples", "stale", "unsure", "p50",
                                            "p99", "max", "beyond the bound"));
  return each_cache(answers, head, [&](const assembly::cache_coherence& one) -> std::string {
    const auto get = [&](const char* name) { return sum_of(one.count, name); };
    if (get("samples_total") + get("samples_unanswered_total") == 0) return {};
    const auto exceeded = get("bound_exceeded_total");
    return fmt::format(row, fmt::format("{} ms", get("staleness_max_ms")), get("samples_total"),
                       get("stale_total"), get("stale_unsure_total"),
                       show_us(get("staleness_p50_us")), show_us(get("staleness_p99_us")),
                       show_us(get("staleness_max_us")),
                       exceeded == 0 ? "0" : fmt::format("{}: SEE THE LOG", exceeded));
  });
}

std::string subscribers_of(const std::vector<coherence_answer>& answers) {
  constexpr auto row = "{:<12} {:<11} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}  {}\n";
  auto text = "\n" + fmt::format(row, "heard on", "service", "batches", "gaps", "replays", "missed",
                                 "holes", "drops", "subscribed with");
  for (const auto& answer : answers)
    if (answer.status)
      for (const auto& one : answer.status->subscribers)
        text += fmt::format(
            row, answer.status->name, services::name_of(one.service),
            sum_of(one.count, "batches_total"), sum_of(one.count, "gaps_total"),
            sum_of(one.count, "replays_total"), sum_of(one.count, "missed_total"),
            sum_of(one.count, "holes"), sum_of(one.count, "drops_total"),
            one.subscribed.empty() ? "nobody" : fmt::format("{}", fmt::join(one.subscribed, ", ")));
  return text;
}

std::string queues_of(const std::vector<coherence_answer>& answers) {
  constexpr auto row = "{:<12} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>11}\n";
  auto text = "\n" + fmt::format(row, "queues on", "rows", "updates", "flushes", "messages",
                                 "resends", "missed", "subscribers");
  for (const auto& answer : answers) {
    if (!answer.status || !answer.status->queue) continue;
    const auto& queue = *answer.status->queue;
    text += fmt::format(row, answer.status->name, sum_of(queue.count, "rows_total"),
                        sum_of(queue.count, "updates_total"), sum_of(queue.count, "batches_total"),
                        sum_of(queue.count, "frames_total"), sum_of(queue.count, "resends_total"),
                        sum_of(queue.count, "missed_total"), queue.backlogs.size());
    for (const auto& one : queue.backlogs)
      if (one.rows > 0)
        text += fmt::format("{:<12} {} rows behind: service {} on {}, silent for {} ms\n", "",
                            one.rows, services::name_of(one.service), one.node, one.silent_ms);
  }
  return text;
}

std::uint64_t greatest_of(const assembly::figures& all, const char* name) {
  std::uint64_t greatest = 0;
  if (const auto found = all.find(name); found != all.end())
    for (const auto& [label, value] : found->second)
      greatest = std::max(greatest, value);
  return greatest;
}

std::string announcers_of(const std::vector<coherence_answer>& answers) {
  constexpr auto row = "{:<12} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>10}  {}\n";
  auto text = "\n" + fmt::format(row, "leaders on", "announced", "messages", "again", "failed",
                                 "refused", "changes", "waiting", "oldest", "in outboxes");
  for (const auto& answer : answers) {
    if (!answer.status || answer.status->announcer.empty()) continue;
    const auto& all = answer.status->announcer;
    text += fmt::format(row, answer.status->name, sum_of(all, "announced_total"),
                        sum_of(all, "messages_total"), sum_of(all, "rows_sent_again_total"),
                        sum_of(all, "failed_total"), sum_of(all, "refused_total"),
                        sum_of(all, "queue_changes_total"), sum_of(all, "rows_waiting"),
                        fmt::format("{} ms", greatest_of(all, "oldest_wait_ms")),
                        sum_of(all, "outbox_rows"));
  }
  return text;
}

std::string messages_a_write(const std::vector<coherence_answer>& answers) {
  std::uint64_t messages = 0, writes = 0;
  for (const auto& answer : answers) {
    if (!answer.status) continue;
    if (answer.status->queue) messages += sum_of(answer.status->queue->count, "frames_total");
    writes += sum_of(answer.status->announcer, "announced_total");
  }
  return writes == 0
             ? std::string()
             : fmt::format("\nmessages to caches a write: {:.2f} ({} of {} announced changes)\n",
                           static_cast<double>(messages) / static_cast<double>(writes), messages,
                           writes);
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
  auto text =
      caches_of(answers) + deaths_of(answers) + staleness_of(answers) + subscribers_of(answers);
  if (of.nodes_with(topology::role::queue).empty())
    text += "\nno node has role queue: caches ask the leaders each time\n";
  else
    text += queues_of(answers) + announcers_of(answers) + messages_a_write(answers);
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i)
    if (!answers[i].status)
      text += fmt::format("\n{} does not answer: {}\n", of.nodes[i].name, answers[i].error);
  return text;
}

}  // namespace dunlin::commands
