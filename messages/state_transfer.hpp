/// STATE TRANSFER: the operation of a PageTransfer that reads a piece of a partition's snapshot
/// (decision 9): ticket = the identity of the file (RaftSnapshot), offset and length inside it.
/// The number goes on from OpenTransfer.Operation; no ticket is opened for it, and a node that does
/// not know it refuses it like any other that it does not know.
#pragma once

#include "messages/v1.hpp"

namespace dunlin {

inline constexpr auto read_snapshot = static_cast<v1::OpenTransfer::Operation>(3);

}  // namespace dunlin
