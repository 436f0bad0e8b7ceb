/// INCARNATION: a number that grows with every start of a node, so that peers tell its lives apart
/// and retries of a former life are never mistaken for new ones (decisions 3, 14).
#pragma once

#include "runtime/disk/disk.hpp"

#include <cstdint>

namespace dunlin::assembly {

/// The next number, durable before it is answered. ec::damaged if the file holds no number.
result<std::uint64_t> next_incarnation(disk& storage);

}  // namespace dunlin::assembly
