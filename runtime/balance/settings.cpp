#include "runtime/balance/settings.hpp"

#include <algorithm>

namespace dunlin::balance {

std::string_view to_string(resource which) {
  switch (which) {
    case resource::cpu: return "cpu";
    case resource::net: return "net";
    case resource::mem: return "mem";
    case resource::disk: return "disk";
    case resource::sockets: return "sockets";
    case resource::requests: return "requests";
    case resource::declared: return "declared";
  }
  return "";
}

std::optional<resource> resource_named(std::string_view text) {
  const auto found = std::find_if(all_resources.begin(), all_resources.end(),
                                  [&](resource one) { return to_string(one) == text; });
  if (found == all_resources.end()) return {};
  return *found;
}

namespace {

condition below(resource of) { return {condition::kind::below, of, {}, {}}; }
condition above(resource of, double limit) { return {condition::kind::above, of, limit, {}}; }

}  // namespace

// The cells of L5 that are lost are filled with all resources (attempt 1) and cpu and net alone
// from the third attempt on, as the known ones suggest; attempt 5 looks at cpu only.
settings patent_settings() {
  using enum resource;
  using kind = condition::kind;
  const condition three{kind::all, cpu, {}, {below(cpu), below(net), below(mem)}};
  const condition two{kind::all, cpu, {}, {below(cpu), below(net)}};
  settings made;
  made.accept.against = scale::literal;
  made.accept.steps = {{0.50, {}}, {0.55, three}, {0.60, two}, {0.75, two}, {0.85, below(cpu)}};
  made.accept.last_resort = false;
  made.load.history = milliseconds{900'000};
  made.load.failure_overhead = 0.10;
  made.load.credit = false;
  auto& rebalance = made.rebalance;
  rebalance.when =
      condition{kind::all,
                cpu,
                {},
                {{kind::any, cpu, {}, {above(cpu, 0.85), above(net, 0.85)}}, above(mem, 0.85)}};
  rebalance.interval_min = milliseconds{600'000};
  rebalance.choice = target::oldest;
  rebalance.refusal = milliseconds{600'000};
  rebalance.rehome = false;
  made.choose.by_attempt = {pick::random};
  return made;
}

std::string_view mode_of(const settings& what) {
  if (what.accept.against == scale::relative) return "relative";
  return what.accept.steps == patent_settings().accept.steps ? "patent" : "literal";
}

}  // namespace dunlin::balance
