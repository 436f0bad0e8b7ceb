#include "apps/replay/report.hpp"

#include "apps/replay/model.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace dunlin::replay {

namespace json = boost::json;

namespace {

double ms(std::chrono::microseconds of) { return static_cast<double>(of.count()) / 1e3; }

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

json::object describe(const plan& of) {
  std::uint64_t lookups = 0, writes = 0;
  for (const auto& one : of.steps)
    if (one.counted) ++(one.write ? writes : lookups);
  return {{"nodes", of.nodes},
          {"lookups_a_row", of.lookups_a_row},
          {"items", of.items.size()},
          {"steps", of.steps.size()},
          {"seconds", of.steps.empty() ? 0 : of.steps.back().due_ms / 1e3},
          {"counted_from_s", of.counted_from_ms / 1e3},
          {"lookups", lookups},
          {"writes", writes}};
}

json::object model_of(const plan& of, const model& what) {
  const auto seen = run_model(of, what);
  return {{"reads_per_1000", seen.reads_per_1000()},
          {"stale", seen.stale_share()},
          {"age_p50_ms", seen.age_p50_ms},
          {"age_p99_ms", seen.age_p99_ms},
          {"age_max_ms", seen.age_max_ms}};
}

json::object models_of(const plan& of) {
  using told = model::told;
  return {{"ttl_10s", model_of(of, {told::nothing, 10'000})},
          {"ttl_20ms", model_of(of, {told::nothing, 20})},
          {"bound_invalidation", model_of(of, {told::that_it_changed})},
          {"bound_values", model_of(of, {told::what_it_is_now})}};
}

/// Of all types: the sum over cache.TYPE.NAME.
std::uint64_t of_caches(const run_figures& run, const std::string& name) {
  std::uint64_t sum = 0;
  for (const auto kind : {item_kind::user, item_kind::bucket, item_kind::policy, item_kind::object})
    sum += run.grown("cache." + std::string(type_of(kind)) + "." + name);
  return sum;
}

json::object reads_of(const run_figures& run) {
  const auto lookups = run.seen.lookups;
  return {{"lookups", lookups},
          {"hits", run.seen.hits},
          {"reads_per_1000", 1000 * share(of_caches(run, "fetches_total"), lookups)},
          {"confirmations_per_1000", 1000 * share(of_caches(run, "confirmations_total"), lookups)},
          {"stale", share(run.seen.stale, lookups)},
          {"stale_lookups", run.seen.stale},
          {"absent", run.seen.absent},
          {"went_back", run.seen.went_back},
          {"age_p50_ms", ms(run.seen.age_p50)},
          {"age_p99_ms", ms(run.seen.age_p99)},
          {"age_max_ms", ms(run.seen.age_max)}};
}

json::object messages_of(const run_figures& run) {
  const auto writes = run.seen.writes;
  return {{"writes", writes},
          {"frames_per_write", share(run.grown("queue.frames_total"), writes)},
          {"bytes_per_write", share(run.grown("queue.frame_bytes_total"), writes)},
          {"frames", run.grown("queue.frames_total")},
          {"resends", run.grown("queue.resends_total")},
          {"given_up", run.grown("queue.given_up_total")},
          {"gaps", run.grown("subscriber.gaps_total")},
          {"replays", run.grown("subscriber.replays_total")},
          {"drops", run.grown("subscriber.drops_total")},
          {"missed", run.grown("subscriber.missed_total")},
          {"delay_p50_ms", ms(run.seen.delay_p50)},
          {"delay_p99_ms", ms(run.seen.delay_p99)},
          {"delay_max_ms", ms(run.seen.delay_max)},
          {"unheard", run.seen.unheard}};
}

json::object how_it_went(const run_figures& run) {
  return {{"seconds", run.seconds},
          {"steps", run.steps},
          {"left_out", run.left_out},
          {"failed_lookups", run.failed_lookups},
          {"failed_writes", run.failed_writes},
          {"failed_counts", run.failed_counts},
          {"first_failure", run.first_failure},
          {"late_p50_ms", ms(run.late_p50)},
          {"late_p99_ms", ms(run.late_p99)},
          {"late_max_ms", ms(run.late_max)},
          {"lagged", run.late_p99 > lag_max},
          {"gave_up", run.gave_up}};
}

json::value audit_of(const run_figures& run) {
  if (!run.audit.done) return nullptr;
  return json::object{{"held", run.audit.held},
                      {"old", run.audit.old},
                      {"lost", run.audit.lost},
                      {"failures", run.audit.failures}};
}

json::value all_grown(const run_figures& run) {
  json::object made;
  for (const auto& [name, value] : run.after)
    if (const auto grown = run.grown(name); grown > 0 && name.find("_total") != std::string::npos)
      made[name] = grown;
  return made;
}

}  // namespace

std::string render(const plan& of, const run_figures* run) {
  json::object made{{"what", describe(of)}, {"models", models_of(of)}, {"run", nullptr}};
  if (run)
    made["run"] = json::object{{"reads", reads_of(*run)},
                               {"messages", messages_of(*run)},
                               {"went", how_it_went(*run)},
                               {"audit", audit_of(*run)},
                               {"figures", all_grown(*run)}};
  return json::serialize(made);
}

}  // namespace dunlin::replay
