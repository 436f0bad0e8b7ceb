#include "actors/partition/machine/commands.hpp"
#include "messages/cache_types.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace dunlin::machine {

static constexpr std::string_view cluster_map_row = "cluster_map";
static constexpr std::size_t bucket_policy_bytes_max = 20u << 10;  // as S3 says
static constexpr std::size_t balance_bytes_max = 8u << 10;

static bool well_formed(const v1::ClusterMap& map) {
  std::set<std::uint32_t> ids;
  for (const auto& partition : map.partitions())
    if (partition.id() == 0 || partition.nodes_size() == 0 ||
        partition.first_hash() > partition.last_hash() || !ids.insert(partition.id()).second)
      return false;
  ids.clear();
  for (const auto& set : map.replica_sets())
    if (set.nodes_size() == 0 || !ids.insert(set.id()).second) return false;
  return map.partitions_size() > 0 && map.replica_sets_size() > 0 && small_enough(map);
}

static bool well_formed(const v1::SeedCluster& command) {
  return well_formed(command.map()) && is_name(command.root_user().name()) &&
         is_name(command.root_key().access_key()) && small_enough(command.root_user()) &&
         small_enough(command.root_key());
}

v1::CommandReply apply(context& at, const v1::SeedCluster& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!well_formed(command)) return reply(status::INVALID);
  if (at.store.get(table::settings, cluster_map_row))
    return reply(status::ALREADY_EXISTS, at.state.tick());
  auto user = command.root_user();
  user.set_tick(at.next_tick());
  at.put(table::users, user.name(), user);
  auto key = command.root_key();
  key.set_tick(at.next_tick());
  at.put(table::access_keys, key.access_key(), key);
  at.announce(key.tick(), cached::user, key.access_key());
  auto map = command.map();
  if (map.epoch() == 0) map.set_epoch(1);
  map.set_tick(at.next_tick());
  at.put(table::settings, cluster_map_row, map);
  at.announce(map.tick(), cached::cluster_map, cached::cluster_map_key);
  return reply(status::OK, map.tick());
}

v1::CommandReply apply(context& at, const v1::SetBalance& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (command.balance().size() > balance_bytes_max) return reply(status::INVALID);
  auto map = find_cluster_map(at);
  if (!map || map->balance_version() != command.expected_version())
    return reply(status::PRECONDITION_FAILED, at.state.tick());
  map->set_balance(command.balance());
  map->set_balance_version(command.expected_version() + 1);
  if (!small_enough(*map)) return reply(status::INVALID);
  map->set_epoch(map->epoch() + 1);
  map->set_tick(at.next_tick());
  at.put(table::settings, cluster_map_row, *map);
  at.announce(map->tick(), cached::cluster_map, cached::cluster_map_key);
  return reply(status::OK, map->tick());
}

std::optional<v1::BucketRecord> find_bucket(const context& at, std::string_view name) {
  return at.get<v1::BucketRecord>(table::buckets, name);
}

std::optional<v1::CachedUser> find_user(const context& at, std::string_view access_key) {
  auto key = at.get<v1::AccessKeyRecord>(table::access_keys, access_key);
  if (!key) return std::nullopt;
  v1::CachedUser found;
  if (auto user = at.get<v1::UserRecord>(table::users, key->user()))
    *found.mutable_user() = std::move(*user);
  *found.mutable_key() = std::move(*key);
  return found;
}

std::optional<v1::ClusterMap> find_cluster_map(const context& at) {
  return at.get<v1::ClusterMap>(table::settings, cluster_map_row);
}

static v1::CommandReply reply_with(status::Status code, v1::BucketRecord bucket) {
  auto answer = reply(code, bucket.tick());
  *answer.mutable_bucket() = std::move(bucket);
  return answer;
}

/// Stores the bucket at a new tick and announces it.
static void store_bucket(context& at, v1::BucketRecord& bucket) {
  bucket.set_tick(at.next_tick());
  at.put(table::buckets, bucket.name(), bucket);
  at.announce(bucket.tick(), cached::bucket, bucket.name());
}

/// A key may sign for as long as caches hold it, also when its user is gone: whoever gets the name
/// next would own the bucket. A partition without a seed has no users.
static bool may_own(const context& at, std::string_view owner) {
  if (find_user_named(at, owner)) return true;
  bool seeded = false;
  at.store.scan(table::users, {}, [&](auto, auto) {
    seeded = true;
    return false;
  });
  return !seeded;
}

v1::CommandReply apply(context& at, const v1::CreateBucket& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_name(command.name()) || !is_name(command.owner()) ||
      command.region().size() > name_bytes_max || command.id().size() != keys::id_bytes)
    return reply(status::INVALID);
  if (auto held = find_bucket(at, command.name())) {
    const bool same = held->owner() == command.owner();
    return reply_with(same ? status::BUCKET_ALREADY_OWNED : status::BUCKET_ALREADY_EXISTS,
                      std::move(*held));
  }
  if (!may_own(at, command.owner())) return reply(status::NO_SUCH_KEY, at.state.tick());
  v1::BucketRecord bucket;
  bucket.set_name(command.name());
  bucket.set_id(command.id());
  bucket.set_owner(command.owner());
  bucket.set_region(command.region());
  bucket.set_created_ms(at.state.leader_time_ms());
  at.store.put(table::bucket_owners, keys::owned_bucket(bucket.owner(), bucket.name()), {});
  store_bucket(at, bucket);
  return reply_with(status::OK, std::move(bucket));
}

v1::CommandReply apply(context& at, const v1::BeginDeleteBucket& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_name(command.name())) return reply(status::INVALID);
  auto bucket = find_bucket(at, command.name());
  if (!bucket) return reply(status::NO_SUCH_BUCKET, at.state.tick());
  if (bucket->state() != v1::BucketRecord::DELETING) {
    bucket->set_state(v1::BucketRecord::DELETING);
    bucket->set_deleting_ms(at.state.leader_time_ms());
    store_bucket(at, *bucket);
  }
  return reply_with(status::OK, std::move(*bucket));
}

v1::CommandReply apply(context& at, const v1::EndDeleteBucket& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_name(command.name())) return reply(status::INVALID);
  auto bucket = find_bucket(at, command.name());
  // The name may belong to a younger bucket by now.
  if (!bucket || bucket->id() != command.id())
    return reply(status::NO_SUCH_BUCKET, at.state.tick());
  if (command.removed()) {
    // Also from ACTIVE: of two deleters one may have put it back before the other sealed it.
    at.store.erase(table::buckets, bucket->name());
    at.store.erase(table::bucket_owners, keys::owned_bucket(bucket->owner(), bucket->name()));
    bucket->set_tick(at.next_tick());
    at.announce(bucket->tick(), cached::bucket, bucket->name());
  } else if (bucket->state() == v1::BucketRecord::DELETING) {
    bucket->set_state(v1::BucketRecord::ACTIVE);
    bucket->clear_deleting_ms();
    store_bucket(at, *bucket);
  }
  return reply_with(status::OK, std::move(*bucket));
}

v1::CommandReply apply(context& at, const v1::PutBucketPolicy& command) {
  if (!at.root()) return reply(status::WRONG_PARTITION);
  if (!is_name(command.name()) || command.policy().size() > bucket_policy_bytes_max)
    return reply(status::INVALID);
  auto bucket = find_bucket(at, command.name());
  if (!bucket || bucket->id() != command.id())
    return reply(status::NO_SUCH_BUCKET, at.state.tick());
  // Also while it is being deleted: the deletion may yet be called off.
  if (bucket->policy() != command.policy()) {
    bucket->set_policy(command.policy());
    store_bucket(at, *bucket);
  }
  return reply_with(status::OK, std::move(*bucket));
}

status::Status answer(const context& at, const v1::GetBucket& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  auto bucket = find_bucket(at, query.name());
  if (!bucket) return status::NO_SUCH_BUCKET;
  *reply.add_buckets() = std::move(*bucket);
  return status::OK;
}

/// Adds a bucket to the answer, or notes that it would be one too many.
static bool list(const v1::ListBuckets& query, v1::BucketRecord bucket, v1::QueryReply& reply) {
  const auto wanted = static_cast<int>(std::min(query.items_max(), items_max));
  reply.set_truncated(reply.buckets_size() == wanted || reply.ByteSizeLong() > reply_bytes_max);
  if (reply.truncated()) return false;
  reply.set_next_after(bucket.name());
  *reply.add_buckets() = std::move(bucket);
  return true;
}

status::Status answer(const context& at, const v1::ListBuckets& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  if (query.items_max() == 0) return status::OK;
  const auto from = query.after().empty() ? std::string{} : query.after() + '\0';
  if (query.owner().empty()) {
    at.store.scan(table::buckets, from, [&](std::string_view, std::string_view value) {
      return list(query, context::parse<v1::BucketRecord>(value), reply);
    });
    return status::OK;
  }
  const auto owned = keys::owner(query.owner());
  std::vector<std::string> names;
  at.store.scan(table::bucket_owners, owned + from, [&](std::string_view row, std::string_view) {
    if (!row.starts_with(owned)) return false;
    names.emplace_back(row.substr(owned.size()));
    return names.size() <= items_max;
  });
  for (const auto& name : names) {
    auto bucket = find_bucket(at, name);
    if (!bucket) throw store_error(ec::damaged, "the owner index names a bucket that is not there");
    if (!list(query, std::move(*bucket), reply)) break;
  }
  return status::OK;
}

status::Status answer(const context& at, const v1::GetAccessKey& query, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  auto found = find_user(at, query.access_key());
  if (!found) return status::NO_SUCH_KEY;
  if (found->has_user()) *reply.mutable_user() = std::move(*found->mutable_user());
  *reply.mutable_access_key() = std::move(*found->mutable_key());
  return status::OK;
}

status::Status answer(const context& at, const v1::GetClusterMap&, v1::QueryReply& reply) {
  if (!at.root()) return status::WRONG_PARTITION;
  auto map = find_cluster_map(at);
  if (!map) return status::NO_SUCH_KEY;
  *reply.mutable_cluster_map() = std::move(*map);
  return status::OK;
}

}  // namespace dunlin::machine
