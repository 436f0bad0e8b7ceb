/// INDEX ROWS: keys and values of the page index in a kv_store. Pure.
/// Table `pages`: 'i' page -> place; 's' set page -> nothing, so that one set lists in order of id.
/// Table `extents`: number -> indexed through.
#pragma once

#include "runtime/disk/extents/page_header.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::extents {

/// Where a page stands.
struct page_place {
  std::uint32_t extent = 0;
  std::uint32_t header_bytes = 0;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t replica_set = 0;
  std::int64_t written_ms = 0;
  std::uint64_t end() const { return step_up(offset + header_bytes + length); }
  bool operator==(const page_place&) const = default;
};

std::string page_key(std::string_view page);
/// The page of a key of its kind; nothing for another kind.
std::optional<std::string> page_of_key(std::string_view key);

std::string set_key(std::uint32_t replica_set, std::string_view page);
std::optional<std::string> page_of_set_key(std::uint32_t replica_set, std::string_view key);

std::string encode(const page_place& place);
std::optional<page_place> decode_place(std::string_view value);

std::string extent_key(std::uint32_t number);
std::string encode_through(std::uint64_t through);
std::uint64_t decode_through(std::string_view value);

/// "00000012.extent" and back.
std::string extent_name(std::uint32_t number);
std::optional<std::uint32_t> extent_number(std::string_view name);

}  // namespace dunlin::extents
