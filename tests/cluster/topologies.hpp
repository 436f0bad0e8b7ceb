/// Topologies and seeds of the virtual clusters.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace dunlin::testkit {

inline const std::string three_nodes = R"(
[cluster]
name = "virtual"
folder = "/virtual"

[[node]]
name = "n1"
roles = ["database", "storage", "access"]
control = "127.0.0.1:7111"
bulk = "127.0.0.1:7112"
admin = "127.0.0.1:7113"
s3 = "127.0.0.1:7110"

[[node]]
name = "n2"
roles = ["database", "storage", "access"]
control = "127.0.0.1:7121"
bulk = "127.0.0.1:7122"
admin = "127.0.0.1:7123"
s3 = "127.0.0.1:7120"

[[node]]
name = "n3"
roles = ["database", "storage", "access"]
control = "127.0.0.1:7131"
bulk = "127.0.0.1:7132"
admin = "127.0.0.1:7133"
s3 = "127.0.0.1:7130"
)";

/// The seeds from 1 to `count`. DUNLIN_SEED=N: that one alone. DUNLIN_SEEDS=N: up to N instead,
/// from DUNLIN_FIRST_SEED.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
  const auto number = [](const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
  };
  if (const auto one = number("DUNLIN_SEED", 0)) return {one};
  std::vector<std::uint64_t> all;
  for (auto seed = number("DUNLIN_FIRST_SEED", 1); seed <= number("DUNLIN_SEEDS", count); ++seed)
    all.push_back(seed);
  return all;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines)
    text += "\n  " + line;
  return text;
}

}  // namespace dunlin::testkit
