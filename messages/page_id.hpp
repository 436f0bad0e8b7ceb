/// Page ids: 128-bit big-endian numbers, so that a run of pages is named by its first one and byte
/// order is the order of the run (K2, decision 17). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin {

inline constexpr std::size_t page_id_bytes = 16;

/// The page `index` places after `first`; saturates at the last id of all. `first` has 16 bytes.
std::string page_at(std::string_view first, std::uint64_t index);

/// How many places `page` lies behind `first`; nothing if it lies before it, or 2^64 and more
/// behind.
std::optional<std::uint64_t> page_distance(std::string_view first, std::string_view page);

/// Lower-case hex, for logs.
std::string page_text(std::string_view page);

}  // namespace dunlin
