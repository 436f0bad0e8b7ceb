// What no single value shows, or no file should say (B13). Ranges are the same for a file, a live
// change and a replay.
#include "runtime/balance/settings.hpp"

#include <fmt/format.h>

#include <cmath>

namespace dunlin::balance {

namespace {

constexpr std::size_t steps_max = 64;
constexpr std::size_t parts_max = 64;
constexpr int depth_max = 8;

class examiner {
public:
  void range(const char* key, double value, double least, double most) {
    if (!std::isfinite(value) || value < least || value > most)
      say("{} is {}: give {} to {}", key, value, least, most);
  }

  void time(const char* key, milliseconds value, milliseconds least, milliseconds most) {
    if (value < least || value > most)
      say("{} is {}ms: give {}ms to {}ms", key, value.count(), least.count(), most.count());
  }

  template <class... Parts>
  void say(fmt::format_string<Parts...> form, Parts&&... parts) {
    found.push_back(fmt::format(form, std::forward<Parts>(parts)...));
  }

  /// `own_limit`: no row lends its threshold.
  void form(const std::string& key, const condition& what, bool own_limit, int depth = 0) {
    using kind = condition::kind;
    if (depth > depth_max) return say("{} is nested too deeply: at most {} levels", key, depth_max);
    if (what.parts.size() > parts_max) return say("{} has more than {} parts", key, parts_max);
    if (what.what == kind::below || what.what == kind::above) {
      if (what.limit) range(key.c_str(), *what.limit, 0, 100);
      if (own_limit && !what.limit)
        say("{} compares {} with nothing: give a limit, for example {{above = [\"{}\", 0.85]}}",
            key, to_string(what.of), to_string(what.of));
      return;
    }
    if (own_limit && what.parts.empty()) say("{} names no resource", key);
    for (const auto& part : what.parts)
      form(key, part, own_limit, depth + 1);
  }

  std::vector<std::string> found;
};

using namespace std::chrono_literals;

void accepting(examiner& at, const acceptance& what) {
  if (what.steps.empty() || what.steps.size() > steps_max)
    at.say("accept.steps has {} rows: give 1 to {}", what.steps.size(), steps_max);
  for (std::size_t i = 0; i < what.steps.size(); ++i) {
    const auto key = fmt::format("accept.steps[{}]", i);
    at.range((key + ".threshold").c_str(), what.steps[i].threshold, 0, 100);
    at.form(key + ".when", what.steps[i].when, false);
  }
  at.range("accept.ceiling", what.ceiling, 0.01, 10);
  at.range("accept.fleet_floor", what.fleet_floor, 0, 1);
  at.range("accept.last_resort_cap", what.last_resort_cap, 0.01, 100);
  if (what.attempts_max < what.steps.size() || what.attempts_max > 1024)
    at.say("accept.attempts_max is {}: give {} (the rows) to 1024", what.attempts_max,
           what.steps.size());
}

void measuring(examiner& at, const load& what) {
  at.time("load.sample_interval", what.sample_interval, 10ms, 10min);
  at.range("load.latest_weight", what.latest_weight, 0, 1);
  at.time("load.history", what.history, 10ms, 24h);
  at.range("load.failure_overhead", what.failure_overhead, 0, 0.9);
  at.range("load.declared_rate", what.declared_rate, 1e-6, 1e12);
}

void exchanging(examiner& at, const settings& of) {
  at.time("peers.exchange", of.peers.exchange, 10ms, 10min);
  at.time("peers.stale_after", of.peers.stale_after, 10ms, 1h);
  if (of.peers.stale_after < 2 * of.peers.exchange)
    at.say("peers.stale_after is {}ms, less than two exchanges of {}ms: all peers would be stale",
           of.peers.stale_after.count(), of.peers.exchange.count());
}

void moving(examiner& at, const settings& of) {
  const auto& what = of.rebalance;
  at.range("rebalance.trigger", what.trigger, 1, 100);
  at.range("rebalance.floor", what.floor, 0, 100);
  at.range("rebalance.peers_below", what.peers_below, 0, 1);
  at.range("rebalance.peers_willing", what.peers_willing, 0, 1);
  if (what.peers_level) at.range("rebalance.peers_level", *what.peers_level, 0, 2);
  if (what.when) at.form("rebalance.when", *what.when, true);
  if (of.accept.against == scale::literal && !what.when && what.enabled)
    at.say("rebalance.when is missing: literal thresholds need it, or rebalance.enabled = false");
  at.time("rebalance.interval_min", what.interval_min, 10ms, 24h);
  if (what.moves_at_once < 1 || what.moves_at_once > 100)
    at.say("rebalance.moves_at_once is {}: give 1 to 100", what.moves_at_once);
  at.range("rebalance.fit_max", what.fit_max, 0.01, 1000);
  at.time("rebalance.demand_history", what.demand_history, 10ms, 24h);
  at.time("rebalance.age_min", what.age_min, 0ms, 24h);
  at.time("rebalance.cool_down", what.cool_down, 0ms, 24h);
  at.time("rebalance.refusal", what.refusal, 0ms, 24h);
  at.range("rebalance.throttle", what.throttle, 0, 0.95);
}

void choosing(examiner& at, const picking& what) {
  if (what.by_attempt.empty() || what.by_attempt.size() > steps_max)
    at.say("choose.by_attempt has {} rows: give 1 to {}", what.by_attempt.size(), steps_max);
  at.time("choose.offer_timeout", what.offer_timeout, 10ms, 1min);
  at.time("choose.retry_hint", what.retry_hint, 0ms, 1h);
  at.time("choose.patience", what.patience, 0ms, 1min);
  at.time("choose.lost_after", what.lost_after, 0ms, 1h);
  at.range("choose.failures_target", what.failures_target, 0, 1);
  if (what.lines_max < 1 || what.lines_max > 1'000'000)
    at.say("choose.lines_max is {}: give 1 to 1000000", what.lines_max);
  at.time("choose.idle_timeout", what.idle_timeout, 100ms, 24h);
  at.time("choose.first_byte_timeout", what.first_byte_timeout, 10ms, 1h);
}

}  // namespace

std::vector<std::string> mistakes_of(const settings& what) {
  examiner at;
  accepting(at, what.accept);
  measuring(at, what.load);
  exchanging(at, what);
  moving(at, what);
  choosing(at, what.choose);
  return std::move(at.found);
}

}  // namespace dunlin::balance
