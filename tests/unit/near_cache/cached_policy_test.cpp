// How a near cache asks for policies (docs/decisions/0012, messages/cache_types.hpp).
#include "actors/near_cache/cached_type.hpp"
#include "messages/cache_types.hpp"

#include <gtest/gtest.h>

namespace dunlin {

namespace {

const cached_type& policies() { return *find_cached_type(cached::policy); }

v1::QueryReply reply_with(std::uint64_t tick) {
  v1::QueryReply reply;
  reply.set_tick(tick + 5);
  auto& policy = *reply.add_policies();
  policy.set_tick(tick);
  policy.set_document("{}");
  return reply;
}

TEST(CachedPolicy, IsAskedForByItsNameOrByThatOfItsUserToo) {
  const auto managed = policies().ask("readers", 0);
  EXPECT_EQ(managed.route().partition(), 0u);
  EXPECT_EQ(managed.query().get_policy().name(), "readers");
  EXPECT_EQ(managed.query().get_policy().user(), "");
  const auto own = policies().ask("ann/readers", 0);
  EXPECT_EQ(own.query().get_policy().name(), "readers");
  EXPECT_EQ(own.query().get_policy().user(), "ann");
}

TEST(CachedPolicy, HasTheTickOfItsRecordAndMayBeAbsent) {
  const auto answer = policies().read(reply_with(7));
  const auto& found = std::get<near_cache_core::found>(answer);
  EXPECT_EQ(found.tick, 7u);
  EXPECT_TRUE(policies().holds(*to_record(found.value)));
  v1::QueryReply none;
  none.set_status(v1::CommandReply::NO_SUCH_KEY);
  EXPECT_TRUE(std::holds_alternative<near_cache_core::absent>(policies().read(none)));
  none.set_status(v1::CommandReply::INVALID);
  EXPECT_TRUE(std::holds_alternative<ec>(policies().read(none)));
}

}  // namespace

}  // namespace dunlin
