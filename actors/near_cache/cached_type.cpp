#include "actors/near_cache/cached_type.hpp"

#include "messages/cache_types.hpp"

#include <algorithm>
#include <array>

namespace dunlin {

namespace {

using core = near_cache_core;

v1::RoutedQuery to_root() {
  v1::RoutedQuery query;
  query.mutable_route()->set_partition(0);
  return query;
}

core::answer found(const v1::QueryReply& reply, std::uint64_t tick, v1::CachedRecord record) {
  auto shared = std::make_shared<const v1::CachedRecord>(std::move(record));
  return core::found{reply.partition(), reply.tick(), tick, to_value(std::move(shared))};
}

core::answer absent(const v1::QueryReply& reply) {
  return core::absent{reply.partition(), reply.tick()};
}

// ---- bucket, by name ----

v1::RoutedQuery ask_bucket(const std::string& key, std::uint64_t) {
  auto query = to_root();
  query.mutable_query()->mutable_get_bucket()->set_name(key);
  return query;
}

core::answer read_bucket(const v1::QueryReply& reply) {
  if (reply.status() == v1::CommandReply::NO_SUCH_BUCKET) return absent(reply);
  if (reply.status() != v1::CommandReply::OK || reply.buckets().empty()) return ec::bad_message;
  v1::CachedRecord record;
  *record.mutable_bucket() = reply.buckets(0);
  return found(reply, reply.buckets(0).tick(), std::move(record));
}

// ---- user, by access key ----

v1::RoutedQuery ask_user(const std::string& key, std::uint64_t) {
  auto query = to_root();
  query.mutable_query()->mutable_get_access_key()->set_access_key(key);
  return query;
}

core::answer read_user(const v1::QueryReply& reply) {
  if (reply.status() == v1::CommandReply::NO_SUCH_KEY) return absent(reply);
  if (reply.status() != v1::CommandReply::OK || !reply.has_access_key()) return ec::bad_message;
  v1::CachedRecord record;
  auto& user = *record.mutable_user();
  if (reply.has_user()) *user.mutable_user() = reply.user();
  *user.mutable_key() = reply.access_key();
  // An item is the key and its user (messages/cache_types.hpp).
  return found(reply, std::max(user.user().tick(), user.key().tick()), std::move(record));
}

// ---- policy, by its name or "user/name" ----

v1::RoutedQuery ask_policy(const std::string& key, std::uint64_t) {
  auto query = to_root();
  auto& wish = *query.mutable_query()->mutable_get_policy();
  const auto slash = key.find('/');  // npos + 1: the whole key is the name
  if (slash != std::string::npos) wish.set_user(key.substr(0, slash));
  wish.set_name(key.substr(slash + 1));
  return query;
}

core::answer read_policy(const v1::QueryReply& reply) {
  if (reply.status() == v1::CommandReply::NO_SUCH_KEY) return absent(reply);
  if (reply.status() != v1::CommandReply::OK || reply.policies().empty()) return ec::bad_message;
  v1::CachedRecord record;
  *record.mutable_policy() = reply.policies(0);
  return found(reply, reply.policies(0).tick(), std::move(record));
}

// ---- object, by bucket id and key ----

constexpr std::size_t bucket_id_bytes = 16;

v1::RoutedQuery ask_object(const std::string& key, std::uint64_t known) {
  v1::RoutedQuery query;
  auto bucket_id = key.substr(0, bucket_id_bytes);
  auto& wish = *query.mutable_query()->mutable_get_object();
  wish.set_key(key.substr(bucket_id.size()));
  wish.set_known_tick(known);
  wish.set_bucket_id(bucket_id);
  query.mutable_route()->set_bucket_id(std::move(bucket_id));
  return query;
}

core::answer read_object(const v1::QueryReply& reply) {
  switch (reply.status()) {
    case v1::CommandReply::NO_SUCH_KEY: return absent(reply);
    // Nothing is there, but the bucket's name may mean another one by now: that is not "no such
    // key".
    case v1::CommandReply::SEALED: return ec::not_found;
    case v1::CommandReply::WRONG_PARTITION: return ec::unavailable;
    case v1::CommandReply::OK: break;
    default: return ec::bad_message;
  }
  if (reply.unchanged()) return core::unchanged{reply.partition(), reply.tick()};
  if (!reply.has_object()) return ec::bad_message;
  v1::CachedRecord record;
  *record.mutable_object() = reply.object();
  return found(reply, reply.object().tick(), std::move(record));
}

// ---- cluster map: one item ----

v1::RoutedQuery ask_cluster_map(const std::string&, std::uint64_t) {
  auto query = to_root();
  query.mutable_query()->mutable_get_cluster_map();
  return query;
}

core::answer read_cluster_map(const v1::QueryReply& reply) {
  if (reply.status() == v1::CommandReply::NO_SUCH_KEY) return absent(reply);
  if (reply.status() != v1::CommandReply::OK || !reply.has_cluster_map()) return ec::bad_message;
  v1::CachedRecord record;
  *record.mutable_cluster_map() = reply.cluster_map();
  return found(reply, reply.cluster_map().tick(), std::move(record));
}

constexpr auto types = std::to_array<cached_type>({
    {cached::bucket, ask_bucket, read_bucket,
     [](const v1::CachedRecord& record) { return record.has_bucket(); }},
    {cached::user, ask_user, read_user,
     [](const v1::CachedRecord& record) { return record.has_user(); }},
    {cached::policy, ask_policy, read_policy,
     [](const v1::CachedRecord& record) { return record.has_policy(); }},
    {cached::object, ask_object, read_object,
     [](const v1::CachedRecord& record) { return record.has_object(); }},
    {cached::cluster_map, ask_cluster_map, read_cluster_map,
     [](const v1::CachedRecord& record) { return record.has_cluster_map(); }},
});

}  // namespace

const cached_type* find_cached_type(std::string_view name) {
  const auto found = std::find_if(types.begin(), types.end(),
                                  [&](const cached_type& one) { return one.name == name; });
  return found == types.end() ? nullptr : &*found;
}

cached_value to_value(cached_record record) {
  const auto bytes = record->SpaceUsedLong();
  return {std::move(record), bytes};
}

cached_record to_record(const cached_value& value) {
  return std::static_pointer_cast<const v1::CachedRecord>(value.data);
}

}  // namespace dunlin
