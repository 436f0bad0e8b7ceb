#include "actors/management/actions.hpp"
#include "actors/management/answer.hpp"
#include "messages/cache_types.hpp"
#include "runtime/crypto/hash.hpp"

#include <utility>

namespace dunlin::iam {

namespace {

constexpr std::size_t secret_bytes = 30;  // 40 characters of base64
constexpr std::size_t key_random_bytes = 16;
constexpr std::size_t key_bytes_max = 128;

/// 20 characters, 80 random bits: nobody meets one by chance.
std::string new_access_key(s3::services& world) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out = "AKIA";
  for (const char each : world.random_bytes(key_random_bytes))
    out += letters[static_cast<unsigned char>(each) % letters.size()];
  return out;
}

/// AccessKeyId, which has to be a key of the user.
std::string access_key_of(const call& at, const v1::QueryReply& user) {
  auto wanted = text(at, "AccessKeyId", key_bytes_max);
  for (const auto& key : user.access_keys())
    if (key.access_key() == wanted) return wanted;
  throw error("NoSuchEntity", "The Access Key with id " + wanted + " cannot be found.");
}

}  // namespace

task<void> create_access_key(call& at) {
  auto name = user_name(at, true);
  const auto user = co_await user_to_change(at, name);
  v1::Command command;
  auto& create = *command.mutable_create_access_key();
  create.set_user(name);
  create.set_access_key(new_access_key(at.c.world));
  create.set_secret(crypto::base64(at.c.world.random_bytes(secret_bytes)));
  const auto secret = create.secret();
  // Lost, it has no use: whoever gave it a secret is gone. Its name lets an operator delete it.
  auto what = "access key " + create.access_key() + " of user " + name;
  auto items = keys_of(user);
  items.push_back({cached::user, create.access_key()});
  const auto reply = co_await change(at, std::move(command), std::move(items), std::move(what));
  at.xml.open("AccessKey");
  write_key(at.xml, reply.access_key());
  at.xml.text("SecretAccessKey", secret);
  at.xml.close();
}

task<void> list_access_keys(call& at) {
  auto name = user_name(at, true);
  const auto found = co_await get_user(at, name);
  std::vector<std::string> names;
  for (const auto& key : found.access_keys())
    names.push_back(key.access_key());
  at.xml.text("UserName", name);
  write_names(at, names, "AccessKeyMetadata", [&](const std::string& wanted) {
    for (const auto& key : found.access_keys()) {
      if (key.access_key() != wanted) continue;
      at.xml.open("member");
      write_key(at.xml, key);
      at.xml.close();
    }
  });
}

task<void> update_access_key(call& at) {
  auto name = user_name(at, true);
  const auto status = text(at, "Status", 16);
  if (status != "Active" && status != "Inactive")
    throw error("ValidationError", "The value of Status must be Active or Inactive");
  const auto user = co_await user_to_change(at, name);
  const auto key = access_key_of(at, user);
  v1::Command command;
  auto& set = *command.mutable_set_access_key();
  set.set_user(name);
  set.set_access_key(key);
  set.set_revoked(status == "Inactive");
  auto items = keys_of(user);
  auto what = "access key " + key + " of user " + name + " is " + status;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

task<void> delete_access_key(call& at) {
  auto name = user_name(at, true);
  const auto user = co_await user_to_change(at, name);
  const auto key = access_key_of(at, user);
  v1::Command command;
  command.mutable_delete_access_key()->set_user(name);
  command.mutable_delete_access_key()->set_access_key(key);
  auto items = keys_of(user);
  auto what = "delete access key " + key + " of user " + name;
  co_await change(at, std::move(command), std::move(items), std::move(what));
}

}  // namespace dunlin::iam
