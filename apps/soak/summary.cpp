#include "apps/soak/summary.hpp"

#include "apps/soak/report_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace dunlin::soak {

namespace {

std::string section(const std::string& title, const std::vector<std::string>& lines) {
  std::string text = title + ":\n";
  for (const auto& line : lines)
    text += "  " + line + "\n";
  return text;
}

/// Of a trial, from the places of the balancer's and the admission's cores.
const std::map<std::string, std::string> balance_figures{
    {"connections placed", "balancer.placed"},
    {"moves", "balancer.moved"},
    {"moves declined", "balancer.move_declined"},
    {"moves refused", "balancer.move_refused"},
    {"moves timed out", "balancer.move_timed_out"},
    {"plain closes", "admission.closes_plainly"},
    {"replays", "balancer.replayed"},
    {"clients cut off", "balancer.client_cut_off"},
    {"clients kept as nothing was open", "balancer.rested"},
    {"clients refused", "balancer.client_refused"}};

std::string counts_text(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
  return text;
}

}  // namespace

void summary::add(const seed_outcome& outcome) {
  const auto& report = outcome.report;
  const auto passed = report.failures.empty();
  seeds_.push_back({report.seed, report.history, report.operations, outcome.cpu_seconds, passed});
  if (!passed) failed_.push_back(report);
  virtual_seconds_ += report.virtual_seconds;
  cpu_seconds_ += outcome.cpu_seconds;
  operations_ += report.operations;
  histories_ += report.histories;
  undecided_ += report.undecided;
  for (const auto& [name, count] : report.faults)
    faults_[name] += count;
  for (const auto& [name, count] : report.reached)
    reached_[name] += count;
  const auto balancers = report.knobs.find("balancers");
  if (balancers == report.knobs.end() || balancers->second == "none") return;
  ++balanced_.seeds;
  for (const auto& [name, place] : balance_figures) {
    const auto found = report.reached.find(place);
    balanced_.counts[name] += found == report.reached.end() ? 0 : found->second;
  }
  const auto moved = report.reached.find("balancer.moved");
  if (moved == report.reached.end() || moved->second == 0) ++balanced_.unmoved;
}

std::string summary::balance_text() const {
  if (balanced_.seeds == 0) return {};
  std::string each;
  for (const auto& [name, count] : balanced_.counts)
    each += fmt::format("{}{} {:.2f}", each.empty() ? "" : ", ", name,
                        static_cast<double>(count) / static_cast<double>(balanced_.seeds));
  return fmt::format("{} seeds with balancers, {} of them without a move; a seed: {}\n",
                     balanced_.seeds, balanced_.unmoved, each);
}

std::string summary::text(double clock_seconds) const {
  if (seeds_.empty()) return "no seed was run\n";
  auto by_cpu = seeds_;
  std::sort(by_cpu.begin(), by_cpu.end(),
            [](const auto& a, const auto& b) { return a.cpu_seconds < b.cpu_seconds; });
  auto text = fmt::format(
      "{} seeds: {} passed, {} failed; {:.2f} seeds/s\n"
      "CPU seconds a seed: mean {:.2f}, median {:.2f}, most {:.2f} (seed {})\n"
      "{:.1f} virtual hours, {} operations of clients\n"
      "histories of keys: {}, too hard to judge: {}{}\n"
      "faults: {}\n",
      seeds_.size(), seeds_.size() - failed_.size(), failed_.size(),
      static_cast<double>(seeds_.size()) / std::max(clock_seconds, 0.001),
      cpu_seconds_ / static_cast<double>(seeds_.size()), by_cpu[by_cpu.size() / 2].cpu_seconds,
      by_cpu.back().cpu_seconds, by_cpu.back().seed, virtual_seconds_ / 3600, operations_,
      histories_, undecided_, judges_too_little() ? ", TOO MANY" : "", counts_text(faults_));
  std::map<std::string, std::uint64_t> reached;
  std::string never;
  for (const auto& [name, count] : reached_)
    if (count > 0)
      reached[name] = count;
    else
      never += (never.empty() ? "" : ", ") + name;
  text += fmt::format("places reached: {} of {}: {}\n", reached.size(), reached_.size(),
                      counts_text(reached));
  text += balance_text();
  if (!never.empty()) text += "never reached: " + never + "\n";
  return text;
}

boost::json::object summary::json(double clock_seconds) const {
  boost::json::array failures, seeds;
  for (const auto& report : failed_) {
    auto one = to_json(report);
    one["replay"] = replay_command(report.seed);
    failures.push_back(one);
  }
  for (const auto& one : seeds_)
    seeds.push_back({{"seed", one.seed},
                     {"history", one.history},
                     {"operations", one.operations},
                     {"cpu_seconds", one.cpu_seconds},
                     {"passed", one.passed}});
  return {{"seeds", seeds_.size()},
          {"failed", failed_.size()},
          {"failures", failures},
          {"clock_seconds", clock_seconds},
          {"cpu_seconds", cpu_seconds_},
          {"virtual_seconds", virtual_seconds_},
          {"operations", operations_},
          {"histories", histories_},
          {"undecided", undecided_},
          {"faults", boost::json::value_from(faults_)},
          {"reached", boost::json::value_from(reached_)},
          {"balanced",
           {{"seeds", balanced_.seeds},
            {"unmoved", balanced_.unmoved},
            {"counts", boost::json::value_from(balanced_.counts)}}},
          {"each", seeds}};
}

std::string replay_command(std::uint64_t seed) {
  const char* bug = std::getenv("DUNLIN_BUG");
  return fmt::format("{}dunlin-soak --seed {} --trace trace.txt",
                     bug ? fmt::format("DUNLIN_BUG={} ", bug) : "", seed);
}

std::string story_of(const testkit::trial_report& report) {
  std::vector<std::string> knobs;
  for (const auto& [name, value] : report.knobs)
    knobs.push_back(name + " = " + value);
  return fmt::format("seed {}\n", report.seed) + section("wrong", report.failures) +
         section("knobs", knobs) + section("faults", report.story) +
         section("last events", report.trace) +
         section("replay with", {replay_command(report.seed)});
}

}  // namespace dunlin::soak
