/// QUERY TYPE: what a read of a partition is about, as metrics name it (Q24). No CAF.
#pragma once

#include "messages/dunlin/v1/partition.pb.h"

#include <array>
#include <string_view>

namespace dunlin {

/// Those that cached types have in common with messages/cache_types.hpp go by the same name.
inline constexpr std::array<std::string_view, 11> query_types{
    "object", "object_listing", "upload", "garbage",        "bucket",     "bucket_listing",
    "user",   "user_listing",   "policy", "policy_listing", "cluster_map"};

/// Empty: it looks nothing up, as news and what checkers ask.
std::string_view type_of(const v1::PartitionQuery& query);

}  // namespace dunlin
