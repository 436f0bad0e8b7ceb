/// Which known word was meant: for mistakes that name their mend.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::topology {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// "did you mean 'database'?" if one word is close enough, else "one of: database, storage,
/// access".
std::string suggest(std::string_view word, const std::vector<std::string>& known);

}  // namespace dunlin::topology
