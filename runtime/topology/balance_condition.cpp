#include "runtime/topology/balance_condition.hpp"

namespace dunlin::topology {

namespace {

using balance::condition;
constexpr const char* mend =
    "write \"cpu\", {below = [\"cpu\", 0.6]}, {above = […]}, {all = […]} or {any = […]}";

std::vector<std::string> resources() {
  std::vector<std::string> names;
  for (const auto one : balance::all_resources)
    names.emplace_back(balance::to_string(one));
  return names;
}

void read_resource(const toml::node& from, condition& into, report& mistakes) {
  const auto* text = from.as_string();
  const auto read = text ? balance::resource_named(text->get()) : std::nullopt;
  if (read)
    into.of = *read;
  else
    mistakes.add(at(from.source()), fmt::format("'{}' is no resource", text ? text->get() : ""),
                 suggest(text ? text->get() : "", resources()));
}

/// "cpu", or ["cpu", 0.6].
condition read_comparison(condition::kind what, const toml::node& from, report& mistakes) {
  condition made{what, {}, {}, {}};
  const auto* list = from.as_array();
  if (!list) {
    read_resource(from, made, mistakes);
    return made;
  }
  if (list->size() != 2 || !(*list)[1].is_number()) {
    mistakes.add(at(from.source()), "a comparison is a resource and a number", mend);
    return made;
  }
  read_resource((*list)[0], made, mistakes);
  made.limit = *(*list)[1].value<double>();
  return made;
}

condition read_parts(condition::kind what, const toml::node& from, report& mistakes) {
  condition made{what, {}, {}, {}};
  if (const auto* list = from.as_array())
    for (const auto& part : *list)
      made.parts.push_back(read_condition(part, mistakes));
  else
    mistakes.add(at(from.source()), "all and any take a list", mend);
  return made;
}

}  // namespace

condition read_condition(const toml::node& from, report& mistakes) {
  using kind = condition::kind;
  if (from.is_string()) return read_comparison(kind::below, from, mistakes);
  const auto* table = from.as_table();
  if (table && table->size() == 1) {
    const auto first = table->begin();
    const auto key = first->first.str();
    const auto& value = first->second;
    if (key == "below") return read_comparison(kind::below, value, mistakes);
    if (key == "above") return read_comparison(kind::above, value, mistakes);
    if (key == "all") return read_parts(kind::all, value, mistakes);
    if (key == "any") return read_parts(kind::any, value, mistakes);
  }
  mistakes.add(at(from.source()), "this is no condition", mend);
  return {};
}

balance::step read_step(const toml::node& from, report& mistakes) {
  balance::step made;
  if (from.is_number()) {
    made.threshold = *from.value<double>();
    return made;
  }
  const auto* table = from.as_table();
  const auto* threshold = table ? table->get("threshold") : nullptr;
  if (!threshold || !threshold->is_number()) {
    mistakes.add(at(from.source()), "this is no row of thresholds",
                 "write 1.06, or {threshold = 0.6, when = {all = [\"cpu\", \"net\"]}}");
    return made;
  }
  made.threshold = *threshold->value<double>();
  for (const auto& [key, value] : *table)
    if (key == "when")
      made.when = read_condition(value, mistakes);
    else if (key != "threshold")
      mistakes.add(at(key.source()), fmt::format("unknown key '{}' of a row", key.str()),
                   "one of: threshold, when");
  return made;
}

std::string show_condition(const condition& form) {
  using kind = condition::kind;
  const auto of = balance::to_string(form.of);
  if (form.what == kind::below || form.what == kind::above) {
    const auto above = form.what == kind::above;
    if (form.limit)
      return fmt::format("{{{} = [\"{}\", {}]}}", above ? "above" : "below", of, *form.limit);
    return above ? fmt::format("{{above = \"{}\"}}", of) : fmt::format("\"{}\"", of);
  }
  std::string parts;
  for (const auto& part : form.parts)
    parts += fmt::format("{}{}", parts.empty() ? "" : ", ", show_condition(part));
  return fmt::format("{{{} = [{}]}}", form.what == kind::all ? "all" : "any", parts);
}

std::string show_step(const balance::step& row) {
  if (row.when == condition{}) return fmt::format("{}", row.threshold);
  return fmt::format("{{threshold = {}, when = {}}}", row.threshold, show_condition(row.when));
}

}  // namespace dunlin::topology
