/// CONDITIONS and RANGES of requests: If-*, Range. Pure.
#pragma once

#include "messages/dunlin/v1/stored.pb.h"
#include "runtime/http/exchange.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace dunlin::s3 {

/// If-Match and If-None-Match of a write, to be decided in the partition's command.
/// Throws InvalidArgument for what is no list of ETags.
v1::Precondition write_precondition(const http::request& request);
bool empty(const v1::Precondition& wanted);

enum class verdict { go_on, not_modified, failed };

/// RFC 9110 13.2.2: If-Match beats If-Unmodified-Since, If-None-Match beats If-Modified-Since.
verdict judge_read(const http::request& request, const std::string& etag, std::int64_t modified_ms);

struct byte_range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// The range asked for, clipped to the object; none: the whole object, also for what is no range,
/// for several ranges, and where If-Range does not hold (S3 does the same). Throws InvalidRange.
std::optional<byte_range> read_range(const http::request& request, const std::string& etag,
                                     std::int64_t modified_ms, std::uint64_t size);

}  // namespace dunlin::s3
