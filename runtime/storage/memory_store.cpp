#include "runtime/storage/memory_store.hpp"

namespace dunlin {

memory_store::rows& memory_store::of(table where) {
  const auto number = static_cast<std::size_t>(where);
  DUNLIN_ASSERT(number < tables_.size());
  return tables_[number];
}

std::optional<std::string> memory_store::get(table where, std::string_view key) {
  const auto& rows = of(where);
  const auto found = rows.find(key);
  if (found == rows.end()) return std::nullopt;
  return found->second;
}

void memory_store::put(table where, std::string_view key, std::string_view value) {
  of(where).insert_or_assign(std::string(key), std::string(value));
}

void memory_store::erase(table where, std::string_view key) {
  auto& rows = of(where);
  if (const auto found = rows.find(key); found != rows.end()) rows.erase(found);
}

void memory_store::scan(table where, std::string_view from, const visitor& visit) {
  const auto& rows = of(where);
  for (auto at = rows.lower_bound(from); at != rows.end(); ++at)
    if (!visit(at->first, at->second)) return;
}

void memory_store::scan_back(table where, std::string_view from, const visitor& visit) {
  const auto& rows = of(where);
  for (auto at = rows.upper_bound(from); at != rows.begin();) {
    --at;
    if (!visit(at->first, at->second)) return;
  }
}

}  // namespace dunlin
