/// VIRTUAL SYSTEM: actors on one thread and virtual time, for tests of single roles.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

namespace dunlin::support {

class virtual_system {
public:
  virtual_system() : config_(make_config()), system(*config_) {}

  /// Lets every ready actor work until none is.
  void run() { scheduler().run(); }

  /// Moves time in small steps, so that timers armed on the way fire in order.
  void advance(std::chrono::milliseconds by,
               std::chrono::milliseconds step = std::chrono::milliseconds(10)) {
    run();
    for (auto done = std::chrono::milliseconds(0); done < by; done += step) {
      scheduler().advance_time(std::min(step, by - done));
      run();
    }
  }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

private:
  static std::unique_ptr<caf::actor_system_config> make_config() {
    auto config = std::make_unique<caf::actor_system_config>();
    config->set("scheduler.policy", caf::atom("testing"));
    return config;
  }
  std::unique_ptr<caf::actor_system_config> config_;

public:
  caf::actor_system system;
};

}  // namespace dunlin::support
