/// CACHED TYPE: how near caches ask for the items of one type, and read what leaders answer. The
/// types and their keys: messages/cache_types.hpp.
#pragma once

#include "actors/near_cache/near_cache_core.hpp"
#include "messages/cached_record.hpp"
#include "messages/dunlin/v1/partition.pb.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin {

struct cached_type {
  std::string_view name;
  /// The linearizable read that tells what the item is; `known`: of near_cache_core::ask.
  v1::RoutedQuery (*ask)(const std::string& key, std::uint64_t known);
  near_cache_core::answer (*read)(const v1::QueryReply& reply);
  /// A record of another type is none of this one's.
  bool (*holds)(const v1::CachedRecord& record);
};

/// Null: near caches do not know the type.
const cached_type* find_cached_type(std::string_view name);

cached_value to_value(cached_record record);
cached_record to_record(const cached_value& value);

}  // namespace dunlin
