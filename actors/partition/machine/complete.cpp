#include "actors/partition/machine/commands.hpp"
#include "runtime/observe/reached.hpp"

#include <map>
#include <vector>

namespace dunlin::machine {

static bool ascending(const v1::CompleteUpload& command) {
  std::uint32_t before = 0;
  for (const auto& part : command.parts()) {
    if (part.number() <= before || part.number() > part_number_max) return false;
    before = part.number();
  }
  return before > 0;
}

struct stored_part {
  std::uint64_t size = 0;
  std::string etag;
};

static std::map<std::uint32_t, stored_part> stored_parts(const context& at,
                                                         std::string_view upload_row) {
  std::map<std::uint32_t, stored_part> parts;
  each(at.store, table::parts, upload_row, [&](std::string_view, std::string_view value) {
    const auto part = context::parse<v1::PartRecord>(value);
    parts[part.number()] = {part.size(), part.etag()};
    return true;
  });
  return parts;
}

/// Fills size and part numbers of the object; OK, INVALID_PART or ENTITY_TOO_SMALL.
static status::Status assemble(const v1::CompleteUpload& command,
                               const std::map<std::uint32_t, stored_part>& stored,
                               v1::ObjectRecord& object) {
  for (const auto& wished : command.parts()) {
    const auto part = stored.find(wished.number());
    if (part == stored.end() || part->second.etag != wished.etag()) return status::INVALID_PART;
  }
  std::uint64_t size = 0;
  const auto last = command.parts(command.parts_size() - 1).number();
  for (const auto& wished : command.parts()) {
    const auto part_size = stored.at(wished.number()).size;
    if (wished.number() != last && part_size < part_bytes_min) return status::ENTITY_TOO_SMALL;
    size += part_size;
    object.add_parts(wished.number());
  }
  object.set_size(size);
  return status::OK;
}

static v1::ObjectRecord object_of(const v1::UploadRecord& upload,
                                  const v1::CompleteUpload& command) {
  v1::ObjectRecord object;
  object.set_etag(command.etag());
  object.set_upload_id(command.upload_id());
  object.set_owner(upload.owner());
  *object.mutable_content_headers() = upload.content_headers();
  *object.mutable_user_metadata() = upload.user_metadata();
  return object;
}

/// Takes the upload away and puts its object in place.
static v1::CommandReply commit(context& at, const v1::CompleteUpload& command,
                               const std::optional<current_object>& current,
                               v1::ObjectRecord object) {
  std::map<std::uint32_t, bool> listed;
  for (const auto number : object.parts())
    listed[number] = true;
  bury_parts(at, item_of(command.bucket_id(), command.key(), command.upload_id()),
             [&](std::uint32_t number) { return listed.contains(number); });
  if (current) remove_object(at, command.bucket_id(), command.key(), *current);
  at.store.erase(table::uploads,
                 keys::upload(command.bucket_id(), command.key(), command.upload_id()));
  return store_object(at, command.bucket_id(), command.key(), std::move(object));
}

v1::CommandReply apply(context& at, const v1::CompleteUpload& command) {
  if (const auto code = at.owns(command.bucket_id(), command.key()); code != status::OK)
    return reply(code);
  if (command.upload_id().size() != keys::id_bytes || command.etag().empty() || !ascending(command))
    return reply(status::INVALID);
  if (at.sealed(command.bucket_id())) return reply(status::SEALED);
  const auto current = find_object(at, command.bucket_id(), command.key());
  const auto row = keys::upload(command.bucket_id(), command.key(), command.upload_id());
  const auto upload = at.get<v1::UploadRecord>(table::uploads, row);
  if (!upload) {
    // A client that missed the answer asks again, as S3 lets it.
    if (current && current->record.upload_id() == command.upload_id() &&
        current->record.etag() == command.etag()) {
      DUNLIN_REACHED("machine.completion_repeated");
      return reply_with(current->record);
    }
    return reply(status::NO_SUCH_UPLOAD, at.state.tick());
  }
  auto object = object_of(*upload, command);
  auto code = assemble(command, stored_parts(at, row), object);
  if (code == status::OK) code = check(command.precondition(), current);
  if (code == status::OK && !small_enough(object)) code = status::INVALID;
  if (code != status::OK) return reply(code, at.state.tick());
  return commit(at, command, current, std::move(object));
}

}  // namespace dunlin::machine
