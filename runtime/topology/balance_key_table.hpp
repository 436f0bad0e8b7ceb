/// BALANCE KEYS, THE ONE LIST: what [balance] consists of, in the order in which it is shown. `By`
/// reads a key into its value (balance_keys.cpp) or shows the value (balance_change.cpp); it has
/// flag, time, count, real, maybe_real, word, list, steps and form, each of a key and a value.
#pragma once

#include "runtime/balance/settings.hpp"

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace dunlin::topology {

template <class Enum>
using words = std::vector<std::pair<std::string, Enum>>;

inline const words<balance::scale> scales{{"relative", balance::scale::relative},
                                          {"literal", balance::scale::literal}};
inline const words<balance::decay> decays{{"exponential", balance::decay::exponential},
                                          {"linear", balance::decay::linear}};
inline const words<balance::target> targets{{"best_fit", balance::target::best_fit},
                                            {"oldest", balance::target::oldest},
                                            {"heaviest", balance::target::heaviest},
                                            {"random", balance::target::random}};
inline const words<balance::pick> picks{{"digest", balance::pick::digest},
                                        {"success", balance::pick::success},
                                        {"random", balance::pick::random},
                                        {"round_robin", balance::pick::round_robin},
                                        {"cycle", balance::pick::cycle}};

/// To be read into, or to be shown.
template <class Of, class What>
concept some = std::same_as<std::remove_const_t<Of>, What>;

template <class By, some<balance::acceptance> Of>
void keys(By& by, Of& of) {
  by.word("against", of.against, scales);
  by.steps("steps", of.steps);
  by.real("ceiling", of.ceiling);
  by.real("fleet_floor", of.fleet_floor);
  by.flag("last_resort", of.last_resort);
  by.real("last_resort_cap", of.last_resort_cap);
  by.count("attempts_max", of.attempts_max);
}

template <class By, some<balance::load> Of>
void keys(By& by, Of& of) {
  by.time("sample_interval", of.sample_interval);
  by.real("latest_weight", of.latest_weight);
  by.time("history", of.history);
  by.word("decay", of.shape, decays);
  by.real("failure_overhead", of.failure_overhead);
  by.flag("credit", of.credit);
  by.flag("declared", of.declared);
  by.real("declared_rate", of.declared_rate);
}

template <class By, some<balance::peers> Of>
void keys(By& by, Of& of) {
  by.time("exchange", of.exchange);
  by.time("stale_after", of.stale_after);
}

template <class By, some<balance::rebalancing> Of>
void keys(By& by, Of& of) {
  by.flag("enabled", of.enabled);
  by.real("trigger", of.trigger);
  by.real("floor", of.floor);
  by.real("peers_below", of.peers_below);
  by.form("when", of.when);
  by.real("peers_willing", of.peers_willing);
  by.maybe_real("peers_level", of.peers_level);
  by.time("interval_min", of.interval_min);
  by.count("moves_at_once", of.moves_at_once);
  by.word("target", of.choice, targets);
  by.real("fit_max", of.fit_max);
  by.time("demand_history", of.demand_history);
  by.time("age_min", of.age_min);
  by.time("cool_down", of.cool_down);
  by.time("refusal", of.refusal);
  by.flag("rehome", of.rehome);
  by.flag("close_anyway", of.close_anyway);
  by.real("throttle", of.throttle);
}

template <class By, some<balance::picking> Of>
void keys(By& by, Of& of) {
  by.list("by_attempt", of.by_attempt, picks);
  by.flag("rack_first", of.rack_first);
  by.time("offer_timeout", of.offer_timeout);
  by.time("retry_hint", of.retry_hint);
  by.time("patience", of.patience);
  by.time("lost_after", of.lost_after);
  by.real("failures_target", of.failures_target);
  by.count("lines_max", of.lines_max);
  by.time("idle_timeout", of.idle_timeout);
  by.time("first_byte_timeout", of.first_byte_timeout);
}

/// Calls `each` with the name of every table and its settings.
template <class Of, class Each>
void tables(Of& of, Each each) {
  each("accept", of.accept);
  each("load", of.load);
  each("peers", of.peers);
  each("rebalance", of.rebalance);
  each("choose", of.choose);
}

}  // namespace dunlin::topology
