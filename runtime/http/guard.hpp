/// GUARD: refuses what a lenient parser lets pass and what two parsers could read differently
/// (request smuggling; bad input, rows 12 and 13). Pure: text in, verdict out. Whatever it refuses
/// is answered and the connection closed, because nobody knows where the next request starts.
///
/// Decided here: 8-bit bytes may stand in header values and pass unchanged, but not in targets; 200
/// headers are fine, more than `headers_max` are not; a target in absolute form must name the Host
/// and is passed on in origin form; unknown methods get 405.
#pragma once

#include "runtime/http/exchange.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace dunlin::http {

/// A request that the entry itself refuses, in S3's words.
struct refusal {
  int status = 400;
  std::string code;     ///< "BadRequest"
  std::string message;  ///< a sentence
};

/// Over the bytes of a head, request line to empty line, before anything parses them.
std::optional<refusal> check_lines(std::string_view head, std::size_t headers_max);

/// Over a parsed head. Sets `content_length` (absent: chunked; 0: no body) and brings `target` into
/// origin form.
std::optional<refusal> check_request(request& parsed, bool http_1_0);

}  // namespace dunlin::http
