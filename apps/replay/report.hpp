/// REPORT: a run and the models beside it, as JSON for tools/bench.
#pragma once

#include "apps/replay/driver.hpp"
#include "apps/replay/plan.hpp"

#include <string>

namespace dunlin::replay {

/// {"what":{…},"run":{…}|null,"models":{"ttl_10s":{…},"ttl_20ms":{…},"bound_invalidation":{…},
/// "bound_values":{…}}}; `run` null: models only. docs/replay.md says what each figure is.
std::string render(const plan& of, const run_figures* run);

/// Further behind than this at the 99th percentile, the open loop was none: the run is marked.
inline constexpr std::chrono::milliseconds lag_max{20};

}  // namespace dunlin::replay
