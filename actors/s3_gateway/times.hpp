/// TIMES as S3 writes and reads them. All UTC, milliseconds since the epoch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::s3 {

std::string iso_time(std::int64_t ms);   ///< 2026-11-21T23:59:59.000Z
std::string http_time(std::int64_t ms);  ///< Sat, 21 Nov 2026 23:59:59 GMT
std::string amz_time(std::int64_t ms);   ///< 20261121T235959Z

std::optional<std::int64_t> parse_amz_time(std::string_view text);
/// The preferred form of RFC 9110; the obsolete ones are not understood.
std::optional<std::int64_t> parse_http_time(std::string_view text);

}  // namespace dunlin::s3
