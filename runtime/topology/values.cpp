#include "runtime/topology/values.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <limits>

namespace dunlin::topology {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array sizes{unit{"GiB", 1ull << 30}, unit{"MiB", 1ull << 20},
                           unit{"KiB", 1ull << 10}, unit{"B", 1}};
constexpr std::array durations{unit{"m", 60'000}, unit{"s", 1'000}, unit{"ms", 1}};

template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text,
                                             const std::array<unit, N>& units) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return {};
  auto name = std::string_view(rest, static_cast<std::size_t>(end - rest));
  if (name.starts_with(' ')) name.remove_prefix(1);
  for (const auto& u : units)
    if (u.name == name) {
      if (number > std::numeric_limits<std::int64_t>::max() / u.factor) return {};
      return number * u.factor;
    }
  return {};
}

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || digit(c); }

bool numeric(int family, const std::string& host) {
  in6_addr address{};
  return inet_pton(family, host.c_str(), &address) == 1;
}

bool good_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return lower_or_digit(c | 0x20) || c == '-'; });
}

bool good_host(const std::string& host) {
  if (host == "*" || numeric(AF_INET, host)) return true;
  if (host.empty() || host.size() > 253) return false;
  std::string_view rest = host;
  bool only_digits = true;
  while (true) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    if (!good_label(label)) return false;
    only_digits = std::all_of(label.begin(), label.end(), digit);
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  // A name whose last label is a number is a mistyped IPv4 address, e.g. 127.0.0.256.
  return !only_digits;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || rest != text.data() + text.size() || port == 0) return {};
  return port;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto parsed = parse_with_unit(text, durations);
  if (!parsed) return {};
  return std::chrono::milliseconds(*parsed);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), digit))
    return parse_with_unit(std::string(text) + "B", sizes);
  return parse_with_unit(text, sizes);
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return {};
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return {};
  auto host = std::string(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!numeric(AF_INET6, host)) return {};
  } else if (!good_host(host)) {
    return {};
  }
  return endpoint{host, *port};
}

bool wildcard(const endpoint& where) {
  if (where.host == "*" || where.host == "0.0.0.0") return true;
  in6_addr address{};
  if (inet_pton(AF_INET6, where.host.c_str(), &address) != 1) return false;
  return IN6_IS_ADDR_UNSPECIFIED(&address);
}

bool good_name(std::string_view text) {
  return good_label(text) && std::all_of(text.begin(), text.end(),
                                         [](char c) { return lower_or_digit(c) || c == '-'; });
}

std::string absolute_path(const std::string& base, const std::string& path) {
  auto made = (std::filesystem::path(base) / path).lexically_normal();
  if (!made.has_filename()) made = made.parent_path();
  return made.string();
}

std::string show_size(std::uint64_t bytes) {
  for (const auto& u : sizes)
    if (bytes >= u.factor && bytes % u.factor == 0)
      return fmt::format("{}{}", bytes / u.factor, u.name);
  return fmt::format("{}B", bytes);
}

std::string show_duration(std::chrono::milliseconds time) {
  const auto ms = time.count();
  return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

}  // namespace dunlin::topology
