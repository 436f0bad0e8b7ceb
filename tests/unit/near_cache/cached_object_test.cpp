// How a near cache asks for objects and for the cluster map (messages/cache_types.hpp).
#include "actors/near_cache/cached_type.hpp"
#include "messages/cache_types.hpp"

#include <gtest/gtest.h>

namespace dunlin {

namespace {

const cached_type& objects() { return *find_cached_type(cached::object); }
const std::string bucket_id = "0123456789abcdef";

v1::QueryReply reply_with(v1::CommandReply::Status status) {
  v1::QueryReply reply;
  reply.set_status(status);
  reply.set_partition(3);
  reply.set_tick(12);
  return reply;
}

TEST(CachedObject, IsAskedForInTheBucketsPartitionWithTheTickThatIsHeld) {
  const auto query = objects().ask(bucket_id + "a/b", 7);
  EXPECT_EQ(query.route().bucket_id(), bucket_id);
  EXPECT_EQ(query.query().get_object().bucket_id(), bucket_id);
  EXPECT_EQ(query.query().get_object().key(), "a/b");
  EXPECT_EQ(query.query().get_object().known_tick(), 7u);
}

TEST(CachedObject, HasTheTickOfItsRecordOrIsUnchangedOrAbsent) {
  auto reply = reply_with(v1::CommandReply::OK);
  reply.mutable_object()->set_tick(9);
  const auto answer = objects().read(reply);
  const auto& found = std::get<near_cache_core::found>(answer);
  EXPECT_EQ(found.partition, 3u);
  EXPECT_EQ(found.tick, 9u);
  EXPECT_EQ(found.read, 12u);
  EXPECT_TRUE(objects().holds(*to_record(found.value)));
  auto same = reply_with(v1::CommandReply::OK);
  same.set_unchanged(true);
  EXPECT_EQ(std::get<near_cache_core::unchanged>(objects().read(same)).read, 12u);
  const auto none = objects().read(reply_with(v1::CommandReply::NO_SUCH_KEY));
  EXPECT_EQ(std::get<near_cache_core::absent>(none).read, 12u);
}

TEST(CachedObject, OfABucketThatIsSealedIsNotSaidToBeAbsent) {
  EXPECT_EQ(std::get<ec>(objects().read(reply_with(v1::CommandReply::SEALED))), ec::not_found);
  EXPECT_EQ(std::get<ec>(objects().read(reply_with(v1::CommandReply::WRONG_PARTITION))),
            ec::unavailable);
  EXPECT_EQ(std::get<ec>(objects().read(reply_with(v1::CommandReply::OK))), ec::bad_message);
}

TEST(CachedClusterMap, IsOneItemOfTheRootPartition) {
  const auto& maps = *find_cached_type(cached::cluster_map);
  EXPECT_EQ(maps.ask(std::string(cached::cluster_map_key), 0).route().partition(), 0u);
  auto reply = reply_with(v1::CommandReply::OK);
  reply.mutable_cluster_map()->set_tick(5);
  const auto answer = maps.read(reply);
  EXPECT_EQ(std::get<near_cache_core::found>(answer).tick, 5u);
  EXPECT_TRUE(std::holds_alternative<near_cache_core::absent>(
      maps.read(reply_with(v1::CommandReply::NO_SUCH_KEY))));
}

TEST(CachedTypes, KnowTheirOwnRecordsOnly) {
  v1::CachedRecord record;
  record.mutable_object();
  for (const auto type :
       {cached::user, cached::bucket, cached::policy, cached::object, cached::cluster_map})
    EXPECT_EQ(find_cached_type(type)->holds(record), type == cached::object) << type;
}

}  // namespace

}  // namespace dunlin
