#include "actors/near_cache/mirror_listing.hpp"

#include "actors/near_cache/cached_type.hpp"
#include "messages/cache_types.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace dunlin {

namespace {

using listed = near_cache_core::listed;

constexpr std::uint32_t page_items = 1000;

v1::RoutedQuery to_root() {
  v1::RoutedQuery query;
  query.mutable_route()->set_partition(0);
  return query;
}

result<mirror_page> page_of(const v1::QueryReply& reply) {
  if (reply.status() != v1::CommandReply::OK) return ec::unavailable;
  mirror_page page;
  page.partition = reply.partition();
  page.read = reply.tick();
  return page;
}

void add(mirror_page& page, std::string key, std::uint64_t tick, v1::CachedRecord record) {
  page.items.push_back({std::move(key), tick,
                        to_value(std::make_shared<const v1::CachedRecord>(std::move(record)))});
}

/// Whether there is more after this page; a listing that does not get on is over.
bool go_on(mirror_position& at, const v1::QueryReply& reply) {
  if (!reply.truncated() || reply.next_after() <= at.after) return false;
  at.after = reply.next_after();
  return true;
}

void next_stage(mirror_position& at) {
  ++at.stage;
  at.after.clear();
}

v1::RoutedQuery list_users(const mirror_position& at) {
  auto query = to_root();
  auto& wish = *query.mutable_query()->mutable_list_users();
  wish.set_after(at.after);
  wish.set_items_max(page_items);
  return query;
}

// ---- buckets ----

v1::RoutedQuery ask_buckets(const mirror_position& at) {
  auto query = to_root();
  auto& wish = *query.mutable_query()->mutable_list_buckets();
  wish.set_after(at.after);
  wish.set_items_max(page_items);
  return query;
}

result<mirror_page> read_buckets(mirror_position& at, const v1::QueryReply& reply) {
  auto page = page_of(reply);
  if (!page) return page;
  for (const auto& bucket : reply.buckets()) {
    v1::CachedRecord record;
    *record.mutable_bucket() = bucket;
    add(*page, bucket.name(), bucket.tick(), std::move(record));
  }
  page->done = !go_on(at, reply);
  return page;
}

// ---- users by access key: their names, then each with its keys ----

v1::RoutedQuery ask_users(const mirror_position& at) {
  if (at.names.empty()) return list_users(at);
  auto query = to_root();
  query.mutable_query()->mutable_get_user()->set_name(at.names.front());
  return query;
}

result<mirror_page> read_user(mirror_position& at, const v1::QueryReply& reply) {
  at.names.pop_front();
  mirror_page gone{reply.partition(), reply.tick(), {}, false};
  auto page =
      reply.status() == v1::CommandReply::NO_SUCH_KEY ? result<mirror_page>(gone) : page_of(reply);
  if (!page) return page;
  for (const auto& key : reply.access_keys()) {
    v1::CachedRecord record;
    *record.mutable_user()->mutable_user() = reply.user();
    *record.mutable_user()->mutable_key() = key;
    add(*page, key.access_key(), std::max(key.tick(), reply.user().tick()), std::move(record));
  }
  page->done = at.names.empty() && at.stage > 0;
  return page;
}

/// Stage 1: the names at hand are the last ones.
result<mirror_page> read_users(mirror_position& at, const v1::QueryReply& reply) {
  if (!at.names.empty()) return read_user(at, reply);
  auto page = page_of(reply);
  if (!page) return page;
  for (const auto& user : reply.users())
    at.names.push_back(user.name());
  if (!go_on(at, reply)) next_stage(at);
  page->done = at.names.empty() && at.stage > 0;
  return page;
}

// ---- policies: managed ones with their documents, then the names of those that users have ----

v1::RoutedQuery ask_policies(const mirror_position& at) {
  if (at.stage > 0) return list_users(at);
  auto query = to_root();
  auto& wish = *query.mutable_query()->mutable_list_policies();
  wish.set_after(at.after);
  wish.set_items_max(page_items);
  return query;
}

result<mirror_page> read_policies(mirror_position& at, const v1::QueryReply& reply) {
  auto page = page_of(reply);
  if (!page) return page;
  for (const auto& policy : reply.policies()) {
    v1::CachedRecord record;
    *record.mutable_policy() = policy;
    add(*page, policy.name(), policy.tick(), std::move(record));
  }
  for (const auto& user : reply.users())
    for (const auto& name : user.inline_policies())
      page->items.push_back({user.name() + "/" + name, 0, {}});
  const auto more = go_on(at, reply);
  page->done = !more && at.stage > 0;
  if (!more) next_stage(at);
  return page;
}

// ---- the cluster map ----

v1::RoutedQuery ask_map(const mirror_position&) {
  auto query = to_root();
  query.mutable_query()->mutable_get_cluster_map();
  return query;
}

result<mirror_page> read_map(mirror_position&, const v1::QueryReply& reply) {
  auto page = page_of(reply);
  if (!page) return page;
  v1::CachedRecord record;
  *record.mutable_cluster_map() = reply.cluster_map();
  add(*page, std::string(cached::cluster_map_key), reply.cluster_map().tick(), std::move(record));
  page->done = true;
  return page;
}

constexpr auto listings = std::to_array<mirror_listing>({
    {cached::bucket, ask_buckets, read_buckets},
    {cached::user, ask_users, read_users},
    {cached::policy, ask_policies, read_policies},
    {cached::cluster_map, ask_map, read_map},
});

}  // namespace

const mirror_listing* find_mirror_listing(std::string_view type) {
  const auto found = std::find_if(listings.begin(), listings.end(),
                                  [&](const mirror_listing& one) { return one.type == type; });
  return found == listings.end() ? nullptr : &*found;
}

}  // namespace dunlin
