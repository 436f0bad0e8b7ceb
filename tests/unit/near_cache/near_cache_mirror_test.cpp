// The actor of a full mirror: when it lists, and what it does when that fails (Q22).
#include "tests/unit/near_cache/shell_fixture.hpp"

namespace dunlin::testing_near_cache {

TEST_F(NearCacheActor, Q22AMirrorListsAllItemsAsSoonAsItHearsOfChanges) {
  start_as_mirror();
  EXPECT_TRUE(world.asked.empty()) << "what changed from now on it would not hear of";
  prove();
  EXPECT_EQ(world.asked.size(), 2u);
  for (const auto* name : {"b", "c", "d", "e"})
    EXPECT_TRUE(look(name)->answer->from_cache) << name;
  EXPECT_EQ(world.asked.size(), 2u);
  prove();
  EXPECT_EQ(world.asked.size(), 2u) << "once is enough";
  EXPECT_EQ(figure("mirroring"), 1u);
  EXPECT_EQ(figure("listed_total"), 4u);
}

TEST_F(NearCacheActor, Q22AMirrorIsFilledAgainAfterADrop) {
  start_as_mirror();
  prove();
  tell(cache_dropped{0, 20, false});
  world.tick = 25;
  set_bucket("unheard", "unheard", 24);
  world.buckets["unheard"].set_name("unheard");
  prove(20);
  run();
  const auto asked = world.asked.size();
  for (const auto* name : {"b", "c", "d", "e", "unheard"})
    EXPECT_TRUE(look(name)->answer->from_cache) << name;
  EXPECT_EQ(world.asked.size(), asked);
}

TEST_F(NearCacheActor, Q22AListingThatFailsIsBegunAnew) {
  start_as_mirror();
  world.fails = ec::unavailable;
  prove();
  EXPECT_EQ(figure("items"), 0u);
  world.fails.reset();
  advance(2s, 100ms);
  EXPECT_EQ(figure("items"), 4u);
}

TEST_F(NearCacheActor, Q22AMirrorThatDoesNotFitSaysSoAndIsFilledOnDemand) {
  options.parameters.items_max = 3;
  start_as_mirror();
  prove();
  EXPECT_EQ(figure("mirror"), 1u);
  EXPECT_EQ(figure("mirroring"), 0u);
  EXPECT_EQ(figure("mirror_overflows_total"), 1u);
  for (const auto* name : {"b", "c", "d", "e"})
    EXPECT_EQ(look(name)->id(), name == std::string("b") ? "one" : name);
  EXPECT_LE(figure("items"), 3u);
  set_cache wish;
  wish.items_max = 10;
  call<accepted>(wish);
  EXPECT_EQ(figure("mirroring"), 1u);
  EXPECT_EQ(figure("items"), 4u);
}

}  // namespace dunlin::testing_near_cache
