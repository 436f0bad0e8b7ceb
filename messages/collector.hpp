/// The handle of what collects garbage (decision 18).
#pragma once

#include <caf/atom.hpp>
#include <caf/typed_actor.hpp>

namespace dunlin {

/// COLLECTOR: garbage collector, orphan sweeper or deletion resumer of one storage node. Nobody
/// asks it anything; it works by its own clock.
using collector_actor = caf::typed_actor<
    // INTERNAL: time for the next round.
    caf::reacts_to<caf::tick_atom>>;

}  // namespace dunlin
