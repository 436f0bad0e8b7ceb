/// SIGNATURE V4 in the Authorization header (U2, checklist rows 1 to 6). Pure: the secret comes in,
/// a verdict goes out.
#pragma once

#include "actors/s3_gateway/target.hpp"
#include "runtime/http/exchange.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::s3 {

inline constexpr std::int64_t skew_ms_max = 15 * 60 * 1000;
inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view empty_payload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What the client claims; nothing of it is proven yet.
struct claim {
  std::string access_key;
  std::string date;  ///< of the scope, yyyymmdd
  std::string region;
  std::string service = "s3";
  std::vector<std::string> signed_headers;  ///< lower case, ascending
  std::string signature;
  std::string time;          ///< x-amz-date
  std::string payload_hash;  ///< 64 hex digits, or unsigned_payload
};

/// Reads and checks everything that needs no secret: the header's shape, scope, date and skew, that
/// host and every x-amz-* header are signed, the form of the payload hash. Throws S3 failures.
claim read_claim(const http::request& request, const target& where, std::string_view region,
                 std::int64_t now_ms);

/// The same of a request to IAM, which has one endpoint for all regions and signs its small `body`
/// itself.
claim read_iam_claim(const http::request& request, const target& where, std::string_view region,
                     std::int64_t now_ms, std::string_view body);

/// The signature that the holder of `secret` makes of this request.
std::string signature_of(const http::request& request, const target& where, const claim& claimed,
                         std::string_view secret);

/// Throws SignatureDoesNotMatch; compares in constant time.
void verify(const http::request& request, const target& where, const claim& claimed,
            std::string_view secret);

}  // namespace dunlin::s3
