#include "runtime/scheduling/turns_here.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace dunlin::scheduling {

void turns_here::exec_later(caf::resumable* one) {
  const auto* actor = dynamic_cast<caf::abstract_actor*>(one);
  if (actor != nullptr && welcome_.contains(actor->id()))
    waiting_.push_back(one);
  else
    system().scheduler().enqueue(one);
}

void turns_here::run() {
  for (; next_ < waiting_.size(); ++next_) {
    auto* one = waiting_[next_];
    // As the scheduler's workers do: who is runnable holds a reference to itself.
    if (next_ >= turns_max || one->resume(this, 1) == caf::resumable::resume_later)
      system().scheduler().enqueue(one);
    else
      caf::intrusive_ptr_release(one);
  }
}

}  // namespace dunlin::scheduling
