/// CRC32C (Castagnoli), as iSCSI, ext4 and S3 use it: the checksum of log records, pages and bulk
/// bodies. crc32c("123456789") is 0xe3069283.
#pragma once

#include <cstdint>
#include <string_view>

namespace dunlin {

/// Of `data` appended to what gave `before`: crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(std::string_view data, std::uint32_t before = 0) noexcept;

/// For bytes that come in pieces.
class crc32c_stream {
public:
  void add(std::string_view data) noexcept { value_ = crc32c(data, value_); }
  std::uint32_t value() const noexcept { return value_; }

private:
  std::uint32_t value_ = 0;
};

}  // namespace dunlin
