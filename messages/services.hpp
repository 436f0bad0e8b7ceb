/// SERVICES of a node, each with near caches of its own (Q16, docs/decisions/0012). The numbers
/// cross nodes and are in reports: append only. No CAF, no Protobuf.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dunlin::services {

inline constexpr std::uint64_t all = 0;  ///< of the node together: the subscriber, shared caches
inline constexpr std::uint64_t s3 = 1;
inline constexpr std::uint64_t management = 2;  ///< users, keys, policies
inline constexpr std::uint64_t background = 3;  ///< collectors, repair

constexpr std::string_view name_of(std::uint64_t service) {
  switch (service) {
    case all: return "all";
    case s3: return "s3";
    case management: return "management";
    case background: return "background";
    default: return "unknown";
  }
}

/// None: there is no such service.
constexpr std::optional<std::uint64_t> find(std::string_view name) {
  for (const auto one : {all, s3, management, background})
    if (name == name_of(one)) return one;
  return std::nullopt;
}

}  // namespace dunlin::services
