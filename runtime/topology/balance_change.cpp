#include "runtime/topology/balance_change.hpp"

#include "runtime/topology/balance_condition.hpp"
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
  void of(const char* key, bool value) { line(key, value ? "true" : "false"); }
  void of(const char* key, std::uint32_t value) { line(key, fmt::format("{}", value)); }
  /// The shortest text that reads back as the same number.
  void of(const char* key, double value) { line(key, fmt::format("{}", value)); }
  void of(const char* key, std::chrono::milliseconds value) {
    line(key, fmt::format("\"{}\"", show_duration(value)));
  }
  void word(const char* key, std::string_view value) { line(key, fmt::format("\"{}\"", value)); }

  template <class All, class Show>
  void list(const char* key, const All& all, Show show) {
    std::string parts;
    for (const auto& one : all)
      parts += fmt::format("{}{}", parts.empty() ? "" : ", ", show(one));
    line(key, fmt::format("[{}]", parts));
  }

  std::string text;

private:
  std::string table_;
};

std::string show_accept(const balance::acceptance& what) {
  printer to{"accept"};
  to.word("against", what.against == balance::scale::relative ? "relative" : "literal");
  to.list("steps", what.steps, show_step);
  to.of("ceiling", what.ceiling);
  to.of("fleet_floor", what.fleet_floor);
  to.of("last_resort", what.last_resort);
  to.of("last_resort_cap", what.last_resort_cap);
  to.of("attempts_max", what.attempts_max);
  return to.text;
}

std::string show_load(const balance::load& what) {
  printer to{"load"};
  to.of("sample_interval", what.sample_interval);
  to.of("latest_weight", what.latest_weight);
  to.of("history", what.history);
  to.word("decay", what.shape == balance::decay::exponential ? "exponential" : "linear");
  to.of("failure_overhead", what.failure_overhead);
  to.of("credit", what.credit);
  to.of("declared", what.declared);
  to.of("declared_rate", what.declared_rate);
  return to.text;
}

std::string show_peers(const balance::peers& what) {
  printer to{"peers"};
  to.of("exchange", what.exchange);
  to.of("stale_after", what.stale_after);
  return to.text;
}

std::string_view name_of(balance::target which) {
  switch (which) {
    case balance::target::best_fit: return "best_fit";
    case balance::target::oldest: return "oldest";
    case balance::target::heaviest: return "heaviest";
    case balance::target::random: return "random";
  }
  return "";
}

std::string show_rebalance(const balance::rebalancing& what) {
  printer to{"rebalance"};
  to.of("enabled", what.enabled);
  to.of("trigger", what.trigger);
  to.of("floor", what.floor);
  to.of("peers_below", what.peers_below);
  if (what.when) to.line("when", show_condition(*what.when));
  to.of("peers_willing", what.peers_willing);
  if (what.peers_level) to.of("peers_level", *what.peers_level);
  to.of("interval_min", what.interval_min);
  to.of("moves_at_once", what.moves_at_once);
  to.word("target", name_of(what.choice));
  to.of("fit_max", what.fit_max);
  to.of("demand_history", what.demand_history);
  to.of("age_min", what.age_min);
  to.of("cool_down", what.cool_down);
  to.of("refusal", what.refusal);
  to.of("rehome", what.rehome);
  to.of("close_anyway", what.close_anyway);
  to.of("throttle", what.throttle);
  return to.text;
}

std::string_view name_of(balance::pick which) {
  switch (which) {
    case balance::pick::digest: return "digest";
    case balance::pick::success: return "success";
    case balance::pick::random: return "random";
    case balance::pick::round_robin: return "round_robin";
    case balance::pick::cycle: return "cycle";
  }
  return "";
}

std::string show_choose(const balance::picking& what) {
  printer to{"choose"};
  to.list("by_attempt", what.by_attempt,
          [](balance::pick one) { return fmt::format("\"{}\"", name_of(one)); });
  to.of("rack_first", what.rack_first);
  to.of("offer_timeout", what.offer_timeout);
  to.of("retry_hint", what.retry_hint);
  to.of("patience", what.patience);
  to.of("failures_target", what.failures_target);
  to.of("lines_max", what.lines_max);
  to.of("idle_timeout", what.idle_timeout);
  to.of("first_byte_timeout", what.first_byte_timeout);
  return to.text;
}

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
  std::string text;
  for (const auto& [key, word] : words)
    text += fmt::format("{} = {}\n", key, quoted(word));
  return text;
}

std::string show_balance(const balance::settings& what) {
  return show_accept(what.accept) + show_load(what.load) + show_peers(what.peers) +
         show_rebalance(what.rebalance) + show_choose(what.choose);
}

}  // namespace dunlin::topology
