/// ITEM WORDS: how the items of a plan are called, made and changed in a cluster, as Dunlin's own
/// services would have it.
#pragma once

#include "apps/replay/plan.hpp"
#include "messages/cached_record.hpp"
#include "messages/dunlin/v1/partition.pb.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::replay {

/// Always the same for a name, so that a plan can be replayed again where its items are.
std::string bucket_id_of(const std::string& bucket);

/// The key under which near caches hold the item.
std::string key_of(const item& of);

/// What makes it, in this order; where it is already, they may be refused with words of its being
/// there.
std::vector<v1::RoutedCommand> making(const item& of);
bool is_there_by(const v1::CommandReply& said);

/// What changes it. `number`: 1, 2, 3 … of the item.
v1::RoutedCommand change_of(const item& of, std::uint64_t number);

/// What the reply to a change says that the item is now; null: nothing.
cached_record record_in(const item& of, const v1::CommandReply& said);

}  // namespace dunlin::replay
