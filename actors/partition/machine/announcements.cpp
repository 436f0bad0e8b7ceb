// What caches hear of: the outbox, its ordinals, and what an announced item is now (decision 13,
// docs/decisions/0011).
#include "actors/partition/machine/commands.hpp"
#include "actors/partition/machine/partition_machine.hpp"
#include "messages/cache_types.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace dunlin {

namespace machine {

/// Few enough that no single change pays for all before it.
static constexpr std::size_t outbox_rows_dropped = 64;
/// Of a record that goes along with the news of its change; others are asked for.
static constexpr std::size_t carried_bytes_max = 4u << 10;

std::uint64_t context::next_ordinal(std::string_view type) {
  auto& all = *state.mutable_announced();
  const auto found = std::lower_bound(
      all.begin(), all.end(), type,
      [](const v1::AnnouncedType& one, std::string_view name) { return one.type() < name; });
  if (found != all.end() && found->type() == type) {
    found->set_ordinal(found->ordinal() + 1);
    return found->ordinal();
  }
  // Appended, then moved to its place: sorted, so that equal counts are equal bytes.
  const auto place = found - all.begin();
  auto& fresh = *all.Add();
  fresh.set_type(std::string(type));
  fresh.set_ordinal(1);
  std::rotate(all.begin() + place, all.end() - 1, all.end());
  return 1;
}

void context::announce(std::uint64_t tick, std::string_view type, std::string_view key) {
  v1::OutboxRecord row;
  row.set_tick(tick);
  row.set_type(std::string(type));
  row.set_key(std::string(key));
  row.set_ordinal(next_ordinal(type));
  put(table::outbox, keys::number(tick), row);
  state.set_outbox_rows(state.outbox_rows() + 1);
  if (state.outbox_rows() > outbox_rows_max) collapse_outbox();
  if (heard) heard(tick, type, key);
}

void context::collapse_outbox() {
  std::vector<std::string> rows;
  std::uint64_t unchanged_through = state.announced_through();
  std::map<std::string, std::uint64_t> dropped;  // by type, the last ordinal
  each(store, table::outbox, {}, [&](std::string_view key, std::string_view value) {
    const auto row = parse<v1::OutboxRecord>(value);
    if (row.type() == cached::dropped_rows) {
      // An earlier collapse, always the oldest row, reaches further back than the trim.
      unchanged_through = keys::read_number(row.key());
      for (const auto& one : row.dropped_through())
        dropped[one.type()] = one.ordinal();
    } else {
      dropped[row.type()] = row.ordinal();
    }
    rows.emplace_back(key);
    return rows.size() < outbox_rows_dropped;
  });
  for (const auto& row : rows)
    store.erase(table::outbox, row);
  v1::OutboxRecord all;
  all.set_tick(keys::read_number(rows.back()));
  all.set_type(std::string(cached::dropped_rows));
  all.set_key(keys::number(unchanged_through));
  for (const auto& [type, ordinal] : dropped) {
    auto& one = *all.add_dropped_through();
    one.set_type(type);
    one.set_ordinal(ordinal);
  }
  put(table::outbox, rows.back(), all);
  state.set_outbox_rows(state.outbox_rows() + 1 - rows.size());
}

void context::trim_outbox(std::uint64_t announced_through) {
  announced_through = std::min(announced_through, state.tick());
  if (announced_through <= state.announced_through()) return;
  std::vector<std::string> rows;
  store.scan(table::outbox, {}, [&](std::string_view row, std::string_view) {
    if (keys::read_number(row) > announced_through) return false;
    rows.emplace_back(row);
    return true;
  });
  for (const auto& row : rows)
    store.erase(table::outbox, row);
  state.set_outbox_rows(state.outbox_rows() - rows.size());
  state.set_announced_through(announced_through);
}

status::Status answer(const context& at, const v1::GetNews&, v1::QueryReply& reply) {
  *reply.mutable_announced() = at.state.announced();
  return status::OK;
}

// ---- what an announced item is now ----

using item_now = partition_machine::item_now;

static item_now object_now(const context& at, std::string_view item) {
  if (item.size() <= keys::id_bytes) return {};
  const auto bucket_id = item.substr(0, keys::id_bytes);
  const auto key = item.substr(keys::id_bytes);
  auto found = find_object(at, bucket_id, key);
  if (!found) return {};
  lay_out_parts(at, bucket_id, key, found->record);
  item_now now{found->record.tick(), v1::CachedRecord{}};
  *now.record->mutable_object() = std::move(found->record);
  return now;
}

static item_now bucket_now(const context& at, std::string_view name) {
  auto found = find_bucket(at, name);
  if (!found) return {};
  item_now now{found->tick(), v1::CachedRecord{}};
  *now.record->mutable_bucket() = std::move(*found);
  return now;
}

static item_now user_now(const context& at, std::string_view access_key) {
  auto found = find_user(at, access_key);
  if (!found) return {};
  item_now now{std::max(found->key().tick(), found->user().tick()), v1::CachedRecord{}};
  *now.record->mutable_user() = std::move(*found);
  return now;
}

static item_now policy_now(const context& at, std::string_view key) {
  auto found = find_policy(at, key);
  if (!found) return {};
  item_now now{found->tick(), v1::CachedRecord{}};
  *now.record->mutable_policy() = std::move(*found);
  return now;
}

static item_now cluster_map_now(const context& at) {
  auto found = find_cluster_map(at);
  if (!found) return {};
  item_now now{found->tick(), v1::CachedRecord{}};
  *now.record->mutable_cluster_map() = std::move(*found);
  return now;
}

}  // namespace machine

using namespace machine;

std::vector<v1::OutboxRecord> partition_machine::outbox(std::uint64_t after_tick,
                                                        std::size_t items_max) const {
  std::vector<v1::OutboxRecord> rows;
  if (items_max == 0 || after_tick == UINT64_MAX) return rows;
  context_->store.scan(table::outbox, keys::number(after_tick + 1),
                       [&](std::string_view, std::string_view value) {
                         rows.push_back(context::parse<v1::OutboxRecord>(value));
                         return rows.size() < items_max;
                       });
  return rows;
}

std::uint64_t partition_machine::outbox_rows() const { return context_->state.outbox_rows(); }

void partition_machine::on_announced(announcement_listener listener) {
  context_->heard = std::move(listener);
}

std::optional<item_now> partition_machine::current(std::string_view type,
                                                   std::string_view key) const {
  const auto& at = *context_;
  item_now now;
  if (type == cached::object)
    now = object_now(at, key);
  else if (type == cached::bucket)
    now = bucket_now(at, key);
  else if (type == cached::user)
    now = user_now(at, key);
  else if (type == cached::policy)
    now = policy_now(at, key);
  else if (type == cached::cluster_map)
    now = cluster_map_now(at);
  else
    return std::nullopt;
  if (!now.record) now.tick = tick();
  if (now.record && now.record->ByteSizeLong() > carried_bytes_max) return std::nullopt;
  return now;
}

}  // namespace dunlin
