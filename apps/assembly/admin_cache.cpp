#include "apps/assembly/admin_cache.hpp"

#include "apps/assembly/json_reader.hpp"
#include "runtime/topology/cache_change.hpp"

namespace dunlin::assembly {

namespace json = boost::json;

namespace {

constexpr auto form =
    R"(send {"type": T, "set": {KEY: VALUE, …}} or {"type": T, "drop": true}, and "service": N for one)";

std::map<std::string, std::string> words_of(const json::object& from) {
  std::map<std::string, std::string> words;
  for (const auto& [key, value] : from)
    words[key] = value.is_string() ? value.as_string().c_str() : json::serialize(value);
  return words;
}

set_cache to_set(const topology::cache_change& from) {
  set_cache made;
  made.validated = from.validated;
  made.time_to_live = from.time_to_live;
  made.staleness_max = from.staleness_max;
  made.invalidation_interval = from.invalidation_interval;
  if (from.items_max) made.items_max = *from.items_max;
  if (from.bytes_max) made.bytes_max = *from.bytes_max;
  made.carry_values = from.values;
  return made;
}

std::string text_of(const std::vector<topology::mistake>& mistakes) {
  std::string text;
  for (const auto& one : mistakes) {
    if (!text.empty()) text += "\n";
    text += one.mend.empty() ? one.text : one.text + "; " + one.mend;
  }
  return text;
}

}  // namespace

std::variant<change_caches, std::string> read_cache_instruction(const topology::cluster& of,
                                                                const std::string& body) {
  boost::system::error_code error;
  const auto wish = json::parse(body, error);
  if (error || !wish.is_object()) return form;
  const json_reader from{wish};
  change_caches made;
  from.read("type", made.type);
  if (std::uint64_t service = UINT64_MAX; from.find("service")) {
    from.read("service", service);
    made.service = service;
  }
  bool drop = false;
  from.read("drop", drop);
  const auto* set = from.find("set");
  if (drop == (set != nullptr) || (set && !set->is_object())) return form;
  if (drop && !made.type.empty() && !of.options.caches.contains(made.type))
    return "'" + made.type + "' is no type of near caches";
  if (drop) return made;
  const auto outcome = topology::read_cache_change(of, made.type, words_of(set->as_object()));
  if (!outcome.read) return text_of(outcome.mistakes);
  made.set = to_set(*outcome.read);
  return made;
}

}  // namespace dunlin::assembly
