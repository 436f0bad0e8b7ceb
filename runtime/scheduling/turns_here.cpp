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
  while (next_ < waiting_.size() && next_ < turns_max) {
    auto* one = waiting_[next_++];
    // As the scheduler's workers do: who is runnable holds a reference to itself.
    if (one->resume(this, 1) == caf::resumable::resume_later)
      system().scheduler().enqueue(one);
    else
      caf::intrusive_ptr_release(one);
  }
  leave();
}

turns_here::~turns_here() { leave(); }

void turns_here::leave() {
  while (next_ < waiting_.size())
    system().scheduler().enqueue(waiting_[next_++]);
}

}  // namespace dunlin::scheduling
