#include "actors/message_queue/pending_batch.hpp"

#include "actors/message_queue/batch_writer.hpp"

#include <algorithm>

namespace dunlin::queue {

bool pending_batch::overflows(const options& limits, const type_updates& with) const {
  if (empty()) return false;
  if (bytes_ + bytes_of(with) > limits.batch_bytes_max) return true;
  if (updates_ + with.updates.size() > limits.batch_updates_max) return true;
  const auto found = sections_.find({with.partition, with.type});
  return found != sections_.end() &&
         found->second.covered.runs().size() + with.covered.size() > limits.batch_runs_max;
}

void pending_batch::add(const type_updates& changes, std::uint64_t row, time expires) {
  // A batch lives as long as the shortest lived of its rows: no message survives its time (Q10).
  expires_ = empty() ? expires : std::min(expires_, expires);
  if (empty()) first_row_ = row;
  last_row_ = row;
  auto& into = sections_[{changes.partition, changes.type}];
  for (const auto& run : changes.covered)
    into.covered.add(run);
  for (const auto& change : changes.updates)
    put(into, change);
  bytes_ += 16 + changes.type.size() + 24 * changes.covered.size();
}

void pending_batch::put(section& into, const update& change) {
  if (change.whole && into.whole) return replace(*into.whole, change);
  if (change.whole) {
    into.whole = newest{change.tick, change.encoded};
  } else {
    const auto [place, is_new] = into.places.try_emplace(change.key, into.items.size());
    if (!is_new) return replace(into.items[place->second], change);
    into.items.push_back({change.tick, change.encoded});
  }
  ++updates_;
  bytes_ += 4 + change.encoded->size();
}

void pending_batch::replace(newest& have, const update& with) {
  if (with.tick <= have.tick) return;
  bytes_ += with.encoded->size();
  bytes_ -= have.encoded->size();
  have = {with.tick, with.encoded};
}

batch pending_batch::take(const node_id& queue, std::uint64_t incarnation, std::uint64_t after) {
  batch_writer writer(queue, incarnation, bytes_);
  for (const auto& [place, from] : sections_) {
    writer.begin_changes(place.second, place.first, from.covered.runs());
    if (from.whole) writer.add_update(*from.whole->encoded);
    for (const auto& item : from.items)
      writer.add_update(*item.encoded);
    writer.end_changes();
  }
  auto bytes = std::move(writer).finish(after, last_row_);
  batch made{after, last_row_, expires_, std::make_shared<const std::string>(std::move(bytes))};
  *this = {};
  return made;
}

}  // namespace dunlin::queue
