#include "actors/storage_node/ticket_table.hpp"

#include "messages/page_id.hpp"

namespace dunlin {

void ticket_table::drop_late(time now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    tickets_.erase(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
  }
}

bool ticket_table::make_room(time now) {
  if (tickets_.size() < limits_.tickets_max) return true;
  const auto next = deadlines_.begin();
  const auto found = tickets_.find(next->second);
  if (found->second.since + limits_.droppable_after > now) return false;
  tickets_.erase(found);
  deadlines_.erase(next);
  return true;
}

result<void> ticket_table::add(const std::string& secret, transfer_grant grant, time now,
                               time lifetime) {
  drop_late(now);
  if (!make_room(now)) return ec::overloaded;
  const auto deadline = now + lifetime;
  if (!tickets_.emplace(secret, ticket{std::move(grant), now, deadline, 0, {}}).second)
    return ec::already_exists;
  deadlines_.emplace(deadline, secret);
  return {};
}

bool ticket_table::take(ticket& of, std::uint64_t index) const {
  if (index < of.spent_below || of.spent.contains(index)) return false;
  if (index - of.spent_below > limits_.ahead_max) return false;
  of.spent.insert(index);
  while (of.spent.erase(of.spent_below) > 0)
    ++of.spent_below;
  return true;
}

result<transfer_grant> ticket_table::spend(const std::string& secret, transfer_kind kind,
                                           const std::string& page, time now) {
  drop_late(now);
  const auto at = tickets_.find(secret);
  if (at == tickets_.end() || page.size() != page_id_bytes) return ec::refused;
  auto& found = at->second;
  const auto index = page_distance(found.grant.first_page, page);
  if (found.grant.kind != kind || !index || *index >= found.grant.pages) return ec::refused;
  if (!take(found, *index)) return ec::refused;
  auto grant = found.grant;
  // Most tickets are for one small object: they need not wait for their deadline.
  if (found.spent_below == found.grant.pages) {
    const auto [from, to] = deadlines_.equal_range(found.deadline);
    for (auto entry = from; entry != to; ++entry)
      if (entry->second == secret) {
        deadlines_.erase(entry);
        break;
      }
    tickets_.erase(at);
  }
  return grant;
}

}  // namespace dunlin
