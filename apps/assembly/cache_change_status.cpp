#include "apps/assembly/cache_change_status.hpp"

#include "apps/assembly/json_reader.hpp"

namespace dunlin::assembly {

namespace json = boost::json;

std::string to_json(const cache_change_status& status) {
  json::array caches;
  for (const auto& one : status.caches)
    caches.push_back(
        json::object{{"service", one.service}, {"type", one.type}, {"error", one.error}});
  return json::serialize(json::object{{"name", status.name}, {"caches", std::move(caches)}});
}

result<cache_change_status> parse_cache_change_status(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return ec::bad_message;
  cache_change_status status;
  const json_reader from{value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  from.read_all("caches", status.caches, [](const json_reader& said, auto& one) {
    said.read("service", one.service);
    said.read("type", one.type);
    said.read("error", one.error);
  });
  return status;
}

}  // namespace dunlin::assembly
