#include "apps/dunlin/balance_view.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>

namespace dunlin::commands {

namespace json = boost::json;

namespace {

/// What the access nodes say of the fleet, each from its own peer table: the middle one.
double fleet_level(const std::vector<balance_answer>& answers) {
  std::vector<double> said;
  for (const auto& answer : answers)
    if (answer.status && answer.status->admission)
      said.push_back(answer.status->admission->fleet_level());
  if (said.empty()) return 0;
  const auto middle = said.begin() + static_cast<std::ptrdiff_t>(said.size() / 2);
  std::nth_element(said.begin(), middle, said.end());
  return *middle;
}

bool more_needed(const std::vector<balance_answer>& answers) {
  return std::any_of(answers.begin(), answers.end(), [](const auto& answer) {
    return answer.status && answer.status->balancer &&
           answer.status->balancer->more_access_nodes_needed();
  });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : " ") + word;
  return text.empty() ? "-" : text;
}

std::string limits_of(const v1::AdmissionStatus& said) {
  std::vector<std::string> words;
  for (const auto limit : said.limits())
    words.push_back(fmt::format("{:.2f}", limit));
  return joined(words);
}

/// "1:40/2 2:2/0": of each attempt, how many were accepted and refused.
std::string verdicts_of(const v1::AdmissionStatus& said) {
  std::vector<std::string> words;
  for (const auto& one : said.attempts())
    words.push_back(fmt::format("{}:{}/{}", one.attempt(), one.accepted(), one.refused()));
  return joined(words);
}

std::string attempts_of(const v1::BalancerStatus& said) {
  std::vector<std::string> words;
  for (int i = 0; i < said.attempts_size(); ++i)
    if (said.attempts(i) > 0) words.push_back(fmt::format("{}:{}", i + 1, said.attempts(i)));
  return joined(words);
}

std::string state_of(const v1::AdmissionStatus& said) {
  if (said.draining()) return "draining";
  return said.own().willing() ? "willing" : "full";
}

constexpr auto access_row =
    "{:<12} {:>6} {:>8} {:<9} {:>6} {:>8} {:>8} {:>6} {:>6} {:>6} {:>6} {:>8} {:>4}  {}\n";

std::string line_of(const node_id& name, const v1::AdmissionStatus& said) {
  return fmt::format(access_row, name, fmt::format("{:.3f}", said.own().level()),
                     fmt::format("{:.2f}", said.own().capacity()), state_of(said),
                     said.own().connections(), said.accepted(), said.refused(), said.last_resorts(),
                     said.moved_here(), said.moved_away(), said.declined(), said.strangers(),
                     said.balance_version(), limits_of(said));
}

constexpr auto balancer_row = "{:<12} {:>6} {:>9} {:>7} {:>6} {:>8} {:>8} {:>7} {:>4}  {}\n";

std::string line_of(const node_id& name, const v1::BalancerStatus& said) {
  return fmt::format(balancer_row, name, said.lines(), said.connects(), said.failed(), said.moves(),
                     said.moves_refused(), said.replays(), said.resets(), said.balance_version(),
                     attempts_of(said));
}

std::string access_text(const std::vector<balance_answer>& answers) {
  auto text = fmt::format(access_row, "access node", "level", "capacity", "state", "conns",
                          "accepts", "refusals", "last r.", "in", "out", "stays", "strange", "ver",
                          "limits by attempt");
  std::string attempts;
  for (const auto& answer : answers) {
    if (!answer.status || !answer.status->admission) continue;
    const auto& said = *answer.status->admission;
    text += line_of(answer.status->name, said);
    attempts += fmt::format("{:<12} {}\n", answer.status->name, verdicts_of(said));
  }
  return attempts.empty()
             ? "no access node takes connections from balancers\n"
             : text + "\n" + fmt::format("{:<12} {}\n", "access node", "attempt:accepts/refusals") +
                   attempts;
}

std::string balancers_text(const std::vector<balance_answer>& answers) {
  auto text = fmt::format(balancer_row, "balancer", "lines", "connects", "failed", "moves",
                          "refused", "replays", "resets", "ver", "connects by attempts");
  auto some = false;
  for (const auto& answer : answers)
    if (answer.status && answer.status->balancer) {
      text += line_of(answer.status->name, *answer.status->balancer);
      some = true;
    }
  return some ? text : "no balancer answers\n";
}

}  // namespace

std::string balance_json(const topology::cluster& of, const std::vector<balance_answer>& answers) {
  json::array nodes, access, balancers;
  for (std::size_t i = 0; i < of.nodes.size() && i < answers.size(); ++i) {
    if (!answers[i].status) {
      nodes.push_back(json::object{{"name", of.nodes[i].name}, {"error", answers[i].error}});
      continue;
    }
    nodes.push_back(json::parse(assembly::to_json(*answers[i].status)));
    if (answers[i].status->admission) access.push_back(json::string(of.nodes[i].name));
    if (answers[i].status->balancer) balancers.push_back(json::string(of.nodes[i].name));
  }
  return json::serialize(json::object{{"cluster", of.options.name},
                                      {"fleet_level", fleet_level(answers)},
                                      {"more_access_nodes_needed", more_needed(answers)},
                                      {"access_nodes", std::move(access)},
                                      {"balancers", std::move(balancers)},
                                      {"nodes", std::move(nodes)}});
}

std::string balance_text(const topology::cluster& of, const std::vector<balance_answer>& answers) {
  auto text =
      fmt::format("cluster {}: fleet level {:.3f}{}\n\n", of.options.name, fleet_level(answers),
                  more_needed(answers) ? "; MORE ACCESS NODES NEEDED: too many clients were "
                                         "taken by nobody in the last five minutes"
                                       : "");
  text += access_text(answers) + "\n" + balancers_text(answers);
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i) {
    const auto& answer = answers[i];
    if (!answer.status)
      text += fmt::format("{} does not answer: {}\n", of.nodes[i].name, answer.error);
    else if (answer.status->settings && !answer.status->settings->mistakes.empty())
      text += fmt::format("{} cannot use version {} of the settings: {}\n", of.nodes[i].name,
                          answer.status->settings->known, answer.status->settings->mistakes);
  }
  return text;
}

std::string versions_text(const topology::cluster& of, const std::vector<balance_answer>& answers) {
  std::string text;
  for (std::size_t i = 0; i < answers.size() && i < of.nodes.size(); ++i) {
    const auto& answer = answers[i];
    if (!answer.status) {
      text += fmt::format("{:<12} does not answer: {}\n", of.nodes[i].name, answer.error);
      continue;
    }
    const auto& settings = answer.status->settings;
    if (!settings) continue;
    text += fmt::format("{:<12} version {}", of.nodes[i].name, settings->version);
    if (const auto& own = answer.status->admission)
      text += fmt::format(", level {:.3f} of a fleet at {:.3f}, may meet {}", own->own().level(),
                          own->fleet_level(), limits_of(*own));
    if (!settings->mistakes.empty())
      text += fmt::format("; cannot use version {}: {}", settings->known, settings->mistakes);
    text += "\n";
  }
  return text;
}

bool all_use(const std::vector<balance_answer>& answers, std::uint64_t version) {
  return std::all_of(answers.begin(), answers.end(), [&](const auto& answer) {
    if (!answer.status || !answer.status->settings) return true;
    const auto& status = *answer.status;
    return status.settings->version >= version &&
           (!status.admission || status.admission->balance_version() >= version) &&
           (!status.balancer || status.balancer->balance_version() >= version);
  });
}

}  // namespace dunlin::commands
