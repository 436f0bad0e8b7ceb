#include "apps/testkit/signed_request.hpp"

#include "runtime/crypto/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

namespace dunlin::testkit {

namespace {

std::string timestamp(std::int64_t now_ms) {
  const std::time_t seconds = now_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

http::request signed_request(const credentials& who, std::string method, const std::string& path,
                             const std::string& query, std::vector<http::header> headers,
                             const std::string& body, std::int64_t now_ms) {
  const auto time = timestamp(now_ms);
  const auto date = time.substr(0, 8);
  const auto payload_hash = crypto::hex(crypto::sha256::of(body));
  headers.push_back({"Host", "virtual"});
  headers.push_back({"x-amz-date", time});
  headers.push_back({"x-amz-content-sha256", payload_hash});

  std::map<std::string, std::string> sorted;
  for (const auto& header : headers)
    sorted[lower(header.name)] = header.value;
  std::string canonical_headers, names;
  for (const auto& [name, value] : sorted) {
    canonical_headers += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const auto canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, path, query,
                                     canonical_headers, names, payload_hash);
  const auto scope = fmt::format("{}/{}/{}/aws4_request", date, who.region, who.service);
  const auto to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope,
                                   crypto::hex(crypto::sha256::of(canonical)));
  auto key = crypto::hmac_sha256("AWS4" + who.secret, date);
  for (const auto& part : {who.region, who.service, std::string("aws4_request")})
    key = crypto::hmac_sha256(key, part);
  const auto signature = crypto::hex(crypto::hmac_sha256(key, to_sign));
  headers.push_back(
      {"Authorization",
       fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                   who.access_key, scope, names, signature)});

  http::request made;
  made.method = std::move(method);
  made.target = query.empty() ? path : path + "?" + query;
  made.headers = std::move(headers);
  made.headers.push_back({"Content-Length", std::to_string(body.size())});
  made.content_length = body.size();
  made.peer = "127.0.0.1:1";
  return made;
}

}  // namespace dunlin::testkit
