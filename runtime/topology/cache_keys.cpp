#include "runtime/topology/cache_keys.hpp"

namespace dunlin::topology {

namespace {

using namespace std::chrono_literals;

bool read_mode(table_reader& from, bool& validated) {
  std::string mode;
  if (!from.text("mode", mode)) return false;
  validated = mode == "validated";
  if (validated || mode == "bounded") return true;
  return from.refuse("mode", fmt::format("'{}' is no mode", mode),
                     suggest(mode, {"bounded", "validated"}));
}

/// Zero stands for never.
bool read_interval(table_reader& from, std::chrono::milliseconds& into) {
  auto read = into;
  if (!from.duration("invalidation_interval", read, 0ms, 1440min)) return false;
  into = read;
  if (read == 0ms || read >= 1s) return true;
  return from.refuse("invalidation_interval",
                     fmt::format("{} is out of range", show_duration(read)),
                     "give 1s to 86400s, or 0s for never");
}

}  // namespace

void read_cache_keys(table_reader& from, const std::string& type, cache_settings& to, draft& into) {
  const auto note = [&](const std::string& key, bool read) {
    const auto name = "cache." + type + "." + key;
    if (read)
      into.places[name] = from.where(key);
    else if (from.has(key))
      into.refused.insert(name);
  };
  note("mode", read_mode(from, to.validated));
  note("time_to_live", from.duration("time_to_live", to.time_to_live, 1s, 1440min));
  note("staleness_max", from.duration("staleness_max", to.staleness_max, 100ms, 60s));
  note("items_max", from.number("items_max", to.items_max, 1, 10'000'000));
  note("bytes_max", from.size("bytes_max", to.bytes_max, 64u << 10, std::uint64_t(64) << 30));
  note("values", from.flag("values", to.values));
  note("mirror", from.flag("mirror", to.mirror));
  note("invalidation_interval", read_interval(from, to.invalidation_interval));
  from.finish();
}

}  // namespace dunlin::topology
