#include "actors/partition/machine/commands.hpp"
#include "runtime/observe/reached.hpp"

#include <vector>

namespace dunlin::machine {

static bool has_object(const context& at, const std::string& bucket_row) {
  bool found = false;
  each(at.store, table::objects, bucket_row, [&](std::string_view, std::string_view) {
    found = true;
    return false;
  });
  return found;
}

/// Aborts open uploads of a sealed bucket, as many as one command may move; answers whether none is
/// left. S3 lets a bucket go that has open uploads.
static bool abort_uploads(context& at, const std::string& bucket_id) {
  std::vector<std::string> rows;
  bool all = true;
  std::uint64_t moved = 0;
  each(at.store, table::uploads, keys::bucket(bucket_id),
       [&](std::string_view row, std::string_view) {
         // The second scan of the parts reads outside this visit: stores need not nest them.
         all = rows.size() < items_max;
         if (all) rows.emplace_back(row);
         return all;
       });
  if (!rows.empty()) DUNLIN_REACHED("machine.uploads_aborted_by_seal");
  for (const auto& row : rows) {
    if (moved >= part_rows_per_command) return false;
    const auto tail = keys::read_tail(row);
    if (!tail) throw store_error(ec::damaged, "an upload's key cannot be read");
    moved += count_parts(at, row, part_number_max);
    bury_parts(at, item_of(bucket_id, tail->key, tail->rest), nullptr);
    at.store.erase(table::uploads, row);
  }
  return all;
}

/// Sealing may take several commands: TOO_MUCH_AT_ONCE says that the bucket is sealed and open
/// uploads are left; the caller repeats it until OK.
v1::CommandReply apply(context& at, const v1::SealBucket& command) {
  const auto& id = command.bucket_id();
  if (const auto code = at.owns(id); code != status::OK) return reply(code);
  const auto row = keys::bucket(id);
  if (command.unseal()) {
    if (!at.sealed(id)) return reply(status::OK, at.state.tick());
    DUNLIN_REACHED("machine.bucket_unsealed");
    at.store.erase(table::seals, row);
    return reply(status::OK, at.next_tick());
  }
  if (has_object(at, row)) return reply(status::BUCKET_NOT_EMPTY, at.state.tick());
  if (!at.sealed(id)) at.store.put(table::seals, row, keys::number(at.next_tick()));
  const bool done = abort_uploads(at, id);
  return reply(done ? status::OK : status::TOO_MUCH_AT_ONCE, at.state.tick());
}

}  // namespace dunlin::machine
