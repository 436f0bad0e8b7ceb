#include "runtime/http/guard.hpp"

#include "runtime/http/text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace dunlin::http {

namespace {

refusal bad_request(std::string message) { return {400, "BadRequest", std::move(message)}; }

std::vector<std::string_view> values_of(const request& from, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& each : from.headers)
    if (same_name(each.name, name)) values.push_back(each.value);
  return values;
}

std::optional<refusal> check_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return bad_request("A header line is folded.");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !token(line.substr(0, colon)))
    return bad_request("A header name is not a token.");
  for (const auto c : line.substr(colon + 1))
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
      return bad_request("A header value holds a control character.");
  return std::nullopt;
}

std::optional<refusal> check_method(const request& parsed) {
  static constexpr std::array known{"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};
  if (std::find(known.begin(), known.end(), parsed.method) != known.end()) return std::nullopt;
  return refusal{405, "MethodNotAllowed",
                 "The specified method is not allowed against this resource."};
}

bool host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(".-_:[]").find(c) != std::string_view::npos;
}

std::optional<refusal> check_host(const request& parsed) {
  const auto hosts = values_of(parsed, "Host");
  if (hosts.size() != 1) return bad_request("There must be exactly one Host header.");
  if (hosts[0].empty() || !std::all_of(hosts[0].begin(), hosts[0].end(), host_char))
    return bad_request("The Host header is not a host.");
  return std::nullopt;
}

std::optional<refusal> check_target(request& parsed) {
  const auto bad = refusal{400, "InvalidURI", "Couldn't parse the specified URI."};
  auto& target = parsed.target;
  if (!target.empty() && target.front() != '/') {
    const auto authority = target.find("://");
    const auto scheme = std::string_view(target).substr(0, authority);
    if (authority == std::string::npos ||
        !(same_name(scheme, "http") || same_name(scheme, "https")))
      return bad;
    const auto path = std::min(target.find_first_of("/?", authority + 3), target.size());
    if (!same_name(std::string_view(target).substr(authority + 3, path - authority - 3),
                   *parsed.find("Host")))
      return bad_request("The target names another host than the Host header.");
    target.erase(0, path);
    if (target.empty() || target.front() == '?') target.insert(0, "/");
  }
  const auto fits = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (target.empty() || !std::all_of(target.begin(), target.end(), fits)) return bad;
  return std::nullopt;
}

std::optional<refusal> check_length(request& parsed, bool http_1_0) {
  const auto lengths = values_of(parsed, "Content-Length");
  const auto encodings = values_of(parsed, "Transfer-Encoding");
  if (!encodings.empty()) {
    if (http_1_0) return bad_request("Transfer-Encoding is not part of HTTP/1.0.");
    if (!lengths.empty())
      return bad_request("Both Content-Length and Transfer-Encoding are given.");
    if (encodings.size() != 1 || !same_name(encodings[0], "chunked"))
      return bad_request("The only Transfer-Encoding understood is chunked.");
    parsed.content_length.reset();
    return std::nullopt;
  }
  parsed.content_length = 0;
  if (lengths.empty()) return std::nullopt;
  // 18 digits: more than anybody stores, and no overflow below.
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (lengths.size() != 1 || lengths[0].empty() || lengths[0].size() > 18 ||
      !std::all_of(lengths[0].begin(), lengths[0].end(), digit))
    return bad_request("Content-Length is not one number.");
  for (const auto c : lengths[0])
    *parsed.content_length = *parsed.content_length * 10 + static_cast<std::uint64_t>(c - '0');
  return std::nullopt;
}

std::optional<refusal> check_expect(const request& parsed) {
  const auto wishes = values_of(parsed, "Expect");
  if (wishes.empty() || (wishes.size() == 1 && same_name(wishes[0], "100-continue")))
    return std::nullopt;
  return refusal{417, "ExpectationFailed", "The only expectation understood is 100-continue."};
}

}  // namespace

std::optional<refusal> check_lines(std::string_view head, std::size_t headers_max) {
  std::size_t count = 0;
  for (bool first = true; !head.empty(); first = false) {
    const auto end = head.find('\n');
    if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r')
      return bad_request("A line does not end with CR LF.");
    const auto line = head.substr(0, end - 1);
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos)
      return bad_request("A line holds CR or NUL.");
    head.remove_prefix(end + 1);
    if (line.empty() && first) return bad_request("The request line is missing.");
    if (line.empty() || first) continue;
    if (++count > headers_max)
      return refusal{431, "RequestHeaderSectionTooLarge", "There are too many headers."};
    if (auto wrong = check_line(line)) return wrong;
  }
  return std::nullopt;
}

std::optional<refusal> check_request(request& parsed, bool http_1_0) {
  if (auto wrong = check_method(parsed)) return wrong;
  if (auto wrong = check_host(parsed)) return wrong;
  if (auto wrong = check_target(parsed)) return wrong;
  if (auto wrong = check_length(parsed, http_1_0)) return wrong;
  return check_expect(parsed);
}

}  // namespace dunlin::http
