#include "runtime/policy/wildcard.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::policy {

namespace {

/// Whether `text` begins with `run`, in which a `?` stands for any one unit.
template <class Unit>
bool begins_with(std::basic_string_view<Unit> text, std::basic_string_view<Unit> run) {
  if (text.size() < run.size()) return false;
  while (!run.empty()) {
    const auto plain = std::min(run.find(Unit{'?'}), run.size());
    if (text.substr(0, plain) != run.substr(0, plain)) return false;
    const auto taken = std::min(plain + 1, run.size());
    text.remove_prefix(taken);
    run.remove_prefix(taken);
  }
  return true;
}

template <class Unit>
std::size_t find_run(std::basic_string_view<Unit> text, std::basic_string_view<Unit> run) {
  if (run.find(Unit{'?'}) == run.npos) return text.find(run);
  for (std::size_t at = 0; at + run.size() <= text.size(); ++at)
    if (begins_with(text.substr(at), run)) return at;
  return text.npos;
}

/// The first run begins the text, the last one ends it, each between stands as early as it can.
template <class Unit>
bool match(const std::vector<std::basic_string<Unit>>& runs, std::basic_string_view<Unit> text) {
  using view = std::basic_string_view<Unit>;
  if (runs.size() == 1) return text.size() == runs[0].size() && begins_with(text, view(runs[0]));
  if (!begins_with(text, view(runs.front()))) return false;
  text.remove_prefix(runs.front().size());
  for (std::size_t i = 1; i + 1 < runs.size(); ++i) {
    const auto at = find_run(text, view(runs[i]));
    if (at == text.npos) return false;
    text.remove_prefix(at + runs[i].size());
  }
  const auto& last = runs.back();
  return text.size() >= last.size() &&
         begins_with(text.substr(text.size() - last.size()), view(last));
}

/// Characters, so that `?` is one of them in any language; a byte that is in none counts alone.
std::u32string characters(std::string_view bytes) {
  std::u32string out;
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    const bool goes_on = (byte & 0xc0) == 0x80;
    // Four bytes at most make one character, and they fit one unit: no need to decode them.
    if (goes_on && !out.empty() && out.back() > 0x7f && out.back() <= 0xffffff)
      out.back() = out.back() << 8 | byte;
    else
      out += static_cast<char32_t>(byte);
  }
  return out;
}

bool beyond_ascii(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

}  // namespace

wildcard::wildcard(std::string_view pattern) : single_(pattern.find('?') != pattern.npos) {
  for (;;) {
    const auto star = pattern.find('*');
    const bool between = !runs_.empty() && star != pattern.npos;
    const auto run = pattern.substr(0, star);
    if (!between || !run.empty()) runs_.emplace_back(run);  // "**" is "*"
    if (star == pattern.npos) return;
    pattern.remove_prefix(star + 1);
  }
}

bool wildcard::matches(std::string_view text) const {
  if (!single_ || !beyond_ascii(text)) return match<char>(runs_, text);
  std::vector<std::u32string> runs;
  for (const auto& run : runs_)
    runs.push_back(characters(run));
  const auto wide = characters(text);
  return match<char32_t>(runs, std::u32string_view(wide));
}

}  // namespace dunlin::policy
