/// What a core's effects hold, for tests of cores.
#pragma once

#include <variant>
#include <vector>

namespace dunlin::support {

/// Those of one kind, in their order.
template <class Effect, class Effects>
std::vector<Effect> only(const Effects& all) {
  std::vector<Effect> found;
  for (const auto& one : all)
    if (const auto* it = std::get_if<Effect>(&one)) found.push_back(*it);
  return found;
}

}  // namespace dunlin::support
