// Users and their access keys (docs/decisions/0012). Every change of a user, its keys or what is
// attached to it goes through store_user().
#include "actors/partition/machine/commands.hpp"
#include "messages/cache_types.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"

#include <algorithm>
#include <vector>

namespace dunlin::machine {

static constexpr int keys_of_user_max = 8;

std::optional<v1::UserRecord> find_user_named(const context& at, std::string_view name) {
  return at.get<v1::UserRecord>(table::users, name);
}

static std::optional<v1::AccessKeyRecord> find_key(const context& at, std::string_view access_key) {
  return at.get<v1::AccessKeyRecord>(table::access_keys, access_key);
}

/// The key, if it is the user's.
static std::optional<v1::AccessKeyRecord> find_key_of(const context& at, std::string_view user,
                                                      std::string_view access_key) {
  auto key = find_key(at, access_key);
  if (key && key->user() != user) key.reset();
  return key;
}

// ---- the index of keys by user ----
//
// A cluster is seeded with a key that is not in it, as it was before there was an index: entries
// make the same rows in every release (tests: golden). So the index is empty, and the only key is
// the seeded one, or it is complete: the first change of any user or key completes it. It does not
// become empty again, since the root user keeps a key.

static bool index_is_empty(const context& at) {
  bool empty = true;
  at.store.scan(table::user_keys, {}, [&](auto, auto) { return empty = false; });
  return empty;
}

static void complete_index(context& at) {
  if (!index_is_empty(at)) return;
  std::vector<std::string> rows;
  at.store.scan(table::access_keys, {}, [&](std::string_view, std::string_view value) {
    const auto key = context::parse<v1::AccessKeyRecord>(value);
    rows.push_back(keys::user_key(key.user(), key.access_key()));
    return true;
  });
  if (!rows.empty()) DUNLIN_REACHED("machine.seeded_key_indexed");
  for (const auto& row : rows)
    at.store.put(table::user_keys, row, {});
}

static std::vector<v1::AccessKeyRecord> all_keys_of(const context& at, std::string_view user) {
  std::vector<v1::AccessKeyRecord> found;
  at.store.scan(table::access_keys, {}, [&](std::string_view, std::string_view value) {
    auto key = context::parse<v1::AccessKeyRecord>(value);
    if (key.user() == user) found.push_back(std::move(key));
    return true;
  });
  return found;
}

/// In the order of their names.
static std::vector<v1::AccessKeyRecord> keys_of(const context& at, std::string_view user) {
  if (index_is_empty(at)) return all_keys_of(at, user);
  std::vector<std::string> names;
  const auto start = keys::keys_of_user(user);
  each(at.store, table::user_keys, start, [&](std::string_view row, std::string_view) {
    names.emplace_back(row.substr(start.size()));
    return true;
  });
  std::vector<v1::AccessKeyRecord> found;
  for (const auto& name : names) {
    auto key = find_key(at, name);
    if (!key) throw store_error(ec::damaged, "the index of keys names one that is not there");
    found.push_back(std::move(*key));
  }
  return found;
}

// ---- changes ----

static void announce_key(context& at, v1::AccessKeyRecord key) {
  key.set_tick(at.next_tick());
  at.put(table::access_keys, key.access_key(), key);
  at.announce(key.tick(), cached::user, key.access_key());
}

std::uint64_t store_user(context& at, v1::UserRecord& user) {
  complete_index(at);
  user.set_tick(at.next_tick());
  at.put(table::users, user.name(), user);
  for (auto& key : keys_of(at, user.name()))
    announce_key(at, std::move(key));
  return user.tick();
}

/// OK at the tick of what caches hold under the key now.
static v1::CommandReply reply_of_key(const context& at, std::string_view access_key) {
  return reply(status::OK, find_key(at, access_key)->tick());
}

v1::CommandReply apply(context& at, const v1::CreateUser& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_short_name(command.name()) || command.display_name().size() > name_bytes_max)
    return reply(status::INVALID);
  if (find_user_named(at, command.name())) return reply(status::ALREADY_EXISTS, at.state.tick());
  if (!at.count_one_more(counted::users)) return reply(status::TOO_MANY_OPEN, at.state.tick());
  v1::UserRecord user;
  user.set_name(command.name());
  user.set_display_name(command.display_name());
  user.set_created_ms(at.state.leader_time_ms());
  return reply(status::OK, store_user(at, user));
}

static bool owns_buckets(const context& at, std::string_view user) {
  bool found = false;
  each(at.store, table::bucket_owners, keys::owner(user), [&](auto, auto) {
    found = true;
    return false;
  });
  return found;
}

v1::CommandReply apply(context& at, const v1::DeleteUser& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  const auto user = find_user_named(at, command.name());
  if (!user) return reply(status::NO_SUCH_KEY, at.state.tick());
  if (user->root() || user->attached_size() > 0 || user->inline_policies_size() > 0 ||
      !keys_of(at, user->name()).empty() || owns_buckets(at, user->name()))
    return reply(status::IN_USE, at.state.tick());
  at.store.erase(table::users, user->name());
  at.count_one_less(counted::users);
  // No cache holds a user that has no key, so nobody need hear of it.
  return reply(status::OK, at.next_tick());
}

v1::CommandReply apply(context& at, const v1::CreateAccessKey& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_short_name(command.access_key()) || !is_name(command.secret()))
    return reply(status::INVALID);
  auto user = find_user_named(at, command.user());
  if (!user) return reply(status::NO_SUCH_KEY, at.state.tick());
  if (find_key(at, command.access_key())) return reply(status::ALREADY_EXISTS, at.state.tick());
  if (keys_of(at, user->name()).size() >= keys_of_user_max)
    return reply(status::TOO_MANY_OPEN, at.state.tick());
  complete_index(at);
  v1::AccessKeyRecord key;
  key.set_access_key(command.access_key());
  key.set_secret(command.secret());
  key.set_user(user->name());
  key.set_created_ms(at.state.leader_time_ms());
  at.put(table::access_keys, key.access_key(), key);
  at.store.put(table::user_keys, keys::user_key(key.user(), key.access_key()), {});
  store_user(at, *user);
  return reply_of_key(at, key.access_key());
}

/// Without it nobody could make the root user another one.
static bool last_way_in(const context& at, const v1::UserRecord& user,
                        const v1::AccessKeyRecord& key) {
  if (!user.root() || key.revoked()) return false;
  const auto all = keys_of(at, user.name());
  return std::none_of(all.begin(), all.end(), [&](const v1::AccessKeyRecord& other) {
    return !other.revoked() && other.access_key() != key.access_key();
  });
}

v1::CommandReply apply(context& at, const v1::SetAccessKey& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  auto user = find_user_named(at, command.user());
  auto key = find_key_of(at, command.user(), command.access_key());
  if (!user || !key) return reply(status::NO_SUCH_KEY, at.state.tick());
  if (key->revoked() == command.revoked()) return reply_of_key(at, key->access_key());
  if (command.revoked() && last_way_in(at, *user, *key))
    return reply(status::IN_USE, at.state.tick());
  key->set_revoked(command.revoked());
  at.put(table::access_keys, key->access_key(), *key);
  store_user(at, *user);
  return reply_of_key(at, key->access_key());
}

v1::CommandReply apply(context& at, const v1::DeleteAccessKey& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  auto user = find_user_named(at, command.user());
  const auto key = find_key_of(at, command.user(), command.access_key());
  if (!user || !key) return reply(status::NO_SUCH_KEY, at.state.tick());
  if (last_way_in(at, *user, *key)) return reply(status::IN_USE, at.state.tick());
  complete_index(at);
  at.store.erase(table::access_keys, key->access_key());
  at.store.erase(table::user_keys, keys::user_key(key->user(), key->access_key()));
  const auto removed = at.next_tick();
  if (!planted(bug::deleted_key_not_announced))
    at.announce(removed, cached::user, key->access_key());
  store_user(at, *user);
  return reply(status::OK, removed);
}

// ---- reads ----

status::Status answer(const context& at, const v1::GetUser& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  auto user = find_user_named(at, query.name());
  if (!user) return status::NO_SUCH_KEY;
  for (auto& key : keys_of(at, user->name()))
    *reply.add_access_keys() = std::move(key);
  *reply.mutable_user() = std::move(*user);
  return status::OK;
}

status::Status answer(const context& at, const v1::ListUsers& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  const auto wanted = static_cast<int>(std::min(query.items_max(), items_max));
  if (wanted == 0) return status::OK;
  const auto from = query.after().empty() ? std::string{} : query.after() + '\0';
  at.store.scan(table::users, from, [&](std::string_view, std::string_view value) {
    reply.set_truncated(reply.users_size() == wanted || reply.ByteSizeLong() > reply_bytes_max);
    if (reply.truncated()) return false;
    *reply.add_users() = context::parse<v1::UserRecord>(value);
    reply.set_next_after(reply.users().rbegin()->name());
    return true;
  });
  return status::OK;
}

}  // namespace dunlin::machine
