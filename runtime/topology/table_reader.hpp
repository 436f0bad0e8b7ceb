/// Takes typed values out of a TOML table; every wrong one becomes a mistake at its place. Private
/// to read.cpp, with which it is the only user of toml++.
#pragma once

#include "runtime/topology/draft.hpp"
#include "runtime/topology/spelling.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace dunlin::topology {

inline place at(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

inline std::string_view kind(const toml::node& value) {
  switch (value.type()) {
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::array: return "a list";
    case toml::node_type::table: return "a table";
    default: return "a date or time";
  }
}

/// Takes the known keys of one table and complains of the rest.
class table_reader {
public:
  table_reader(const toml::table* from, std::string where, report& mistakes)
      : from_{from}, where_{std::move(where)}, mistakes_{mistakes} {}

  /// Each takes one key: false if it is absent or wrong (a mistake is then noted).
  bool text(const std::string& key, std::string& into) {
    const auto* value = take(key, toml::node_type::string, "text in quotes");
    if (!value) return false;
    into = value->as_string()->get();
    return true;
  }

  bool flag(const std::string& key, bool& into) {
    const auto* value = take(key, toml::node_type::boolean, "true or false");
    if (!value) return false;
    into = value->as_boolean()->get();
    return true;
  }

  bool number(const std::string& key, std::uint32_t& into, std::uint32_t least,
              std::uint32_t most) {
    const auto* value = take(key, toml::node_type::integer, "a whole number");
    if (!value) return false;
    const auto read = value->as_integer()->get();
    if (read < least || read > most)
      return refuse(key, fmt::format("{} is out of range", read),
                    fmt::format("give {} to {}", least, most));
    into = static_cast<std::uint32_t>(read);
    return true;
  }

  /// 0 <= into < 1
  bool fraction(const std::string& key, double& into) {
    const auto* value = find(key);
    if (!value) return false;
    const auto read = value->value<double>();
    if (!read || !value->is_number()) {
      take(key, toml::node_type::floating_point, "a fraction, for example 0.1");
      return false;
    }
    if (!(*read >= 0 && *read < 1))
      return refuse(key, fmt::format("{} is out of range", *read),
                    "give 0 or more, and less than 1");
    into = *read;
    return true;
  }

  /// Whole numbers too.
  bool real(const std::string& key, double& into, double least, double most) {
    const auto* value = find(key);
    if (!value) return false;
    const auto read = value->value<double>();
    if (!read || !value->is_number()) {
      take(key, toml::node_type::floating_point, "a number, for example 1.5");
      return false;
    }
    if (!std::isfinite(*read))
      return refuse(key, fmt::format("{} is no finite number", *read), "give for example 1.5");
    if (!(*read >= least && *read <= most))
      return refuse(key, fmt::format("{} is out of range", *read),
                    fmt::format("give {} to {}", least, most));
    into = *read;
    return true;
  }

  bool size(const std::string& key, std::uint64_t& into, std::uint64_t least, std::uint64_t most) {
    const auto* value = find(key);
    if (!value) return false;
    std::optional<std::uint64_t> read;
    if (const auto* bytes = value->as_integer(); bytes && bytes->get() >= 0)
      read = static_cast<std::uint64_t>(bytes->get());
    if (const auto* words = value->as_string()) read = parse_size(words->get());
    if (!read) return refuse(key, "is no size", "write bytes, or for example \"16MiB\"");
    if (*read < least || *read > most)
      return refuse(key, fmt::format("{} is out of range", show_size(*read)),
                    fmt::format("give {} to {}", show_size(least), show_size(most)));
    into = *read;
    return true;
  }

  bool duration(const std::string& key, std::chrono::milliseconds& into,
                std::chrono::milliseconds least, std::chrono::milliseconds most) {
    const auto* value = find(key);
    if (!value) return false;
    const auto* words = value->as_string();
    const auto read = words ? parse_duration(words->get()) : std::nullopt;
    if (!read)
      return refuse(key, "is no duration", "write a number and ms, s or m, for example \"250ms\"");
    if (*read < least || *read > most)
      return refuse(key, fmt::format("{} is out of range", show_duration(*read)),
                    fmt::format("give {} to {}", show_duration(least), show_duration(most)));
    into = *read;
    return true;
  }

  bool address(const std::string& key, endpoint& into) {
    std::string words;
    if (!text(key, words)) return false;
    const auto read = parse_endpoint(words);
    if (!read)
      return refuse(key, fmt::format("'{}' is no address", words),
                    "write \"host:port\" with a port of 1 to 65535, IPv6 as \"[::1]:port\"");
    into = *read;
    return true;
  }

  const toml::node* take(const std::string& key, toml::node_type type, std::string_view wanted) {
    const auto* value = find(key);
    if (!value || value->type() == type) return value;
    refuse(key, fmt::format("is {}", kind(*value)), fmt::format("give {}", wanted));
    return nullptr;
  }

  const toml::node* find(const std::string& key) {
    known_.push_back(key);
    return from_ ? from_->get(key) : nullptr;
  }

  bool has(const std::string& key) const { return from_ && from_->contains(key); }

  place where(const std::string& key) const {
    const auto* value = from_ ? from_->get(key) : nullptr;
    return value ? at(value->source()) : from_ ? at(from_->source()) : place{};
  }

  bool refuse(const std::string& key, std::string_view what, std::string mend) {
    mistakes_.add(where(key), fmt::format("{}{} {}", where_, key, what), std::move(mend));
    return false;
  }

  void finish() {
    if (!from_) return;
    for (const auto& [key, value] : *from_) {
      const auto name = std::string(key.str());
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        mistakes_.add(at(key.source()), fmt::format("unknown key '{}{}'", where_, name),
                      suggest(name, known_));
    }
  }

private:
  const toml::table* from_;
  std::string where_;  ///< "objects.", "" for the file itself
  report& mistakes_;
  std::vector<std::string> known_;
};

}  // namespace dunlin::topology
