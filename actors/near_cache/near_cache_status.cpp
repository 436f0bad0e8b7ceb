#include "actors/near_cache/near_cache_status.hpp"

#include <numeric>
#include <string>

namespace dunlin {

namespace {

constexpr std::array<std::string_view, cache_deaths> death_names{
    "message", "expiry", "eviction", "gap", "command", "own_write", "replaced", "contradicted"};
constexpr std::array<std::string_view, fill_refusals> refusal_names{"overtaken", "before_base",
                                                                    "older", "too_large"};

class figures {
public:
  explicit figures(v1::CacheStatus& into) : into_(into) {}
  void add(std::string_view name, std::uint64_t value, std::string_view label = {}) {
    auto& one = *into_.add_figures();
    one.set_name(std::string(name));
    one.set_label(std::string(label));
    one.set_value(value);
  }

private:
  v1::CacheStatus& into_;
};

void add_counts(figures& to, const near_cache_figures& count) {
  to.add("lookups_total", count.lookups);
  to.add("hits_total", count.hits);
  to.add("negative_hits_total", count.negative_hits);
  to.add("misses_total", count.misses);
  to.add("shared_total", count.shared);
  to.add("fetches_total", count.fetches);
  to.add("confirmations_total", count.confirmations);
  to.add("unchanged_total", count.unchanged);
  to.add("prefetches_total", count.prefetches);
  to.add("listed_total", count.listed);
  to.add("repeated_total", count.repeated);
  to.add("hurried_total", count.hurried);
  to.add("failures_total", count.failures);
  to.add("overloads_total", count.overloads);
  to.add("untracked_writes_total", count.untracked_writes);
  to.add("updates_total", count.updates);
  to.add("updates_late_total", count.updates_late);
  to.add("updates_moot_total", count.updates_moot);
  to.add("updates_taken_total", count.updates_taken);
  to.add("leaps_total", count.leaps);
  to.add("mirror_overflows_total", count.mirror_overflows);
  for (std::size_t i = 0; i < cache_deaths; ++i)
    to.add("deaths_total", count.deaths[i], death_names[i]);
  for (std::size_t i = 0; i < fill_refusals; ++i)
    to.add("fills_refused_total", count.refused_fills[i], refusal_names[i]);
}

}  // namespace

std::uint64_t cache_ages::percentile(std::uint64_t percent) const {
  const auto all = std::accumulate(below.begin(), below.end(), std::uint64_t{0});
  const auto wanted = (all * percent + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < below.size() && all > 0; ++i) {
    seen += below[i];
    const auto bound = i + 1 < below.size() ? std::uint64_t{1} << i : UINT64_MAX;
    if (seen >= wanted) return std::min(bound, static_cast<std::uint64_t>(greatest.count()));
  }
  return 0;
}

v1::CacheStatus near_cache_status(const near_cache_core& core, std::string_view type,
                                  std::uint64_t service, const cache_ages& ages) {
  v1::CacheStatus status;
  const auto& set = core.parameters();
  const auto count = core.figures();
  status.set_service(service);
  status.set_type(std::string(type));
  status.set_mode(set.mode == cache_mode::validated ? "validated" : "bounded");
  figures to(status);
  to.add("items", count.items);
  to.add("bytes", count.bytes);
  to.add("items_max", set.items_max);
  to.add("bytes_max", set.bytes_max);
  to.add("time_to_live_ms", static_cast<std::uint64_t>(set.time_to_live.count()));
  to.add("staleness_max_ms", static_cast<std::uint64_t>(set.staleness_max.count()));
  to.add("invalidation_interval_ms", static_cast<std::uint64_t>(set.invalidation_interval.count()));
  to.add("values", set.carry_values ? 1 : 0);
  // A mirror that does not fit is filled on demand: 1 and 0.
  to.add("mirror", set.mirror);
  to.add("mirroring", core.mirroring());
  to.add("age_p50_ms", ages.percentile(50));
  to.add("age_p99_ms", ages.percentile(99));
  to.add("age_max_ms", static_cast<std::uint64_t>(ages.greatest.count()));
  add_counts(to, count);
  return status;
}

}  // namespace dunlin
