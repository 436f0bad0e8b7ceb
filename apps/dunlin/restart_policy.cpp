#include "apps/dunlin/restart_policy.hpp"

#include <utility>

namespace dunlin::commands {

std::chrono::milliseconds restart_policy::on_ended(std::chrono::milliseconds now) {
  if (now - started_ >= healthy) next_ = shortest;
  return std::exchange(next_, std::min(next_ * 2, longest));
}

}  // namespace dunlin::commands
