/// PAGE RUNS: which layouts a record may hold, and which of them share pages.
#pragma once

#include "messages/dunlin/v1/common.pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace dunlin::page_run {

inline constexpr std::uint64_t page_bytes_max = 64u << 20;
inline constexpr int runs_max = 1024;
inline constexpr std::uint64_t layout_bytes_max = 1ull << 48;  ///< 10,000 of them cannot overflow

/// How many pages a well-formed run has.
std::uint64_t pages(const v1::PageRun& run);

/// Id of the last page; none: the run is malformed (no bytes, no page size, ids that wrap).
std::optional<std::string> last_page(const v1::PageRun& run);

/// Whether the runs are well formed, few enough, apart from each other and hold `size` bytes in
/// all.
bool fits(const v1::Layout& layout, std::uint64_t size);

/// Of two well-formed runs.
bool overlap(const v1::PageRun& a, const v1::PageRun& b);
bool overlap(const v1::Layout& layout, const v1::PageRun& run);

}  // namespace dunlin::page_run
