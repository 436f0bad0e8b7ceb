// Q22: what a full mirror asks for to learn all items of its type.
#include "actors/near_cache/mirror_listing.hpp"
#include "actors/near_cache/cached_type.hpp"
#include "messages/cache_types.hpp"

#include <gtest/gtest.h>

namespace dunlin {

namespace {

v1::QueryReply reply_of(std::uint64_t tick, const std::string& next_after = {}) {
  v1::QueryReply reply;
  reply.set_tick(tick);
  reply.set_truncated(!next_after.empty());
  reply.set_next_after(next_after);
  return reply;
}

std::vector<std::string> keys_of(const mirror_page& page) {
  std::vector<std::string> keys;
  for (const auto& item : page.items)
    keys.push_back(item.key);
  return keys;
}

using keys = std::vector<std::string>;

TEST(MirrorListing, ObjectsHaveNone) { EXPECT_FALSE(find_mirror_listing(cached::object)); }

TEST(MirrorListing, BucketsComeWithTheirRecordsPageByPage) {
  const auto& list = *find_mirror_listing(cached::bucket);
  mirror_position at;
  EXPECT_EQ(list.ask(at).query().list_buckets().owner(), "");
  auto first = reply_of(9, "b");
  first.add_buckets()->set_name("b");
  first.mutable_buckets(0)->set_tick(4);
  auto page = list.read(at, first);
  ASSERT_TRUE(page);
  EXPECT_EQ(keys_of(*page), keys{"b"});
  EXPECT_EQ(page->items[0].tick, 4u);
  EXPECT_EQ(page->read, 9u);
  EXPECT_FALSE(page->done);
  EXPECT_EQ(list.ask(at).query().list_buckets().after(), "b");
  page = list.read(at, reply_of(9));
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->done);
}

TEST(MirrorListing, OneThatDoesNotGetOnEnds) {
  const auto& list = *find_mirror_listing(cached::bucket);
  mirror_position at;
  at.after = "b";
  EXPECT_TRUE(list.read(at, reply_of(9, "b"))->done);
}

TEST(MirrorListing, UsersAreNamedThenLookedUpWithTheirKeys) {
  const auto& list = *find_mirror_listing(cached::user);
  mirror_position at;
  EXPECT_TRUE(list.ask(at).query().has_list_users());
  auto names = reply_of(9);
  names.add_users()->set_name("ann");
  names.add_users()->set_name("bob");
  EXPECT_FALSE(list.read(at, names)->done);
  EXPECT_EQ(list.ask(at).query().get_user().name(), "ann");
  auto ann = reply_of(10);
  ann.mutable_user()->set_name("ann");
  ann.mutable_user()->set_tick(8);
  for (const auto* key : {"A1", "A2"})
    ann.add_access_keys()->set_access_key(key);
  const auto page = list.read(at, ann);
  EXPECT_EQ(keys_of(*page), (keys{"A1", "A2"}));
  EXPECT_EQ(page->items[0].tick, 8u);
  EXPECT_EQ(to_record(*page->items[0].value)->user().user().name(), "ann");
  EXPECT_FALSE(page->done);
  EXPECT_EQ(list.ask(at).query().get_user().name(), "bob");
  auto gone = reply_of(11);
  gone.set_status(v1::CommandReply::NO_SUCH_KEY);
  EXPECT_TRUE(list.read(at, gone)->done);
}

TEST(MirrorListing, APageOfUsersIsLookedUpBeforeTheNext) {
  const auto& list = *find_mirror_listing(cached::user);
  mirror_position at;
  auto names = reply_of(9, "ann");
  names.add_users()->set_name("ann");
  list.read(at, names).value();
  EXPECT_FALSE(list.read(at, reply_of(9))->done);
  EXPECT_EQ(list.ask(at).query().list_users().after(), "ann");
  EXPECT_TRUE(list.read(at, reply_of(9))->done);
}

TEST(MirrorListing, PoliciesComeWithDocumentsThoseOfUsersByName) {
  const auto& list = *find_mirror_listing(cached::policy);
  mirror_position at;
  auto managed = reply_of(9, "readers");
  managed.add_policies()->set_name("readers");
  auto page = list.read(at, managed);
  EXPECT_EQ(keys_of(*page), keys{"readers"});
  EXPECT_TRUE(page->items[0].value);
  EXPECT_FALSE(page->done);
  EXPECT_EQ(list.ask(at).query().list_policies().after(), "readers");
  EXPECT_FALSE(list.read(at, reply_of(9))->done);
  EXPECT_TRUE(list.ask(at).query().has_list_users());
  auto users = reply_of(9);
  users.add_users()->set_name("ann");
  users.mutable_users(0)->add_inline_policies("own");
  page = list.read(at, users);
  EXPECT_EQ(keys_of(*page), keys{"ann/own"});
  EXPECT_FALSE(page->items[0].value);
  EXPECT_TRUE(page->done);
}

TEST(MirrorListing, TheClusterMapIsOneItem) {
  const auto& list = *find_mirror_listing(cached::cluster_map);
  mirror_position at;
  auto reply = reply_of(9);
  reply.mutable_cluster_map()->set_tick(3);
  const auto page = list.read(at, reply);
  EXPECT_EQ(keys_of(*page), keys{std::string(cached::cluster_map_key)});
  EXPECT_TRUE(page->done);
  reply.set_status(v1::CommandReply::NO_SUCH_KEY);
  EXPECT_FALSE(list.read(at, reply)) << "a cluster that is not seeded has none yet";
}

}  // namespace

}  // namespace dunlin
