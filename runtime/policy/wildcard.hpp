/// WILDCARD: a pattern of the policy language: `*` any run of characters, also none; `?` one
/// character; all else itself. Takes time that grows with pattern times text at worst, and does
/// not recurse, so nobody can hold up a node with a pattern (docs/decisions/0012).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::policy {

/// More `?` than this in one pattern would make it slow to compare; such a pattern is refused.
inline constexpr std::size_t question_marks_max = 16;

class wildcard {
public:
  explicit wildcard(std::string_view pattern);

  bool matches(std::string_view text) const;

private:
  std::vector<std::string> runs_;  ///< what stands between the stars; one: there is none
  bool single_ = false;            ///< has a `?`
};

}  // namespace dunlin::policy
