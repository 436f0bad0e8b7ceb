#include "actors/partition/machine/commands.hpp"
#include "actors/partition/machine/page_run.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <vector>

namespace dunlin::machine {

/// 2 GiB in parts of 8 MiB: a record that is sent and held for every look at the object, HEAD too.
static constexpr int laid_out_parts_max = 256;
static constexpr std::size_t laid_out_bytes_max = 16u << 10;

/// OK, INVALID or WRONG_PARTITION for what names an upload.
template <class Names>
static status::Status owns_upload(const context& at, const Names& named) {
  if (named.upload_id().size() != keys::id_bytes) return status::INVALID;
  return at.owns(named.bucket_id(), named.key());
}

template <class Names>
static std::string row_of(const Names& named) {
  return keys::upload(named.bucket_id(), named.key(), named.upload_id());
}

std::uint64_t count_parts(const context& at, std::string_view upload_row, std::uint64_t enough) {
  std::uint64_t count = 0;
  if (enough == 0) return 0;
  each(at.store, table::parts, upload_row,
       [&](std::string_view, std::string_view) { return ++count < enough; });
  return count;
}

void bury_parts(context& at, const v1::Item& upload, const part_filter& keep) {
  std::vector<std::pair<std::string, v1::Layout>> rows;  // a visitor must not write
  each(at.store, table::parts, row_of(upload), [&](std::string_view row, std::string_view value) {
    auto part = context::parse<v1::PartRecord>(value);
    if (!keep || !keep(part.number())) rows.emplace_back(row, std::move(*part.mutable_layout()));
    return true;
  });
  for (const auto& [row, layout] : rows) {
    at.bury(upload, layout);
    at.store.erase(table::parts, row);
  }
}

v1::CommandReply apply(context& at, const v1::CreateUpload& command) {
  auto record = command.record();
  const auto upload = item_of(command.bucket_id(), command.key(), record.upload_id());
  if (const auto code = owns_upload(at, upload); code != status::OK) return reply(code);
  if (!small_enough(record)) return reply(status::INVALID);
  if (at.sealed(command.bucket_id())) return reply(status::SEALED);
  const auto row = row_of(upload);
  // Parts outlive their upload as parts of the object that it made.
  if (at.store.get(table::uploads, row) || count_parts(at, row, 1) > 0)
    return reply(status::ALREADY_EXISTS, at.state.tick());
  record.set_tick(at.next_tick());
  record.set_initiated_ms(at.state.leader_time_ms());
  at.put(table::uploads, row, record);
  return reply(status::OK, record.tick());
}

static bool well_formed(const v1::PartRecord& part) {
  return part.number() >= 1 && part.number() <= part_number_max && !part.etag().empty() &&
         page_run::fits(part.layout(), part.size()) && small_enough(part);
}

v1::CommandReply apply(context& at, const v1::PutPart& command) {
  if (const auto code = owns_upload(at, command); code != status::OK) return reply(code);
  auto part = command.record();
  if (!well_formed(part)) return reply(status::INVALID);
  const auto upload_row = row_of(command);
  if (!at.store.get(table::uploads, upload_row))
    return reply(status::NO_SUCH_UPLOAD, at.state.tick());
  const auto upload = item_of(command.bucket_id(), command.key(), command.upload_id());
  if (fenced(at, upload, part.layout())) return reply(status::FENCED, at.state.tick());
  const auto row = keys::part(upload_row, part.number());
  if (const auto old = at.get<v1::PartRecord>(table::parts, row)) {
    // The same pages under the same number are this very write again (decision 19).
    if (part.size() > 0 && old->layout().SerializeAsString() == part.layout().SerializeAsString())
      return reply(status::OK, old->tick());
    DUNLIN_REACHED("machine.part_replaced");
    at.bury(upload, old->layout());
  }
  part.set_tick(at.next_tick());
  part.set_modified_ms(at.state.leader_time_ms());
  at.put(table::parts, row, part);
  return reply(status::OK, part.tick());
}

v1::CommandReply apply(context& at, const v1::AbortUpload& command) {
  if (const auto code = owns_upload(at, command); code != status::OK) return reply(code);
  const auto row = row_of(command);
  if (!at.store.get(table::uploads, row) && !planted(bug::freed_page_still_referenced))
    return reply(status::NO_SUCH_UPLOAD, at.state.tick());
  DUNLIN_REACHED("machine.upload_aborted");
  bury_parts(at, item_of(command.bucket_id(), command.key(), command.upload_id()), nullptr);
  at.store.erase(table::uploads, row);
  return reply(status::OK, at.next_tick());
}

void lay_out_parts(const context& at, std::string_view bucket_id, std::string_view key,
                   v1::ObjectRecord& object) {
  if (object.parts().empty() || object.parts_size() > laid_out_parts_max) return;
  v1::Layout whole;
  std::uint64_t size = 0;
  std::size_t bytes = 0;
  int found = 0;
  each(at.store, table::parts, keys::upload(bucket_id, key, object.upload_id()),
       [&](std::string_view, std::string_view value) {
         auto part = context::parse<v1::PartRecord>(value);
         if (found == object.parts_size() || part.number() != object.parts(found)) return false;
         ++found;
         size += part.size();
         bytes += part.layout().ByteSizeLong();
         for (auto& run : *part.mutable_layout()->mutable_runs())
           *whole.add_runs() = std::move(run);
         return bytes <= laid_out_bytes_max;
       });
  if (found == object.parts_size() && size == object.size() && bytes <= laid_out_bytes_max)
    *object.mutable_layout() = std::move(whole);
}

status::Status answer(const context& at, const v1::GetUpload& query, v1::QueryReply& reply) {
  if (const auto code = owns_upload(at, query); code != status::OK) return code;
  auto found = at.get<v1::UploadRecord>(table::uploads, row_of(query));
  if (!found) return status::NO_SUCH_UPLOAD;
  *reply.mutable_upload() = std::move(*found);
  return status::OK;
}

/// Of the open upload, or of the object that it made.
static bool exists(const context& at, const v1::ListParts& query, v1::QueryReply& reply) {
  if (auto upload = at.get<v1::UploadRecord>(table::uploads, row_of(query))) {
    *reply.mutable_upload() = std::move(*upload);
    return true;
  }
  const auto object = find_object(at, query.bucket_id(), query.key());
  return object && object->record.upload_id() == query.upload_id();
}

status::Status answer(const context& at, const v1::ListParts& query, v1::QueryReply& reply) {
  if (const auto code = owns_upload(at, query); code != status::OK) return code;
  if (!exists(at, query, reply)) return status::NO_SUCH_UPLOAD;
  const auto wanted = std::min(query.items_max(), items_max);
  if (wanted == 0 || query.after() >= part_number_max) return status::OK;
  const auto upload_row = row_of(query);
  std::size_t bytes = 0;
  at.store.scan(table::parts, keys::part(upload_row, query.after() + 1),
                [&](std::string_view row, std::string_view value) {
                  if (!row.starts_with(upload_row)) return false;
                  bytes += value.size();
                  const auto parts = static_cast<std::uint32_t>(reply.parts_size());
                  reply.set_truncated(parts == wanted || (parts > 0 && bytes > reply_bytes_max));
                  if (!reply.truncated())
                    *reply.add_parts() = context::parse<v1::PartRecord>(value);
                  return !reply.truncated();
                });
  return status::OK;
}

}  // namespace dunlin::machine
