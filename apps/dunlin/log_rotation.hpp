/// LOG ROTATION by size: log, log.1 … log.N, newest first.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::commands {

struct log_bounds {
  std::uint64_t bytes_max = 16u << 20;
  int kept = 3;
};

/// Copies a log over the bound to log.1 and empties it, so that the process that appends to it
/// needs not reopen it; lines written between the two steps are lost. True if it did.
bool rotate_log(const std::string& path, const log_bounds& bounds);

/// The last `lines` lines, for people who wonder why a node does not come up.
std::string log_tail(const std::string& path, int lines);

}  // namespace dunlin::commands
