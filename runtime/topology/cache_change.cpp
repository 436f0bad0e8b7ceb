#include "runtime/topology/cache_change.hpp"

#include "runtime/topology/cache_keys.hpp"

#include <charconv>

namespace dunlin::topology {

namespace {

/// As a file would say it, with its quotes.
toml::table to_table(const std::map<std::string, std::string>& words) {
  toml::table made;
  for (const auto& [key, word] : words) {
    std::int64_t number = 0;
    const auto* end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, number);
    if (word == "true" || word == "false")
      made.insert(key, word == "true");
    else if (error == std::errc{} && rest == end)
      made.insert(key, number);
    else
      made.insert(key, word);
  }
  return made;
}

cache_change change_of(const cache_settings& now, const draft& from, const std::string& type) {
  cache_change made;
  const auto take = [&](const char* key, auto& into, const auto& value) {
    if (from.places.contains("cache." + type + "." + key)) into = value;
  };
  take("mode", made.validated, now.validated);
  take("values", made.values, now.values);
  take("time_to_live", made.time_to_live, now.time_to_live);
  take("staleness_max", made.staleness_max, now.staleness_max);
  take("invalidation_interval", made.invalidation_interval, now.invalidation_interval);
  take("items_max", made.items_max, now.items_max);
  take("bytes_max", made.bytes_max, now.bytes_max);
  return made;
}

std::vector<std::string> names_of(const cache_table& caches) {
  std::vector<std::string> names;
  for (const auto& [type, cache] : caches)
    names.push_back(type);
  return names;
}

}  // namespace

cache_change_outcome read_cache_change(const cluster& of, const std::string& type,
                                       const std::map<std::string, std::string>& words) {
  report mistakes{"set"};
  draft file;
  file.value.options = of.options;
  auto& caches = file.value.options.caches;
  const auto found = caches.find(type);
  const auto table = to_table(words);
  if (found == caches.end()) {
    mistakes.add({}, fmt::format("'{}' is no type of near caches", type),
                 suggest(type, names_of(caches)));
  } else if (words.empty()) {
    mistakes.add({}, "nothing is to be changed", "give for example staleness_max=500ms");
  } else if (words.contains("mirror")) {
    mistakes.add({}, fmt::format("cache.{}.mirror cannot be changed while a node runs", type),
                 "set it in the file and restart the node");
  } else {
    table_reader from{&table, fmt::format("cache.{}.", type), mistakes};
    read_cache_keys(from, type, found->second, file);
    check_cache_rules(file, type, mistakes);
  }
  if (!mistakes.empty()) return {{}, mistakes.take()};
  return {change_of(found->second, file, type), {}};
}

}  // namespace dunlin::topology
