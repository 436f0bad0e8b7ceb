/// Dunlin's errors inside CAF: make_error(ec, detail) and back.
#pragma once

#include "messages/vocabulary.hpp"

#include <caf/error.hpp>

#include <string>

namespace dunlin {

/// An error that a request handler answers. `detail` is what the caller can do next, for not_leader
/// the leader's name.
caf::error make_error(ec code, std::string detail = {});

/// The code of any CAF error: ours unchanged, CAF's timeouts as timed_out, its dead receivers as
/// peer_lost, anything else as unavailable. Call only on a real error.
ec code_of(const caf::error& error);

/// The detail given to make_error; empty for CAF's own errors.
std::string detail_of(const caf::error& error);

std::string render(const caf::error& error);

}  // namespace dunlin
