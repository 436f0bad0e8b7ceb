/// RAFT CODEC: the core's messages as dunlin.v1.RaftMessage and back.
#pragma once

#include "actors/partition/raft_types.hpp"
#include "messages/dunlin/v1/raft.pb.h"

#include <optional>

namespace dunlin::raft {

v1::RaftMessage encode(const message& from, partition_id partition);

/// None: of a kind that this release does not know.
std::optional<message> decode(const v1::RaftMessage& from);

}  // namespace dunlin::raft
