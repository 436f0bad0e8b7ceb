#include "actors/partition/machine/context.hpp"

#include "actors/partition/machine/page_run.hpp"
#include "messages/bucket_hash.hpp"

#include <algorithm>

namespace dunlin::machine {

status::Status context::owns(std::string_view bucket_id) const {
  if (bucket_id.size() != keys::id_bytes) return status::INVALID;
  const auto hash = bucket_hash(bucket_id);
  if (root() || hash < first_hash || hash > last_hash) return status::WRONG_PARTITION;
  return status::OK;
}

status::Status context::owns(std::string_view bucket_id, std::string_view key) const {
  if (key.empty() || key.size() > key_bytes_max) return status::INVALID;
  return owns(bucket_id);
}

bool context::sealed(std::string_view bucket_id) const {
  return store.get(table::seals, keys::bucket(bucket_id)).has_value();
}

std::uint64_t context::next_tick() {
  state.set_tick(state.tick() + 1);
  return state.tick();
}

static std::string_view row_of(counted what) {
  return what == counted::users ? "users" : "policies";
}

std::uint64_t context::count(counted what) const {
  if (const auto held = store.get(table::meta, row_of(what))) return keys::read_number(*held);
  // What the seed wrote is not counted yet: entries make the same rows in every release.
  std::uint64_t found = 0;
  if (what == counted::users)
    store.scan(table::users, {}, [&](auto, auto) { return ++found < counted_max; });
  return found;
}

bool context::count_one_more(counted what) {
  const auto held = count(what);
  if (held >= counted_max) return false;
  store.put(table::meta, row_of(what), keys::number(held + 1));
  return true;
}

void context::count_one_less(counted what) {
  store.put(table::meta, row_of(what), keys::number(count(what) - 1));
}

void context::bury(const v1::Item& item, const v1::Layout& layout) {
  if (layout.runs_size() == 0) return;
  v1::GarbageRecord row;
  row.set_tick(next_tick());
  row.set_since_ms(state.leader_time_ms());
  *row.mutable_item() = item;
  *row.mutable_layout() = layout;
  put(table::garbage, keys::number(row.tick()), row);
  const auto of_item = keys::item(item.bucket_id(), item.key(), item.upload_id());
  for (const auto& run : layout.runs())
    store.put(table::garbage_items,
              keys::pages(of_item, run.replica_set(), *page_run::last_page(run)), run.first_page());
}

void each(kv_store& store, table where, std::string_view prefix, const kv_store::visitor& visit) {
  store.scan(where, prefix, [&](std::string_view key, std::string_view value) {
    return key.starts_with(prefix) && visit(key, value);
  });
}

bool small_enough(const google::protobuf::MessageLite& record) {
  return record.ByteSizeLong() + key_bytes_max <= record_bytes_max;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_short_name(std::string_view text) {
  return is_name(text) && text.size() <= short_name_bytes_max &&
         text.find('/') == std::string_view::npos;
}

std::string object_item(std::string_view bucket_id, std::string_view key) {
  return std::string(bucket_id).append(key);
}

v1::CommandReply reply(status::Status code, std::uint64_t tick) {
  v1::CommandReply answer;
  answer.set_status(code);
  answer.set_tick(tick);
  return answer;
}

}  // namespace dunlin::machine
