/// TARGET: the raw request target as bucket, key and parameters (path-style). Decoding is strict,
/// done once, and the same for signature, guard and storage (checklist rows 15 and 16).
#pragma once

#include "runtime/http/exchange.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace dunlin::s3 {

inline constexpr std::size_t key_bytes_max = 1024;

struct parameter {
  std::string name;
  std::string value;
};

struct target {
  std::string path;                   ///< decoded, with its leading '/'; never normalised
  std::string bucket;                 ///< empty: the service itself
  std::string key;                    ///< empty: the bucket itself; any bytes otherwise
  std::vector<parameter> parameters;  ///< in the client's order

  /// Value of the first of that name; null if absent.
  const std::string* find(std::string_view name) const;
  /// The same, empty if absent.
  std::string value(std::string_view name) const;
};

/// Throws InvalidURI or KeyTooLongError. The bucket's name is not judged here.
target parse_target(std::string_view raw);

/// name=value&…, decoded; a plus is a blank. Throws InvalidURI.
std::vector<parameter> parse_parameters(std::string_view text);

/// Percent-encodes all but A-Z a-z 0-9 - . _ ~, and '/' if `keep_slash`.
std::string percent_encode(std::string_view bytes, bool keep_slash);

/// S3's rules for new names; an existing bucket obeys them too.
bool valid_bucket_name(std::string_view name);

/// The first header of that name, whatever its case; null if absent.
const std::string* find_header(const http::request& request, std::string_view name);

std::string lower(std::string_view text);
std::string_view trimmed(std::string_view text);

/// Decimal digits only, at most `max`; nothing else is a number.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max);

}  // namespace dunlin::s3
