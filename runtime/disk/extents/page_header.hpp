/// PAGE HEADER: what stands before every page in an extent file, and the block before the first
/// one. Pure: bytes in, structs out.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::extents {

inline constexpr std::uint64_t step_bytes = 4096;      ///< pages start at multiples of it
inline constexpr std::size_t block_bytes = 64u << 10;  ///< what one checksum covers
inline constexpr std::size_t page_bytes_max = 4u << 20;
inline constexpr std::size_t header_bytes_max = step_bytes;

/// What a page belongs to, for fences and garbage (decision 18).
struct page_item {
  std::string bucket_id;
  std::string key;
  std::string upload_id;
  bool operator==(const page_item&) const = default;
};

struct page_header {
  std::string page;  ///< 16 bytes
  std::uint32_t replica_set = 0;
  page_item item;
  std::int64_t written_ms = 0;
  std::uint32_t length = 0;               ///< bytes of the page, which follow the header at once
  std::vector<std::uint32_t> block_sums;  ///< crc32c of each 64 KiB
  bool operator==(const page_header&) const = default;
};

std::vector<std::uint32_t> block_sums(std::string_view bytes);

/// `salt` is the extent's own random number. It is in every header, so that an object whose bytes
/// look like a page header cannot be taken for one when a torn extent is searched.
std::string encode(const page_header& header, std::uint64_t salt);

/// How long the encoding of such a header is.
std::size_t encoded_bytes(const page_header& header);

/// The header at the start of `bytes` with its encoded length; nothing if it is none of this
/// extent.
struct decoded_header {
  page_header header;
  std::size_t encoded_bytes = 0;
};
std::optional<decoded_header> decode(std::string_view bytes, std::uint64_t salt);

/// The first step of an extent file.
std::string encode_extent_start(std::uint64_t salt);
std::optional<std::uint64_t> decode_extent_start(std::string_view bytes);

constexpr std::uint64_t step_up(std::uint64_t bytes) {
  return (bytes + step_bytes - 1) / step_bytes * step_bytes;
}

}  // namespace dunlin::extents
