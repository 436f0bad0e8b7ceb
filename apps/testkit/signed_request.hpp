/// SIGNED REQUEST: the client's side of signature V4, written apart from the gateway's check so
/// that one proves the other. For virtual clients and tests.
#pragma once

#include "runtime/http/exchange.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct credentials {
  std::string access_key;
  std::string secret;
  std::string region = "us-east-1";
  std::string service = "s3";
};

/// A request for `path` (already percent-escaped) and `query` (escaped, sorted by name) with
/// `body` as its signed payload, as of `now_ms`.
http::request signed_request(const credentials& who, std::string method, const std::string& path,
                             const std::string& query, std::vector<http::header> headers,
                             const std::string& body, std::int64_t now_ms);

}  // namespace dunlin::testkit
