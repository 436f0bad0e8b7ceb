#include "actors/partition/machine/commands.hpp"
#include "actors/partition/machine/page_run.hpp"
#include "messages/cache_types.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>

namespace dunlin::machine {

static constexpr int etags_max = 64;

std::optional<current_object> find_object(const context& at, std::string_view bucket_id,
                                          std::string_view key) {
  std::optional<current_object> found;
  each(at.store, table::objects, keys::object_key(bucket_id, key),
       [&](std::string_view row, std::string_view value) {
         found = {std::string(row), context::parse<v1::ObjectRecord>(value)};
         return false;  // newest first
       });
  return found;
}

template <class Etags>
static bool names(const Etags& wished, const std::string& etag) {
  return std::any_of(wished.begin(), wished.end(),
                     [&](const std::string& one) { return one == "*" || one == etag; });
}

status::Status check(const v1::Precondition& wish, const std::optional<current_object>& current) {
  if (wish.if_match_size() > etags_max || wish.if_none_match_size() > etags_max)
    return status::INVALID;
  if (wish.if_match_size() > 0) {
    if (!current) return status::NO_SUCH_KEY;  // as S3 answers: there is nothing to match
    if (!names(wish.if_match(), current->record.etag())) return status::PRECONDITION_FAILED;
  }
  if (current && names(wish.if_none_match(), current->record.etag()))
    return status::PRECONDITION_FAILED;
  return status::OK;
}

void remove_object(context& at, std::string_view bucket_id, std::string_view key,
                   const current_object& old) {
  if (old.record.upload_id().empty())
    at.bury(item_of(bucket_id, key), old.record.layout());
  else
    bury_parts(at, item_of(bucket_id, key, old.record.upload_id()), nullptr);
  at.store.erase(table::objects, old.row);
}

v1::CommandReply reply_with(v1::ObjectRecord stored) {
  auto answer = reply(status::OK, stored.tick());
  *answer.mutable_object() = std::move(stored);
  return answer;
}

v1::CommandReply store_object(context& at, std::string_view bucket_id, std::string_view key,
                              v1::ObjectRecord record) {
  const auto tick = at.next_tick();
  record.set_tick(tick);
  record.set_modified_ms(at.state.leader_time_ms());
  at.put(table::objects, keys::version(bucket_id, key, tick), record);
  at.announce(tick, cached::object, object_item(bucket_id, key));
  return reply_with(std::move(record));
}

static bool well_formed(const v1::ObjectRecord& record) {
  return record.upload_id().empty() && record.parts_size() == 0 && !record.etag().empty() &&
         page_run::fits(record.layout(), record.size()) && small_enough(record);
}

static bool same_pages(const v1::Layout& a, const v1::Layout& b) {
  return a.runs_size() > 0 && a.SerializeAsString() == b.SerializeAsString();
}

v1::CommandReply apply(context& at, const v1::PutObject& command) {
  const auto& [bucket_id, key] = std::tie(command.bucket_id(), command.key());
  if (const auto code = at.owns(bucket_id, key); code != status::OK) return reply(code);
  if (!well_formed(command.record())) return reply(status::INVALID);
  if (at.sealed(bucket_id) && !planted(bug::seal_ignored)) {
    DUNLIN_REACHED("machine.sealed_put_refused");
    return reply(status::SEALED);
  }
  const auto current = find_object(at, bucket_id, key);
  if (const auto code = check(command.precondition(), current); code != status::OK)
    return reply(code, at.state.tick());
  if (fenced(at, item_of(bucket_id, key), command.record().layout()) &&
      !planted(bug::fence_ignored)) {
    DUNLIN_REACHED("machine.fenced_put_refused");
    return reply(status::FENCED, at.state.tick());
  }
  // Pages are never shared between objects (decision 19), so equal pages are this very write again.
  if (current && same_pages(current->record.layout(), command.record().layout()))
    return reply_with(current->record);
  if (current) remove_object(at, bucket_id, key, *current);
  return store_object(at, bucket_id, key, command.record());
}

/// OK, or why the command as a whole is refused.
static status::Status check(const context& at, const v1::DeleteObjects& command) {
  if (command.keys_size() == 0 || command.keys_size() > static_cast<int>(items_max))
    return status::INVALID;
  if (command.has_precondition() && command.keys_size() != 1) return status::INVALID;
  if (const auto code = at.owns(command.bucket_id()); code != status::OK) return code;
  // Nothing is there, but who asks may have meant the bucket that has the name now.
  if (at.sealed(command.bucket_id())) return status::SEALED;
  std::uint64_t parts = 0;
  for (const auto& key : command.keys()) {
    if (const auto code = at.owns(command.bucket_id(), key); code != status::OK) return code;
    const auto current = find_object(at, command.bucket_id(), key);
    if (command.has_precondition())
      if (const auto code = check(command.precondition(), current); code != status::OK) return code;
    if (current) parts += static_cast<std::uint64_t>(current->record.parts_size());
  }
  if (command.keys_size() > 1 && parts > part_rows_per_command) return status::TOO_MUCH_AT_ONCE;
  return status::OK;
}

v1::CommandReply apply(context& at, const v1::DeleteObjects& command) {
  if (const auto code = check(at, command); code != status::OK) return reply(code, at.state.tick());
  for (const auto& key : command.keys()) {
    const auto current = find_object(at, command.bucket_id(), key);
    if (!current) continue;
    remove_object(at, command.bucket_id(), key, *current);
    if (planted(bug::outbox_entry_skipped) && &key != &*command.keys().rbegin()) continue;
    at.announce(at.next_tick(), cached::object, object_item(command.bucket_id(), key));
  }
  return reply(status::OK, at.state.tick());
}

status::Status answer(const context& at, const v1::GetObject& query, v1::QueryReply& reply) {
  if (const auto code = at.owns(query.bucket_id(), query.key()); code != status::OK) return code;
  auto found = find_object(at, query.bucket_id(), query.key());
  if (!found) return at.sealed(query.bucket_id()) ? status::SEALED : status::NO_SUCH_KEY;
  reply.set_unchanged(query.known_tick() != 0 && query.known_tick() == found->record.tick());
  if (reply.unchanged()) return status::OK;
  lay_out_parts(at, query.bucket_id(), query.key(), found->record);
  *reply.mutable_object() = std::move(found->record);
  return status::OK;
}

}  // namespace dunlin::machine
