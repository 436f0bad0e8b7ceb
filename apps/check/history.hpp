/// HISTORY: what S3 clients saw of a cluster of real processes, one JSON object a line:
///   op       "put", "get", "delete" or "list"
///   bucket, key                  of a list, `key` is its prefix
///   start, end                   nanoseconds of one monotonic clock
///   outcome  "ok", "unknown", or "no" (without effect; 404 and 412 tell something about the key)
///   status   the HTTP status, 0 without an answer
///   etag, sha                    of a put: of the bytes sent; of a get: the header and the bytes
///   answered_etag                of a put that was answered with another ETag than its bytes have
///   if_absent, if_match          the condition of a put
///   found    [[key, etag], …]    of a list
/// Every put's bytes are unique, so `sha` names the write a read has seen.
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::check {

enum class verb { put, get, remove, list };
enum class outcome { ok, none, unknown };

struct operation {
  verb op{};
  outcome ended{};
  std::string bucket, key;
  std::int64_t start = 0, end = 0;
  int status = 0;
  std::string etag, sha, answered_etag;
  bool if_absent = false;
  std::optional<std::string> if_match;
  std::vector<std::pair<std::string, std::string>> found;

  bool conditional() const { return if_absent || if_match; }
  /// It wrote, or may have.
  bool writes() const { return (op == verb::put || op == verb::remove) && ended != outcome::none; }
};

/// ec::bad_message for what is no such line.
result<operation> parse_operation(std::string_view line);

}  // namespace dunlin::check
