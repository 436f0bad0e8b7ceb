#include "runtime/balance/acceptance.hpp"

#include <algorithm>

namespace dunlin::balance {

double part_of(const resource_use& use) {
  if (use.capacity > 0) return use.load / use.capacity;
  return use.load > 0 ? 2 : 1;
}

double level_of(const uses& all) {
  double most = 0;
  for (const auto& use : all)
    most = std::max(most, part_of(use));
  return most;
}

namespace {

const resource_use* find(const uses& all, resource of) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& use) { return use.of == of; });
  return found == all.end() ? nullptr : &*found;
}

double limit_of(const acceptance& by, const step& row, double fleet_level) {
  if (by.against == scale::literal) return row.threshold;
  return std::min(std::max(fleet_level, by.fleet_floor) * row.threshold, by.ceiling);
}

}  // namespace

bool holds(const condition& form, const uses& all, double threshold) {
  using kind = condition::kind;
  const auto of_parts = [&](const condition& part) { return holds(part, all, threshold); };
  switch (form.what) {
    case kind::below: {
      const auto* use = find(all, form.of);
      return !use || part_of(*use) <= form.limit.value_or(threshold);
    }
    case kind::above: {
      const auto* use = find(all, form.of);
      return use && part_of(*use) > form.limit.value_or(threshold);
    }
    case kind::all:
      if (form.parts.empty()) return level_of(all) <= threshold;
      return std::all_of(form.parts.begin(), form.parts.end(), of_parts);
    case kind::any:
      if (form.parts.empty())
        return all.empty() || std::any_of(all.begin(), all.end(), [&](const auto& use) {
                 return part_of(use) <= threshold;
               });
      return std::any_of(form.parts.begin(), form.parts.end(), of_parts);
  }
  return false;
}

std::string_view to_string(refusal why) {
  switch (why) {
    case refusal::none: return "none";
    case refusal::over_threshold: return "over threshold";
    case refusal::over_cap: return "over cap";
    case refusal::cooling: return "cooling";
    case refusal::draining: return "draining";
    case refusal::full: return "full";
    case refusal::starting: return "starting";
  }
  return "";
}

verdict decide_by_load(const acceptance& by, const offer& what) {
  verdict made;
  // The first attempt may be counted as 0 (C2), so only what is beyond the bound is absurd.
  made.absurd = what.attempt > by.attempts_max;
  const auto attempt = std::clamp(what.attempt, 1u, std::max(1u, by.attempts_max));
  if (what.last_resort && by.last_resort) {
    made.limit = by.last_resort_cap;
    made.accepted = level_of(what.loads) <= made.limit;
    if (!made.accepted) made.why = refusal::over_cap;
    return made;
  }
  if (by.steps.empty()) return made;
  const auto& row = by.steps[std::min<std::size_t>(attempt, by.steps.size()) - 1];
  made.limit = limit_of(by, row, what.fleet_level);
  made.accepted = holds(row.when, what.loads, made.limit);
  if (!made.accepted) made.why = refusal::over_threshold;
  return made;
}

verdict decide(const acceptance& by, const offer& what) {
  auto made = decide_by_load(by, what);
  const auto desperate = what.last_resort && by.last_resort;
  const auto refuse = [&](refusal why) {
    made.accepted = false;
    made.why = why;
    return made;
  };
  if (what.draining) return refuse(refusal::draining);
  if (what.full) return refuse(refusal::full);
  if (what.cooling && !desperate) return refuse(refusal::cooling);
  if (what.starting && !desperate) return refuse(refusal::starting);
  return made;
}

std::vector<double> limits_of(const acceptance& by, double fleet_level) {
  std::vector<double> made;
  for (const auto& row : by.steps)
    made.push_back(limit_of(by, row, fleet_level));
  if (by.last_resort) made.push_back(by.last_resort_cap);
  return made;
}

}  // namespace dunlin::balance
