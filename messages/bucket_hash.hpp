/// Where a bucket lives: partitions own ranges of this hash (decision 10).
#pragma once

#include <cstdint>
#include <string_view>

namespace dunlin {

/// xxHash64 of a bucket id, seed 0. Part of the stored format: never changes.
std::uint64_t bucket_hash(std::string_view bucket_id) noexcept;

}  // namespace dunlin
