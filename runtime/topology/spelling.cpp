#include "runtime/topology/spelling.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace dunlin::topology {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table are enough: the one before the last serves swaps.
  std::vector<std::size_t> older(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], older[j - 2] + 1);
    }
    std::swap(older, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string suggest(std::string_view word, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  auto distance = std::max<std::size_t>(word.size() / 3, 2) + 1;
  for (const auto& candidate : known)
    if (const auto d = edit_distance(word, candidate); d < distance) {
      best = &candidate;
      distance = d;
    }
  if (best) return fmt::format("did you mean '{}'?", *best);
  return fmt::format("one of: {}", fmt::join(known, ", "));
}

}  // namespace dunlin::topology
