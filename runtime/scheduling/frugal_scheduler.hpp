/// FRUGAL SCHEDULER: CAF's central queue of runnable actors, with as few sleeping threads woken as
/// possible (decision 0007). Waking one costs more than most turns take, and a request passes
/// through several actors one after the other.
///
/// An actor that is made runnable by another joins the queue of the worker that runs that one,
/// which takes it up as soon as the turn is over. Others help when it gets long, when they find
/// nothing else, or when a turn says that it will take long (`others_may_go_on`).
#pragma once

#include <caf/actor_system_config.hpp>

namespace dunlin::scheduling {

/// Must be called before the actor system is made. `workers` threads.
void use_frugal_scheduler(caf::actor_system_config& config, std::size_t workers);

}  // namespace dunlin::scheduling
