#include "actors/s3_gateway/sigv4.hpp"

#include "actors/s3_gateway/error.hpp"
#include "actors/s3_gateway/times.hpp"
#include "runtime/crypto/hash.hpp"

#include <algorithm>
#include <optional>

namespace dunlin::s3 {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (;;) {
    const auto end = text.find(at);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool is_lower_hex64(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

failure malformed(std::string message) {
  return error("AuthorizationHeaderMalformed",
               "The authorization header is malformed; " + std::move(message));
}

/// "name=value, name=value": the value of `name`, which must be there once.
std::string field(const std::vector<std::string>& fields, std::string_view name) {
  std::optional<std::string> found;
  for (const auto& each : fields) {
    const auto text = trimmed(each);
    if (text.size() <= name.size() || text.substr(0, name.size()) != name ||
        text[name.size()] != '=')
      continue;
    if (found) throw malformed("it repeats " + std::string(name) + ".");
    found = std::string(text.substr(name.size() + 1));
  }
  if (!found || found->empty()) throw malformed("it lacks " + std::string(name) + ".");
  return *found;
}

/// What a request must be signed for: a service of the cluster's region, or of a second one.
struct signed_for {
  std::string_view service, region, second_region;
};

void read_scope(claim& out, const std::string& credential, const signed_for& expected) {
  const auto parts = split(credential, '/');
  if (parts.size() != 5 || parts[0].empty())
    throw malformed(
        "the Credential is mal-formed; expecting "
        "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  if (parts[1].size() != 8 || !parse_amz_time(parts[1] + "T000000Z"))
    throw malformed("incorrect date format \"" + parts[1] + "\".");
  if (parts[3] != expected.service)
    throw malformed("incorrect service \"" + parts[3] + "\". This endpoint belongs to \"" +
                    std::string(expected.service) + "\".");
  if (parts[4] != "aws4_request")
    throw malformed("incorrect terminal \"" + parts[4] +
                    "\". This endpoint uses \"aws4_request\".");
  if (parts[2] != expected.region && parts[2] != expected.second_region) {
    auto wrong = malformed("the region '" + parts[2] + "' is wrong; expecting '" +
                           std::string(expected.region) + "'");
    wrong.details.emplace_back("Region", std::string(expected.region));
    throw wrong;
  }
  out.access_key = parts[0];
  out.date = parts[1];
  out.region = parts[2];
  out.service = parts[3];
}

void read_time(claim& out, const http::request& request, std::int64_t now_ms) {
  std::optional<std::int64_t> time;
  if (const auto* amz = find_header(request, "x-amz-date"))
    time = parse_amz_time(trimmed(*amz));
  else if (const auto* date = find_header(request, "date"))
    time = parse_http_time(trimmed(*date));
  if (!time)
    throw error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  out.time = amz_time(*time);
  if (out.time.substr(0, 8) != out.date)
    throw malformed("the date of the Credential does not match that of the request.");
  if (*time > now_ms + skew_ms_max || *time < now_ms - skew_ms_max) {
    auto skewed = error("RequestTimeTooSkewed");
    skewed.details = {{"RequestTime", iso_time(*time)},
                      {"ServerTime", iso_time(now_ms)},
                      {"MaxAllowedSkewMilliseconds", std::to_string(skew_ms_max)}};
    throw skewed;
  }
}

void check_signed_headers(const claim& claimed, const http::request& request) {
  const auto is_signed = [&](const std::string& name) {
    return std::find(claimed.signed_headers.begin(), claimed.signed_headers.end(), name) !=
           claimed.signed_headers.end();
  };
  std::string missing;
  if (!is_signed("host")) missing = "host";
  for (const auto& header : request.headers) {
    const auto name = lower(header.name);
    if (name.rfind("x-amz-", 0) == 0 && !is_signed(name))
      missing += missing.empty() ? name : ", " + name;
  }
  if (missing.empty()) return;
  auto denied =
      error("AccessDenied", "There were headers present in the request which were not signed");
  denied.details.emplace_back("HeadersNotSigned", missing);
  throw denied;
}

void read_payload_hash(claim& out, const http::request& request) {
  const auto* hash = find_header(request, "x-amz-content-sha256");
  if (!hash)
    throw error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  out.payload_hash = std::string(trimmed(*hash));
  // aws-chunked bodies carry signatures of their own inside; taken as plain bytes they would be
  // stored with the frames in them.
  if (out.payload_hash.rfind("STREAMING-", 0) == 0)
    throw error("NotImplemented", "Streamed signatures (x-amz-content-sha256: " + out.payload_hash +
                                      ") are not implemented");
  if (out.payload_hash != unsigned_payload && !is_lower_hex64(out.payload_hash))
    throw error("InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.");
}

/// All values of the header, joined by ',', runs of blanks collapsed.
std::string canonical_value(const http::request& request, const std::string& name) {
  std::string out;
  bool first = true;
  for (const auto& header : request.headers) {
    if (lower(header.name) != name) continue;
    if (!first) out += ',';
    first = false;
    bool blank = false;
    for (const char c : trimmed(header.value)) {
      const bool is_blank = c == ' ' || c == '\t';
      if (is_blank && blank) continue;
      blank = is_blank;
      out += is_blank ? ' ' : c;
    }
  }
  return out;
}

std::string canonical_query(const target& where) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : where.parameters)
    encoded.emplace_back(percent_encode(name, false), percent_encode(value, false));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    ((out += name) += '=') += value;
  }
  return out;
}

std::string canonical_request(const http::request& request, const target& where,
                              const claim& claimed) {
  std::string out = request.method + "\n" + percent_encode(where.path, true) + "\n" +
                    canonical_query(where) + "\n";
  std::string names;
  for (const auto& name : claimed.signed_headers) {
    ((((out += name) += ':') += canonical_value(request, name)) += '\n');
    if (!names.empty()) names += ';';
    names += name;
  }
  return out + "\n" + names + "\n" + claimed.payload_hash;
}

std::string signing_key(const claim& claimed, std::string_view secret) {
  auto key = crypto::hmac_sha256("AWS4" + std::string(secret), claimed.date);
  key = crypto::hmac_sha256(key, claimed.region);
  key = crypto::hmac_sha256(key, claimed.service);
  return crypto::hmac_sha256(key, "aws4_request");
}

std::string authorization_of(const http::request& request, const target& where) {
  const auto* header = find_header(request, "authorization");
  const bool in_query = where.find("X-Amz-Algorithm") || where.find("X-Amz-Signature") ||
                        where.find("X-Amz-Credential") || where.find("Signature");
  if (header && in_query)
    throw error("InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query "
                "parameter, Signature query string parameter or the Authorization "
                "header should be specified");
  if (in_query) throw error("NotImplemented", "Presigned requests are not implemented");
  if (!header) throw error("AccessDenied");
  return *header;
}

/// All of it but what is said of the body.
claim read_authorization(const http::request& request, const target& where,
                         const signed_for& expected, std::int64_t now_ms) {
  const auto header = authorization_of(request, where);
  const auto text = trimmed(header);
  if (text.substr(0, algorithm.size()) != algorithm || text.size() <= algorithm.size() ||
      text[algorithm.size()] != ' ')
    throw error("InvalidRequest",
                "The authorization mechanism you have provided is not supported. "
                "Please use AWS4-HMAC-SHA256.");
  const auto fields = split(text.substr(algorithm.size() + 1), ',');
  claim out;
  read_scope(out, field(fields, "Credential"), expected);
  out.signed_headers = split(field(fields, "SignedHeaders"), ';');
  out.signature = field(fields, "Signature");
  for (const auto& name : out.signed_headers)
    if (name.empty() || name != lower(name)) throw malformed("SignedHeaders must be lower case.");
  if (!std::is_sorted(out.signed_headers.begin(), out.signed_headers.end()))
    throw malformed("SignedHeaders must be sorted.");
  read_time(out, request, now_ms);
  check_signed_headers(out, request);
  return out;
}

}  // namespace

claim read_claim(const http::request& request, const target& where, std::string_view region,
                 std::int64_t now_ms) {
  auto out = read_authorization(request, where, {"s3", region, region}, now_ms);
  read_payload_hash(out, request);
  return out;
}

claim read_iam_claim(const http::request& request, const target& where, std::string_view region,
                     std::int64_t now_ms, std::string_view body) {
  auto out = read_authorization(request, where, {"iam", region, "us-east-1"}, now_ms);
  out.payload_hash = crypto::hex(crypto::sha256::of(body));
  const auto* said = find_header(request, "x-amz-content-sha256");
  if (said && trimmed(*said) != out.payload_hash) throw error("XAmzContentSHA256Mismatch");
  return out;
}

std::string signature_of(const http::request& request, const target& where, const claim& claimed,
                         std::string_view secret) {
  const auto scope = claimed.date + "/" + claimed.region + "/" + claimed.service + "/aws4_request";
  const auto digest = crypto::hex(crypto::sha256::of(canonical_request(request, where, claimed)));
  const auto to_sign = std::string(algorithm) + "\n" + claimed.time + "\n" + scope + "\n" + digest;
  return crypto::hex(crypto::hmac_sha256(signing_key(claimed, secret), to_sign));
}

void verify(const http::request& request, const target& where, const claim& claimed,
            std::string_view secret) {
  const auto expected = signature_of(request, where, claimed, secret);
  if (!crypto::constant_time_equal(expected, claimed.signature))
    throw error("SignatureDoesNotMatch");
}

}  // namespace dunlin::s3
