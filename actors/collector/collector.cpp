#include "actors/collector/collector.hpp"

#include "actors/collector/deletion_resumer.hpp"
#include "actors/collector/garbage_collector.hpp"
#include "actors/collector/orphan_sweeper.hpp"

namespace dunlin {

std::vector<collector_actor> spawn_collectors(caf::actor_system& system,
                                              const collector_options& options) {
  return {system.spawn(garbage_collector, options), system.spawn(orphan_sweeper, options),
          system.spawn(deletion_resumer, options)};
}

}  // namespace dunlin
