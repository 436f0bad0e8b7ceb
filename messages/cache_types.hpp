/// CACHED TYPES: what near caches hold, and how the changes of each are announced (Q4, Q7, decision
/// 13, docs/decisions/0011). The set is open: leaders count and queues carry any type. No CAF, no
/// Protobuf: pure cores may include it.
///
/// The key of an announced change is the key under which caches hold the item, so a record that is
/// part of several items announces each of them:
///
///   object       bucket id (16 bytes), then the object's key; in its bucket's partition
///   bucket       name of the bucket; root partition
///   user         access key. An item is the key *and* its user, so a command that changes a user
///                gives each of the user's access keys a new tick and announces it (root partition)
///   policy       of a managed one its name; of an inline one "user/name" (no name has a slash);
///                root partition
///   cluster_map  "cluster_map": partition map, replica sets and settings are one record with one
///                tick (root partition). One type, since nobody needs one without the others
///
/// The tick of an item is that of its last announced change.
#pragma once

#include "messages/vocabulary.hpp"

#include <string_view>

namespace dunlin::cached {

inline constexpr std::string_view object = "object";
inline constexpr std::string_view bucket = "bucket";
inline constexpr std::string_view user = "user";
inline constexpr std::string_view policy = "policy";
inline constexpr std::string_view cluster_map = "cluster_map";
inline constexpr std::string_view cluster_map_key = "cluster_map";

/// Not a cached type: the outbox row that stands for rows that were dropped.
inline constexpr std::string_view dropped_rows = "partition";

/// False: no item of the type is ever in that partition, so nothing needs to be proved of it there.
constexpr bool lives_in(std::string_view type, partition_id partition) {
  if (type == object) return partition != 0;
  if (type == bucket || type == user || type == policy || type == cluster_map)
    return partition == 0;
  return true;
}

}  // namespace dunlin::cached
