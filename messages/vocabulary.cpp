#include "messages/vocabulary.hpp"

#include <cstdio>
#include <cstdlib>

namespace dunlin {

std::string_view to_string(ec code) noexcept {
  switch (code) {
    case ec::not_leader: return "not leader";
    case ec::unavailable: return "unavailable";
    case ec::timed_out: return "timed out";
    case ec::overloaded: return "overloaded";
    case ec::peer_lost: return "peer lost";
    case ec::unknown_outcome: return "unknown outcome";
    case ec::not_found: return "not found";
    case ec::already_exists: return "already exists";
    case ec::invalid_argument: return "invalid argument";
    case ec::damaged: return "damaged";
    case ec::io_error: return "i/o error";
    case ec::disk_full: return "disk full";
    case ec::refused: return "refused";
    case ec::unsupported: return "unsupported";
    case ec::bad_message: return "bad message";
    case ec::stopping: return "stopping";
    case ec::stale: return "stale";
    case ec::closed: return "closed";
  }
  return "unknown error";
}

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "broken invariant: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace dunlin
