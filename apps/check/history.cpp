#include "apps/check/history.hpp"

#include <boost/json.hpp>

namespace dunlin::check {

namespace json = boost::json;

namespace {

std::string text(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> number(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value && value->is_int64() ? std::optional{value->get_int64()} : std::nullopt;
}

std::optional<verb> to_verb(std::string_view name) {
  if (name == "put") return verb::put;
  if (name == "get") return verb::get;
  if (name == "delete") return verb::remove;
  if (name == "list") return verb::list;
  return {};
}

std::optional<outcome> to_outcome(std::string_view name) {
  if (name == "ok") return outcome::ok;
  if (name == "no") return outcome::none;
  if (name == "unknown") return outcome::unknown;
  return {};
}

bool read_found(const json::object& from, operation& into) {
  const auto* list = from.if_contains("found");
  if (!list) return true;
  if (!list->is_array()) return false;
  for (const auto& entry : list->get_array()) {
    const auto* pair = entry.if_array();
    if (!pair || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string())
      return false;
    into.found.emplace_back((*pair)[0].get_string(), (*pair)[1].get_string());
  }
  return true;
}

}  // namespace

result<operation> parse_operation(std::string_view line) {
  boost::system::error_code error;
  const auto value = json::parse(line, error);
  const auto* object = error ? nullptr : value.if_object();
  if (!object) return ec::bad_message;
  const auto op = to_verb(text(*object, "op"));
  const auto ended = to_outcome(text(*object, "outcome"));
  const auto start = number(*object, "start"), end = number(*object, "end");
  operation one;
  if (!op || !ended || !start || !end || *end < *start || !read_found(*object, one))
    return ec::bad_message;
  one.op = *op;
  one.ended = *ended;
  one.start = *start;
  one.end = *end;
  one.bucket = text(*object, "bucket");
  one.key = text(*object, "key");
  one.status = static_cast<int>(number(*object, "status").value_or(0));
  one.etag = text(*object, "etag");
  one.sha = text(*object, "sha");
  one.answered_etag = text(*object, "answered_etag");
  const auto* absent = object->if_contains("if_absent");
  one.if_absent = absent && absent->is_bool() && absent->get_bool();
  if (object->contains("if_match")) one.if_match = text(*object, "if_match");
  const auto names_its_bytes = one.op != verb::put && !(one.op == verb::get && one.status == 200 &&
                                                        one.ended == outcome::ok);
  if (!names_its_bytes && (one.sha.empty() || one.etag.empty())) return ec::bad_message;
  return one;
}

}  // namespace dunlin::check
