#include "runtime/topology/balance_change.hpp"

#include "runtime/topology/balance_condition.hpp"
#include "runtime/topology/balance_key_table.hpp"
#include "runtime/topology/balance_keys.hpp"

#include <iterator>
#include <sstream>

namespace dunlin::topology {

namespace {

constexpr std::size_t text_bytes_max = 16u << 10;

std::optional<toml::table> parse(const std::string& text, const std::string& path,
                                 report& mistakes) {
  if (text.size() > text_bytes_max) {
    mistakes.add({}, "the text is larger than 16KiB", "leave out what is not changed");
    return {};
  }
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    mistakes.add(at(error.source()), fmt::format("this is no TOML: {}", error.description()),
                 "write for example: rebalance.trigger = 1.08");
    return {};
  }
}

void lay_over(toml::table& under, const toml::table& over) {
  for (const auto& [key, value] : over) {
    auto* below = under.get(key);
    // Tables of one key are forms ({all = …}): those replace each other whole.
    if (below && below->is_table() && value.is_table() && key != "when")
      lay_over(*below->as_table(), *value.as_table());
    else
      under.insert_or_assign(key, value);
  }
}

class printer {
public:
  explicit printer(std::string table) : table_{std::move(table)} {}

  void line(const char* key, const std::string& value) {
    text += fmt::format("{}.{} = {}\n", table_, key, value);
  }
  void flag(const char* key, bool value) { line(key, value ? "true" : "false"); }
  void count(const char* key, std::uint32_t value) { line(key, fmt::format("{}", value)); }
  /// The shortest text that reads back as the same number.
  void real(const char* key, double value) { line(key, fmt::format("{}", value)); }
  void maybe_real(const char* key, const std::optional<double>& value) {
    if (value) real(key, *value);
  }
  void time(const char* key, std::chrono::milliseconds value) {
    line(key, fmt::format("\"{}\"", show_duration(value)));
  }
  template <class Enum>
  void word(const char* key, Enum value, const words<Enum>& all) {
    line(key, quoted_name(value, all));
  }
  template <class Enum>
  void list(const char* key, const std::vector<Enum>& values, const words<Enum>& all) {
    each(key, values, [&](Enum one) { return quoted_name(one, all); });
  }
  void steps(const char* key, const std::vector<balance::step>& all) { each(key, all, show_step); }
  void form(const char* key, const std::optional<balance::condition>& value) {
    if (value) line(key, show_condition(*value));
  }

  std::string text;

private:
  template <class Enum>
  static std::string quoted_name(Enum which, const words<Enum>& all) {
    for (const auto& [name, value] : all)
      if (value == which) return fmt::format("\"{}\"", name);
    return "\"\"";
  }

  template <class All, class Show>
  void each(const char* key, const All& all, Show show) {
    std::string parts;
    for (const auto& one : all)
      parts += fmt::format("{}{}", parts.empty() ? "" : ", ", show(one));
    line(key, fmt::format("[{}]", parts));
  }

  std::string table_;
};

/// A value that is TOML as it stands stays so; anything else gets its quotes.
std::string quoted(const std::string& word) {
  try {
    const auto ignored = toml::parse("x = " + word);
    return ignored.size() == 1 ? word : "\"\"";
  } catch (const toml::parse_error&) {
    std::string made = "\"";
    for (const auto c : word) {
      if (c == '"' || c == '\\') made += '\\';
      made += c;
    }
    return made + '"';
  }
}

}  // namespace

balance_change apply_balance(const balance::settings& over, const std::string& text,
                             const std::string& path) {
  report mistakes{path};
  auto made = over;
  if (const auto root = parse(text, path, mistakes)) {
    table_reader from{&*root, "balance.", mistakes};
    read_balance_keys(from, made, mistakes);
  }
  if (!mistakes.empty()) return {{}, mistakes.take()};
  return {std::move(made), {}};
}

std::string merge_balance(const std::string& before, const std::string& change) {
  report ignored{""};
  const auto over = parse(change, "change", ignored);
  if (!over) return before;
  auto under = over->contains("mode") ? std::nullopt : parse(before, "before", ignored);
  auto merged = under ? std::move(*under) : toml::table{};
  lay_over(merged, *over);
  std::ostringstream text;
  text << merged << '\n';
  return text.str();
}

std::string balance_text(const std::map<std::string, std::string>& words) {
  const std::string table = "balance.";
  std::string text;
  for (const auto& [key, word] : words)
    text += fmt::format("{} = {}\n", key.rfind(table, 0) == 0 ? key.substr(table.size()) : key,
                        quoted(word));
  return text;
}

std::string show_balance(const balance::settings& what) {
  std::string text;
  tables(what, [&](const char* name, const auto& of) {
    printer to{name};
    keys(to, of);
    text += to.text;
  });
  return text;
}

}  // namespace dunlin::topology
