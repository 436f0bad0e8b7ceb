#include "apps/assembly/staleness_status.hpp"

namespace dunlin::assembly {

namespace {

void add(figures& to, const staleness& from) {
  const auto set = [&](const char* name, std::uint64_t value) { to[name][""] = value; };
  set("samples_total", from.samples);
  set("samples_unanswered_total", from.unanswered);
  set("stale_total", from.stale);
  set("stale_unsure_total", from.unsure);
  set("bound_exceeded_total", from.violations);
  set("staleness_p50_us", from.p50_us);
  set("staleness_p99_us", from.p99_us);
  set("staleness_max_us", from.max_us);
  set("staleness_surely_max_us", from.surely_max_us);
}

constexpr const char* counted[] = {"rows_total",     "messages_total", "rows_sent_again_total",
                                   "failed_total",   "refused_total",  "queue_changes_total",
                                   "announced_total"};
constexpr const char* of_partitions[] = {"rows_waiting", "oldest_wait_ms", "outbox_rows"};

}  // namespace

void add_staleness(coherence_status& to, const staleness_report& from) {
  for (const auto& one : from.all)
    for (auto& cache : to.caches)
      if (cache.type == one.type && cache.service == one.service) add(cache.count, one);
}

void add_announcers(coherence_status& to, const v1::NodeStatus& node, metrics& counts) {
  const std::string prefix = "dunlin_announcer_";
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };
  for (const auto* name : counted)
    to.announcer[name][""] = whole(counts.counter(prefix + name, "").value());
  for (const auto& replica : node.replicas()) {
    if (replica.role() != "leader") continue;
    const auto id = std::to_string(replica.partition());
    for (const auto* name : of_partitions)
      to.announcer[name][id] = whole(counts.gauge(prefix + name, "", {{"partition", id}}).value());
  }
}

}  // namespace dunlin::assembly
