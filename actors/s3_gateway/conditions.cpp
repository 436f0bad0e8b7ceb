#include "actors/s3_gateway/conditions.hpp"

#include "actors/s3_gateway/error.hpp"
#include "actors/s3_gateway/target.hpp"
#include "actors/s3_gateway/times.hpp"

#include <algorithm>
#include <vector>

namespace dunlin::s3 {

namespace {

constexpr std::size_t etags_max = 64;  // as many as a command may carry

/// `"a", "b"`, a, W/"a" or *: ETags without quotes. S3 clients also send them unquoted.
std::vector<std::string> etags(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    auto each = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (each.substr(0, 2) == "W/") each.remove_prefix(2);
    if (each.size() >= 2 && each.front() == '"' && each.back() == '"')
      each = each.substr(1, each.size() - 2);
    if (each.empty() || each.find('"') != std::string_view::npos)
      throw error("InvalidArgument", "An entity tag of a condition is malformed.");
    out.emplace_back(each);
  }
  if (out.empty() || out.size() > etags_max)
    throw error("InvalidArgument", "A condition lists no entity tag, or too many.");
  return out;
}

bool any_matches(const std::string& header, const std::string& etag) {
  const auto wanted = etags(header);
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const std::string& each) { return each == "*" || each == etag; });
}

/// HTTP dates have whole seconds; a date that cannot be read makes no condition.
std::optional<std::int64_t> date_of(const http::request& request, std::string_view name) {
  const auto* header = find_header(request, name);
  return header ? parse_http_time(trimmed(*header)) : std::nullopt;
}

std::int64_t whole_second(std::int64_t ms) { return ms - ms % 1000; }

bool range_still_wanted(const http::request& request, const std::string& etag,
                        std::int64_t modified_ms) {
  const auto* condition = find_header(request, "if-range");
  if (!condition) return true;
  if (const auto date = parse_http_time(trimmed(*condition)))
    return whole_second(modified_ms) == *date;
  return trimmed(*condition) == "\"" + etag + "\"";
}

failure unsatisfiable(const std::string& range, std::uint64_t size) {
  auto out = error("InvalidRange");
  out.details = {{"RangeRequested", range}, {"ActualObjectSize", std::to_string(size)}};
  out.headers.push_back({"Content-Range", "bytes */" + std::to_string(size)});
  return out;
}

}  // namespace

v1::Precondition write_precondition(const http::request& request) {
  v1::Precondition out;
  if (const auto* header = find_header(request, "if-match"))
    for (auto& each : etags(*header))
      out.add_if_match(std::move(each));
  if (const auto* header = find_header(request, "if-none-match"))
    for (auto& each : etags(*header))
      out.add_if_none_match(std::move(each));
  return out;
}

bool empty(const v1::Precondition& wanted) {
  return wanted.if_match().empty() && wanted.if_none_match().empty();
}

verdict judge_read(const http::request& request, const std::string& etag,
                   std::int64_t modified_ms) {
  if (const auto* match = find_header(request, "if-match")) {
    if (!any_matches(*match, etag)) return verdict::failed;
  } else if (const auto date = date_of(request, "if-unmodified-since")) {
    if (whole_second(modified_ms) > *date) return verdict::failed;
  }
  if (const auto* none_match = find_header(request, "if-none-match")) {
    if (any_matches(*none_match, etag)) return verdict::not_modified;
  } else if (const auto date = date_of(request, "if-modified-since")) {
    if (whole_second(modified_ms) <= *date) return verdict::not_modified;
  }
  return verdict::go_on;
}

std::optional<byte_range> read_range(const http::request& request, const std::string& etag,
                                     std::int64_t modified_ms, std::uint64_t size) {
  const auto* header = find_header(request, "range");
  if (!header || !range_still_wanted(request, etag, modified_ms)) return {};
  auto text = trimmed(*header);
  if (lower(text.substr(0, 6)) != "bytes=") return {};
  text.remove_prefix(6);
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  const auto first = parse_number(trimmed(text.substr(0, dash)), UINT64_MAX);
  const auto last = parse_number(trimmed(text.substr(dash + 1)), UINT64_MAX);
  if (dash == 0) {
    if (!last) return {};
    if (*last == 0 || size == 0) throw unsatisfiable(*header, size);
    const auto length = std::min(*last, size);
    return byte_range{size - length, length};
  }
  const bool open_end = trimmed(text.substr(dash + 1)).empty();
  if (!first || (!last && !open_end) || (last && *last < *first)) return {};
  if (*first >= size) throw unsatisfiable(*header, size);
  const auto end = last ? std::min(*last, size - 1) : size - 1;
  return byte_range{*first, end - *first + 1};
}

}  // namespace dunlin::s3
