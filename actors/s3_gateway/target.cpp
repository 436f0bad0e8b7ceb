#include "actors/s3_gateway/target.hpp"

#include "actors/s3_gateway/error.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace dunlin::s3 {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
      if (low < 0) throw error("InvalidURI");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool looks_like_address(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); }) &&
         std::count(name.begin(), name.end(), '.') == 3;
}

}  // namespace

std::vector<parameter> parse_parameters(std::string_view query) {
  std::vector<parameter> out;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto piece = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (piece.empty()) continue;
    const auto equals = std::min(piece.find('='), piece.size());
    const auto value = equals < piece.size() ? piece.substr(equals + 1) : std::string_view();
    out.push_back({percent_decode(piece.substr(0, equals), true), percent_decode(value, true)});
  }
  return out;
}

const std::string* target::find(std::string_view name) const {
  for (const auto& [given, value] : parameters)
    if (given == name) return &value;
  return nullptr;
}

std::string target::value(std::string_view name) const {
  const auto* found = find(name);
  return found ? *found : std::string();
}

target parse_target(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') throw error("InvalidURI");
  const auto question = std::min(raw.find('?'), raw.size());
  target out;
  out.path = percent_decode(raw.substr(0, question), false);
  if (question < raw.size()) out.parameters = parse_parameters(raw.substr(question + 1));
  const auto slash = std::min(out.path.find('/', 1), out.path.size());
  out.bucket = out.path.substr(1, slash - 1);
  if (slash < out.path.size()) out.key = out.path.substr(slash + 1);
  // "//key" must not become the service's own "/": a PUT of an object would change its meaning.
  if (out.bucket.empty() && !out.key.empty()) throw error("InvalidBucketName");
  if (out.key.size() > key_bytes_max) throw error("KeyTooLongError");
  return out;
}

std::string percent_encode(std::string_view bytes, bool keep_slash) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

bool valid_bucket_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() < 3 || name.size() > 63) return false;
  if (!alphanumeric(name.front()) || !alphanumeric(name.back())) return false;
  for (const char c : name)
    if (!alphanumeric(c) && c != '-' && c != '.') return false;
  return name.find("..") == std::string_view::npos && !looks_like_address(name);
}

const std::string* find_header(const http::request& request, std::string_view name) {
  const auto wanted = lower(name);
  for (const auto& header : request.headers)
    if (header.name.size() == wanted.size() && lower(header.name) == wanted) return &header.value;
  return nullptr;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max) {
  std::uint64_t value = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

}  // namespace dunlin::s3
