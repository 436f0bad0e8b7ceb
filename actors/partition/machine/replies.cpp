#include "actors/partition/machine/commands.hpp"

namespace dunlin::machine {

namespace {

/// One for each kind of command; those of others are left as they are.
struct attaching {
  const context& at;
  v1::CommandReply& reply;

  void bucket(std::string_view name) const {
    if (reply.has_bucket()) return;
    if (auto found = find_bucket(at, name)) *reply.mutable_bucket() = std::move(*found);
  }
  void user(std::string_view name) const {
    if (auto found = find_user_named(at, name)) *reply.mutable_user() = std::move(*found);
  }
  void key(std::string_view of, std::string_view access_key) const {
    user(of);
    auto found = at.get<v1::AccessKeyRecord>(table::access_keys, access_key);
    // Nobody learns the secret of another user's key by asking for one of that name.
    if (found && found->user() == of) *reply.mutable_access_key() = std::move(*found);
  }
  void policy(std::string_view of, std::string_view name) const {
    if (!of.empty()) user(of);
    if (!is_short_name(name)) return;
    if (auto found = find_policy(at, keys::policy(of, name)))
      *reply.mutable_policy() = std::move(*found);
  }
  void object(const std::string& bucket_id, const std::string& key) const {
    if (reply.status() != status::OK || reply.has_object()) return;
    // Whoever repeats a number may have changed what is asked under it.
    if (at.owns(bucket_id, key) != status::OK) return;
    auto found = find_object(at, bucket_id, key);
    if (found && found->record.tick() == reply.tick())
      *reply.mutable_object() = std::move(found->record);
  }
};

}  // namespace

static void attach_object(const attaching& to, const v1::Command& command) {
  if (command.has_put_object())
    to.object(command.put_object().bucket_id(), command.put_object().key());
  if (!command.has_complete_upload()) return;
  const auto& done = command.complete_upload();
  to.object(done.bucket_id(), done.key());
  if (to.reply.has_object())
    lay_out_parts(to.at, done.bucket_id(), done.key(), *to.reply.mutable_object());
}

void attach_records(const context& at, const v1::Command& command, v1::CommandReply& reply) {
  const attaching to{at, reply};
  if (!at.root()) return attach_object(to, command);
  switch (command.body_case()) {
    case v1::Command::kCreateBucket: return to.bucket(command.create_bucket().name());
    case v1::Command::kBeginDeleteBucket: return to.bucket(command.begin_delete_bucket().name());
    case v1::Command::kPutBucketPolicy: return to.bucket(command.put_bucket_policy().name());
    case v1::Command::kCreateUser: return to.user(command.create_user().name());
    case v1::Command::kCreateAccessKey:
      return to.key(command.create_access_key().user(), command.create_access_key().access_key());
    case v1::Command::kSetAccessKey:
      return to.key(command.set_access_key().user(), command.set_access_key().access_key());
    case v1::Command::kDeleteAccessKey: return to.user(command.delete_access_key().user());
    case v1::Command::kPutPolicy:
      return to.policy(command.put_policy().user(), command.put_policy().name());
    case v1::Command::kDeletePolicy:
      if (command.delete_policy().user().empty()) return;
      return to.user(command.delete_policy().user());
    case v1::Command::kAttachPolicy:
      to.user(command.attach_policy().user());
      return to.policy({}, command.attach_policy().policy());
    default: return;
  }
}

}  // namespace dunlin::machine
