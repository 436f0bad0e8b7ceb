#include "messages/bucket_hash.hpp"

#include <xxhash.h>

namespace dunlin {

std::uint64_t bucket_hash(std::string_view bucket_id) noexcept {
  return XXH64(bucket_id.data(), bucket_id.size(), 0);
}

}  // namespace dunlin
