#include "actors/s3_gateway/checksum.hpp"

#include "actors/s3_gateway/error.hpp"
#include "actors/s3_gateway/target.hpp"
#include "runtime/crypto/crc32.hpp"
#include "runtime/disk/crc32c.hpp"

#include <array>

namespace dunlin::s3 {

namespace {

struct known_checksum {
  checksum_kind kind;
  std::string_view name;
  std::size_t bytes;
};

constexpr auto known = std::to_array<known_checksum>({{checksum_kind::crc32, "crc32", 4},
                                                      {checksum_kind::crc32c, "crc32c", 4},
                                                      {checksum_kind::sha256, "sha256", 32}});

std::string big_endian(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
  return out;
}

}  // namespace

std::optional<checksum_kind> checksum_named(std::string_view name) {
  for (const auto& each : known)
    if (lower(name) == each.name) return each.kind;
  return {};
}

body_checksum::body_checksum(const http::request& request) {
  for (const auto& each : known) {
    const auto name = "x-amz-checksum-" + std::string(each.name);
    const auto* header = find_header(request, name);
    if (!header) continue;
    if (kind_)
      throw error(
          "InvalidRequest",
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    auto raw = crypto::from_base64(trimmed(*header));
    if (!raw || raw->size() != each.bytes)
      throw error("InvalidRequest", "Value for " + name + " header is invalid.");
    kind_ = each.kind;
    wanted_ = std::move(*raw);
  }
  if (kind_ == checksum_kind::sha256) sha256_.emplace();
  const auto* algorithm = find_header(request, "x-amz-sdk-checksum-algorithm");
  if (algorithm && checksum_named(trimmed(*algorithm)) != kind_)
    throw error("InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer headers were found.");
}

void body_checksum::update(std::string_view bytes) {
  if (!kind_) return;
  if (*kind_ == checksum_kind::crc32)
    crc_ = crypto::crc32(bytes, crc_);
  else if (*kind_ == checksum_kind::crc32c)
    crc_ = crc32c(bytes, crc_);
  else
    sha256_->update(bytes);
}

std::string body_checksum::finish() { return sha256_ ? sha256_->finish() : big_endian(crc_); }

void body_checksum::prove() {
  if (kind_ && finish() != wanted_)
    throw error("BadDigest", "The checksum you specified did not match the calculated checksum.");
}

}  // namespace dunlin::s3
