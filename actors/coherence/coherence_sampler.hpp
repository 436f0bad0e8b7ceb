/// COHERENCE SAMPLER: handle in messages/coherence.hpp, decisions in sampler_core. Asks leaders
/// through the node's router; says loudly what was staler than its bound.
#pragma once

#include "actors/coherence/sampler_core.hpp"
#include "messages/coherence.hpp"
#include "messages/partition.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace dunlin {

struct coherence_sampler_options {
  partition_router_actor router;
  sampler_core::limits limits;
  std::chrono::milliseconds ask_timeout{2'000};
  /// Hears of each that was judged; for simulation. Empty: nobody.
  std::function<void(const sample_judged&)> watch;
};

struct coherence_sampler_state {
  coherence_sampler_options options;
  std::unique_ptr<sampler_core> core;
  static inline const char* name = "coherence_sampler";
};

coherence_sampler_actor::behavior_type coherence_sampler(
    coherence_sampler_actor::stateful_pointer<coherence_sampler_state> self,
    coherence_sampler_options options);

}  // namespace dunlin
