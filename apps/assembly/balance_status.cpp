#include "apps/assembly/balance_status.hpp"

#include "apps/assembly/json_reader.hpp"
#include "apps/assembly/proto_json.hpp"

namespace dunlin::assembly {

namespace json = boost::json;

namespace {

template <class Status>
json::value or_null(const std::optional<Status>& status) {
  return status ? json::value(to_object(*status)) : json::value(nullptr);
}

template <class Status>
void read_role(const json_reader& from, std::string_view key, std::optional<Status>& into) {
  if (const auto* said = from.find(key); said && said->is_object())
    read_object(*said, into.emplace());
}

result<json::value> parse(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error || !value.is_object()) return ec::bad_message;
  return value;
}

}  // namespace

std::string to_json(const balance_status& status) {
  json::value settings = nullptr;
  if (const auto& own = status.settings)
    settings = json::object{{"version", own->version},
                            {"known", own->known},
                            {"changes", own->changes},
                            {"in_use", own->in_use},
                            {"mistakes", own->mistakes}};
  return json::serialize(json::object{{"name", status.name},
                                      {"settings", std::move(settings)},
                                      {"admission", or_null(status.admission)},
                                      {"balancer", or_null(status.balancer)}});
}

result<balance_status> parse_balance_status(std::string_view text) {
  const auto value = parse(text);
  if (!value) return value.error();
  balance_status status;
  const json_reader from{*value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  if (const auto* settings = from.find("settings"); settings && settings->is_object()) {
    auto& own = status.settings.emplace();
    const json_reader said{*settings};
    said.read("version", own.version);
    said.read("known", own.known);
    said.read("changes", own.changes);
    said.read("in_use", own.in_use);
    said.read("mistakes", own.mistakes);
  }
  read_role(from, "admission", status.admission);
  read_role(from, "balancer", status.balancer);
  return status;
}

std::string to_json(const balance_change_status& status) {
  return json::serialize(json::object{
      {"name", status.name}, {"version", status.version}, {"changes", status.changes}});
}

result<balance_change_status> parse_balance_change_status(std::string_view text) {
  const auto value = parse(text);
  if (!value) return value.error();
  balance_change_status status;
  const json_reader from{*value};
  from.read("name", status.name);
  if (status.name.empty()) return ec::bad_message;
  from.read("version", status.version);
  from.read("changes", status.changes);
  return status;
}

}  // namespace dunlin::assembly
