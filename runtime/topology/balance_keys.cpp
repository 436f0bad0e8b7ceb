#include "runtime/topology/balance_keys.hpp"

#include "runtime/topology/balance_condition.hpp"
#include "runtime/topology/balance_key_table.hpp"

#include <limits>

namespace dunlin::topology {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

template <class Enum>
std::vector<std::string> names_of(const words<Enum>& all) {
  std::vector<std::string> names;
  for (const auto& [name, value] : all)
    names.push_back(name);
  return names;
}

/// One table of [balance]; remembers where each key was said.
class section {
public:
  section(table_reader& parent, const std::string& name, report& mistakes,
          std::map<std::string, place>& places)
      : name_{name},
        places_{places},
        mistakes_{mistakes},
        reader_{open(parent, name), "balance." + name + ".", mistakes} {}
  ~section() { reader_.finish(); }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

  void flag(const std::string& key, bool& into) { note(key, reader_.flag(key, into)); }

  void time(const std::string& key, milliseconds& into) {
    note(key, reader_.duration(key, into, 0ms, 24h));
  }

  void count(const std::string& key, std::uint32_t& into) {
    note(key, reader_.number(key, into, 0, std::numeric_limits<std::uint32_t>::max()));
  }

  bool real(const std::string& key, double& into) {
    constexpr auto any = std::numeric_limits<double>::max();  // mistakes_of knows the bounds
    const auto read = reader_.real(key, into, -any, any);
    note(key, read);
    return read;
  }

  void maybe_real(const std::string& key, std::optional<double>& into) {
    if (double value = 0; real(key, value)) into = value;
  }

  template <class Enum>
  void word(const std::string& key, Enum& into, const words<Enum>& all) {
    std::string text;
    if (!reader_.text(key, text)) return;
    if (const auto read = find(all, text))
      into = *read, note(key, true);
    else
      reader_.refuse(key, fmt::format("'{}' is not known", text), suggest(text, names_of(all)));
  }

  template <class Enum>
  void list(const std::string& key, std::vector<Enum>& into, const words<Enum>& all) {
    const auto* value = reader_.take(key, toml::node_type::array, "a list");
    if (!value) return;
    into.clear();
    for (const auto& entry : *value->as_array()) {
      const auto* text = entry.as_string();
      const auto read = text ? find(all, text->get()) : std::nullopt;
      if (read)
        into.push_back(*read);
      else
        mistakes_.add(at(entry.source()), fmt::format("balance.{}.{}: no such choice", name_, key),
                      suggest(text ? text->get() : "", names_of(all)));
    }
    note(key, true);
  }

  void steps(const std::string& key, std::vector<balance::step>& into) {
    const auto* value = reader_.take(key, toml::node_type::array, "a list of rows, one an attempt");
    if (!value) return;
    into.clear();
    for (const auto& entry : *value->as_array())
      into.push_back(read_step(entry, mistakes_));
    note(key, true);
  }

  void form(const std::string& key, std::optional<balance::condition>& into) {
    const auto* value = reader_.find(key);
    if (!value) return;
    into = read_condition(*value, mistakes_);
    note(key, true);
  }

private:
  static const toml::table* open(table_reader& parent, const std::string& name) {
    const auto* value =
        parent.take(name, toml::node_type::table, fmt::format("[balance.{}]", name));
    return value ? value->as_table() : nullptr;
  }

  template <class Enum>
  static std::optional<Enum> find(const words<Enum>& all, const std::string& text) {
    for (const auto& [name, value] : all)
      if (name == text) return value;
    return {};
  }

  void note(const std::string& key, bool read) {
    if (read) places_[name_ + "." + key] = reader_.where(key);
  }

  std::string name_;
  std::map<std::string, place>& places_;
  report& mistakes_;
  table_reader reader_;
};

using placed = std::map<std::string, place>;

void read_mode(table_reader& from, balance::settings& to) {
  std::string mode;
  if (!from.text("mode", mode)) return;
  if (mode == "patent")
    to = balance::patent_settings();
  else if (mode == "relative")
    to = balance::settings{};
  else
    from.refuse("mode", fmt::format("'{}' is no mode", mode),
                suggest(mode, {"relative", "patent"}));
}

/// "accept.ceiling is 20: give …" stands where accept.ceiling does.
void check(const balance::settings& what, const placed& places, place whole, report& mistakes) {
  for (const auto& text : balance::mistakes_of(what)) {
    const auto key = text.substr(0, text.find_first_of(" ["));
    const auto found = places.find(key);
    const auto colon = text.find(": ");
    mistakes.add(found == places.end() ? whole : found->second, "balance." + text.substr(0, colon),
                 colon == text.npos ? "see docs/topology.md" : text.substr(colon + 2));
  }
}

}  // namespace

void read_balance_keys(table_reader& from, balance::settings& to, report& mistakes) {
  placed places;
  // What is wrong by itself is not examined once more.
  const auto before = mistakes.size();
  read_mode(from, to);
  tables(to, [&](const char* name, auto& into) {
    section by{from, name, mistakes, places};
    keys(by, into);
  });
  from.finish();
  if (mistakes.size() == before) check(to, places, {1, 1}, mistakes);
}

}  // namespace dunlin::topology
