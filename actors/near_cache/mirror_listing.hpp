/// MIRROR LISTING: how a full mirror learns all items of a type: one query after the other, each
/// answer a page of items (Q22). Types that have none are no mirrors: objects are too many.
#pragma once

#include "actors/near_cache/near_cache_core.hpp"
#include "messages/dunlin/v1/partition.pb.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin {

/// Where a listing is; a fresh one begins.
struct mirror_position {
  int stage = 0;
  std::string after;
  std::deque<std::string> names;  ///< that a page has named, still to be looked up
};

struct mirror_page {
  partition_id partition = 0;
  std::uint64_t read = 0;  ///< the partition's tick as of the read
  std::vector<near_cache_core::listed> items;
  bool done = false;  ///< it was the last one
};

struct mirror_listing {
  std::string_view type;
  v1::RoutedQuery (*ask)(const mirror_position& at);
  /// Moves the position on; an error if the reply is none to this question.
  result<mirror_page> (*read)(mirror_position& at, const v1::QueryReply& reply);
};

/// Null: the type is not mirrored.
const mirror_listing* find_mirror_listing(std::string_view type);

}  // namespace dunlin
