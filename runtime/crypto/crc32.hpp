/// CRC32 (IEEE 802.3), as gzip and S3's x-amz-checksum-crc32 use it. crc32("123456789") is
/// 0xcbf43926.
#pragma once

#include <cstdint>
#include <string_view>

namespace dunlin::crypto {

/// Of `data` appended to what gave `before`: crc32(b, crc32(a)) == crc32(a + b).
std::uint32_t crc32(std::string_view data, std::uint32_t before = 0) noexcept;

}  // namespace dunlin::crypto
