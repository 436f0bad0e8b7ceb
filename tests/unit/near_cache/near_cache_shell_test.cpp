// The actor around the core: questions to leaders, time, changes, tickets of writers that are gone.
#include "tests/unit/near_cache/shell_fixture.hpp"

namespace dunlin::testing_near_cache {

TEST_F(NearCacheActor, Q5AsksTheLeaderOnceAndServesWhatItSaid) {
  const auto first = look("b");
  EXPECT_EQ(first->id(), "one");
  EXPECT_EQ(first->answer->tick, 5u);
  EXPECT_FALSE(first->answer->from_cache);
  EXPECT_TRUE(first->answer->confirmed);
  EXPECT_EQ(world.asked.at(0).query().trace_id(), "trace");
  EXPECT_EQ(world.asked.at(0).timeout_ms(), 15'000u);
  advance(500ms);
  const auto second = look("b");
  EXPECT_TRUE(second->answer->from_cache);
  EXPECT_EQ(second->answer->record, first->answer->record) << "one record, parsed once";
  EXPECT_EQ(second->answer->age, 500ms);
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST_F(NearCacheActor, Q5ConcurrentMissesMakeOneRequest) {
  world.silent = true;
  const auto first = look("b");
  const auto second = look("b");
  EXPECT_EQ(world.asked.size(), 1u);
  EXPECT_EQ(first->id(), "nothing yet");
  advance(17s, 500ms);
  EXPECT_EQ(first->id(), to_string(ec::timed_out));
  EXPECT_EQ(second->id(), to_string(ec::timed_out));
}

TEST_F(NearCacheActor, WhatIsNotProvenIsConfirmedWhenItsBoundIsReached) {
  look("b");
  set_bucket("b", "two", 20);
  advance(1000ms);
  EXPECT_EQ(look("b")->id(), "one");
  advance(10ms);
  EXPECT_EQ(look("b")->id(), "two");
}

TEST_F(NearCacheActor, WhatIsProvenIsServedForAsLong) {
  look("b");
  for (int i = 0; i < 5; ++i) {
    advance(900ms);
    tell(cache_proven{0, cache_time(&system), 0});
  }
  EXPECT_TRUE(look("b")->answer->from_cache);
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST_F(NearCacheActor, AConfirmedAnswerIsAskedForWhateverIsHeld) {
  look("b");
  set_bucket("b", "two", 20);
  EXPECT_EQ(look("b", true)->id(), "two");
  EXPECT_EQ(look("b")->id(), "two");
}

TEST_F(NearCacheActor, WhatIsNotThereIsKeptToo) {
  EXPECT_EQ(look("other")->id(), "no such bucket");
  EXPECT_EQ(look("other")->id(), "no such bucket");
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST_F(NearCacheActor, AFailureIsTheReadersAndNothingIsKept) {
  world.fails = ec::unavailable;
  EXPECT_EQ(look("b")->id(), to_string(ec::unavailable));
  world.fails.reset();
  EXPECT_EQ(look("b")->id(), "one");
}

TEST_F(NearCacheActor, Q11AChangeBringsTheNewValueOrMakesItAsk) {
  look("b");
  tell(cache_changes{0, {{20, "b", record("two", 20)}}});
  EXPECT_EQ(look("b")->id(), "two");
  EXPECT_EQ(world.asked.size(), 1u);
  tell(cache_changes{0, {{15, "b", record("old", 15)}}});
  EXPECT_EQ(look("b")->id(), "two");
  tell(cache_changes{0, {{30, "b", nullptr, true}}});
  EXPECT_EQ(look("b")->id(), "no such bucket");
  EXPECT_EQ(world.asked.size(), 1u);
  set_bucket("b", "three", 40);
  tell(cache_changes{0, {{40, "b"}}});
  EXPECT_EQ(look("b")->id(), "three");
  EXPECT_EQ(world.asked.size(), 2u);
}

TEST_F(NearCacheActor, ARecordOfAnotherTypeOnlyInvalidates) {
  look("b");
  auto user = std::make_shared<v1::CachedRecord>();
  user->mutable_user();
  set_bucket("b", "two", 20);
  tell(cache_changes{0, {{20, "b", user}}});
  EXPECT_EQ(look("b")->id(), "two");
  EXPECT_EQ(world.asked.size(), 2u);
}

TEST_F(NearCacheActor, Q14AGapDropsWhatWasReadBeforeIt) {
  look("b");
  tell(cache_dropped{0, 10, false});
  EXPECT_EQ(figure("items"), 1u) << "read at the tick from which changes are heard again";
  tell(cache_dropped{0, 11, false});
  EXPECT_EQ(figure("items"), 0u);
  EXPECT_EQ(figure("deaths_total", "gap"), 1u);
}

TEST_F(NearCacheActor, AWholeChangeDropsWhatWasReadBeforeIt) {
  look("b");
  tell(cache_dropped{0, 11, true});
  EXPECT_EQ(figure("deaths_total", "message"), 1u);
}

TEST_F(NearCacheActor, AWriteEntersTheCacheBeforeItsWriterGoesOn) {
  look("b");
  const auto ticket = call<cache_ticket>(cache_begin_write{"b"});
  EXPECT_NE(ticket.id, 0u);
  cache_written done{ticket.id, "b", cache_outcome::changed, 0, 20, record("mine", 20)};
  call<accepted>(done);
  EXPECT_EQ(look("b")->id(), "mine");
  EXPECT_EQ(world.asked.size(), 1u);
  const auto next = call<cache_ticket>(cache_begin_write{"b"});
  call<accepted>(cache_written{next.id, "b", cache_outcome::removed, 0, 21});
  EXPECT_EQ(look("b")->id(), "no such bucket");
}

TEST_F(NearCacheActor, AWriterThatNeverComesBackCountsAsLost) {
  look("b");
  call<cache_ticket>(cache_begin_write{"b"});
  advance(29s, 100ms);
  tell(cache_proven{0, cache_time(&system), 0});
  EXPECT_EQ(figure("deaths_total", "own_write"), 0u);
  advance(3s, 100ms);
  EXPECT_EQ(figure("deaths_total", "own_write"), 1u);
  EXPECT_EQ(figure("items"), 0u);
}

}  // namespace dunlin::testing_near_cache
