/// CHECKSUMS that newer SDKs send with a body (x-amz-checksum-*). They are verified on the way in
/// and not stored; SHA1 and CRC64NVME are refused by the guard.
#pragma once

#include "runtime/crypto/hash.hpp"
#include "runtime/http/exchange.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::s3 {

enum class checksum_kind : std::uint8_t { crc32, crc32c, sha256 };

/// Of a name as in x-amz-sdk-checksum-algorithm, whatever its case.
std::optional<checksum_kind> checksum_named(std::string_view name);

/// The one that the client promised for its body.
class body_checksum {
public:
  /// Nothing to check if the client promised none. Throws InvalidRequest for several, for a value
  /// that cannot be one, and for an algorithm without its value.
  explicit body_checksum(const http::request& request);

  void update(std::string_view bytes);

  /// At the body's end. Throws BadDigest.
  void prove();

private:
  std::string finish();

  std::optional<checksum_kind> kind_;
  std::string wanted_;  ///< raw bytes
  std::uint32_t crc_ = 0;
  std::optional<crypto::sha256> sha256_;
};

}  // namespace dunlin::s3
