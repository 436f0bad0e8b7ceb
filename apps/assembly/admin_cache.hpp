/// POST /cache: instructions to near caches, checked as the topology file is. Internal to
/// apps/assembly.
#pragma once

#include "messages/cache_control.hpp"
#include "runtime/topology/topology.hpp"

#include <string>
#include <variant>

namespace dunlin::assembly {

/// The instruction, or why it is none. {"type": T, "service": N, "set": {KEY: VALUE, …}} sets
/// parameters of T as [cache.T] would; {"type": T, "service": N, "drop": true} drops what is held.
/// Without service all of them are meant, without type (drop only) every type.
std::variant<change_caches, std::string> read_cache_instruction(const topology::cluster& of,
                                                                const std::string& body);

}  // namespace dunlin::assembly
