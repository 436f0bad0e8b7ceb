#include "apps/balance_model/what_if.hpp"

#include "actors/admission/record_files.hpp"
#include "runtime/topology/balance_change.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace dunlin::balance_model {

namespace {

fleet_figures model(const recorded_past& of, const balance::settings& settings) {
  recorded_workload load{of.clients};
  fleet_options options;
  options.settings = settings;
  options.capacities = of.capacities;
  options.balancers = of.balancers;
  options.seconds = options.steady_to = of.seconds;
  options.steady_from = 0;
  return fleet{std::move(options), load}.run();
}

/// Name, and how it is taken out of figures.
struct row {
  const char* title;
  const char* key;
  double (*of)(const fleet_figures&);
  int digits;
};

constexpr row rows[] = {
    {"clients", "connects", [](const auto& of) { return static_cast<double>(of.connects); }, 0},
    {"nobody took them", "failed", [](const auto& of) { return static_cast<double>(of.failed); },
     0},
    {"accepts", "accepted", [](const auto& of) { return static_cast<double>(of.accepted); }, 0},
    {"refusals", "refused", [](const auto& of) { return static_cast<double>(of.refused); }, 0},
    {"attempts, mean", "attempts_mean", [](const auto& of) { return of.attempts_mean; }, 3},
    {"moves", "moves", [](const auto& of) { return static_cast<double>(of.moves); }, 0},
    {"moves a connection-hour", "moves_per_hour", [](const auto& of) { return of.closes_per_hour; },
     3},
    {"use of capacity, mean", "use_mean", [](const auto& of) { return of.mean; }, 3},
    {"use, max/mean", "max_mean", [](const auto& of) { return of.max_mean; }, 3},
    {"use, max/mean, p95", "max_mean_p95", [](const auto& of) { return of.max_mean_p95; }, 3},
};

std::set<std::uint32_t> attempts_of(const what_if_report& of) {
  std::set<std::uint32_t> made;
  for (const auto* figures : {&of.past.figures, &of.as_it_was, &of.what_if})
    for (const auto& [attempt, count] : figures->attempts)
      made.insert(attempt);
  return made;
}

std::uint64_t count_of(const fleet_figures& of, std::uint32_t attempt) {
  const auto found = of.attempts.find(attempt);
  return found == of.attempts.end() ? 0 : found->second;
}

std::string json_of(const fleet_figures& of) {
  std::string made = "{";
  for (const auto& row : rows)
    made += fmt::format("\"{}\":{:.{}f},", row.key, row.of(of), row.digits);
  made += "\"attempts\":{";
  std::string attempts;
  for (const auto& [attempt, count] : of.attempts)
    attempts += fmt::format("{}\"{}\":{}", attempts.empty() ? "" : ",", attempt, count);
  return made + attempts + "}}";
}

std::string mistakes_text(const std::vector<topology::mistake>& all) {
  std::string made;
  for (const auto& one : all)
    made += (made.empty() ? "" : "\n") + one.render();
  return made;
}

}  // namespace

what_if_outcome what_if(const records& all, const std::string& thresholds) {
  auto past = past_of(all);
  if (!past) return {{}, "the files hold no load and no connection of any access node", {}};
  auto other = topology::apply_balance(past->settings, thresholds, "thresholds");
  if (!other.read) return {{}, mistakes_text(other.mistakes), {}};
  what_if_report made;
  made.check = check_decisions(all);
  made.as_it_was = model(*past, past->settings);
  made.what_if = model(*past, *other.read);
  made.past = std::move(*past);
  return {std::move(made), {}, {}};
}

what_if_outcome what_if(const std::vector<std::string>& files, const std::string& thresholds) {
  std::vector<records> all;
  std::vector<std::string> warnings;
  for (const auto& path : files) {
    auto one = read_records(path);
    if (!one) return {{}, fmt::format("{} cannot be read: {}", path, to_string(one.error())), {}};
    if (one->unread > 0)
      warnings.push_back(
          fmt::format("{}: {} bytes are left out, from the first one that is not of "
                      "a whole record; {} records before it are read",
                      path, one->unread, one->records.size()));
    all.push_back(std::move(one->records));
  }
  auto made = what_if(in_order(std::move(all)), thresholds);
  made.warnings = std::move(warnings);
  return made;
}

std::string what_if_text(const what_if_report& of) {
  auto made = fmt::format(
      "{} access nodes, {} balancers, {:.0f} s; of {} recorded decisions {} were decided again, {} "
      "differ "
      "({} were refused whatever the load, {} are without their settings)\n\n",
      of.past.nodes.size(), of.past.balancers, of.past.seconds, of.check.offers, of.check.checked,
      of.check.mismatches, of.check.whatever_the_load, of.check.without_settings);
  made += fmt::format("{:<26} {:>12} {:>12} {:>12}\n", "", "recorded", "model of it", "what if");
  for (const auto& row : rows)
    made +=
        fmt::format("{:<26} {:>12.{}f} {:>12.{}f} {:>12.{}f}\n", row.title, row.of(of.past.figures),
                    row.digits, row.of(of.as_it_was), row.digits, row.of(of.what_if), row.digits);
  for (const auto attempt : attempts_of(of))
    made +=
        fmt::format("{:<26} {:>12} {:>12} {:>12}\n", fmt::format("placed by attempt {}", attempt),
                    count_of(of.past.figures, attempt), count_of(of.as_it_was, attempt),
                    count_of(of.what_if, attempt));
  for (const auto& example : of.check.examples)
    made += "differs: " + example + "\n";
  return made;
}

std::string what_if_json(const what_if_report& of) {
  return fmt::format(
      "{{\"access_nodes\":{},\"balancers\":{},\"seconds\":{:.0f},\"decisions\":{{\"offers\":{},"
      "\"checked\":{},\"mismatches\":{},\"whatever_the_load\":{},\"without_settings\":{}}},"
      "\"recorded\":{},\"model\":{},\"what_if\":{}}}",
      of.past.nodes.size(), of.past.balancers, of.past.seconds, of.check.offers, of.check.checked,
      of.check.mismatches, of.check.whatever_the_load, of.check.without_settings,
      json_of(of.past.figures), json_of(of.as_it_was), json_of(of.what_if));
}

}  // namespace dunlin::balance_model
