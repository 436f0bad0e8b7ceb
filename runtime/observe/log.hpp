/// LOG: structured lines, one JSON object each on stderr: time, level, event, fields. Thread safe.
/// Events are named role.past_tense; secrets never become fields.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dunlin::log {

enum class level : std::uint8_t { debug, info, warn, error };

/// A field's value: text or number.
struct value {
  std::string text;
  bool quoted = true;
  value(std::string_view s) : text(s) {}
  value(const char* s) : text(s) {}
  value(const std::string& s) : text(s) {}
  template <class T>
  requires std::is_arithmetic_v<T> value(T number) : quoted(false) {
    if constexpr (std::is_same_v<T, bool>)
      text = number ? "true" : "false";
    else
      text = std::to_string(number);
  }
};

using field = std::pair<std::string_view, value>;
using fields = std::initializer_list<field>;

void write(level severity, std::string_view event, fields values);

inline void debug(std::string_view event, fields values = {}) {
  write(level::debug, event, values);
}
inline void info(std::string_view event, fields values = {}) { write(level::info, event, values); }
inline void warn(std::string_view event, fields values = {}) { write(level::warn, event, values); }
inline void error(std::string_view event, fields values = {}) {
  write(level::error, event, values);
}

void set_level(level lowest);

/// Adds {"node": name} to every line of this process.
void set_node(std::string name);

/// Sends lines elsewhere (tests and simulation); null: back to stderr.
void set_sink(std::function<void(level, const std::string& line)> sink);

}  // namespace dunlin::log
