#include "actors/message_queue/type_set.hpp"

#include <algorithm>

namespace dunlin::queue {

bool type_set::has(const std::string& type) const {
  return std::binary_search(types.begin(), types.end(), type);
}

bool type_set::overflows(const options& limits, const enqueue& what) const {
  if (pending.empty()) return false;
  std::size_t bytes = pending.bytes(), updates = pending.updates();
  for (const auto& changes : what.changes) {
    if (!has(changes.type)) continue;
    bytes += bytes_of(changes);
    updates += changes.updates.size();
    if (pending.overflows(limits, changes)) return true;
  }
  return bytes > limits.batch_bytes_max || updates > limits.batch_updates_max;
}

void type_set::add(const spool_row& row) {
  for (const auto& changes : row.what->changes)
    if (has(changes.type)) pending.add(changes, row.number, row.expires);
}

std::uint64_t type_set::idle_through(std::uint64_t last_row) const {
  return pending.empty() ? std::max(last_row, ring.last()) : pending.first_row() - 1;
}

std::uint64_t type_set::through_of(const subscriber& of, std::uint64_t last_row) const {
  const auto through = of.cursor.through();
  return through >= ring.last() ? std::max(through, idle_through(last_row)) : through;
}

}  // namespace dunlin::queue
