#include "tests/unit/near_cache/cache_fixture.hpp"

namespace dunlin {

TEST_F(NearCache, Q5FetchesWhatIsMissingOnceAndServesItAtOnceAfterwards) {
  look("a");
  EXPECT_TRUE(served.empty());
  EXPECT_EQ(asked.at(0).key, "a");
  EXPECT_EQ(asked.at(0).known, 0u);
  answer(ticket(), found{1, 9, 7, text("red")});
  EXPECT_EQ(got(), "red");
  EXPECT_EQ(served.at(0).item.tick, 7u);
  EXPECT_FALSE(served.at(0).from_cache);
  EXPECT_EQ(at_once("a"), "red");
  EXPECT_EQ(core.figures().hits, 1u);
  EXPECT_EQ(core.figures().fetches, 1u);
}

TEST_F(NearCache, Q5HoldsOneSharedValueThatAHitDoesNotCopy) {
  const auto value = text("red");
  look("a");
  answer(ticket(), found{1, 9, 7, value});
  look("a");
  EXPECT_EQ(served.at(0).item.value->data, value.data);
}

TEST_F(NearCache, Q5MakesOneFetchOfConcurrentMissesOfAKey) {
  look("a");
  const auto first = ticket();
  for (int i = 0; i < 5; ++i) {
    look("a");
    EXPECT_TRUE(asked.empty());
  }
  answer(first, found{1, 9, 7, text("red")});
  EXPECT_EQ(served.size(), 6u);
  EXPECT_TRUE(served.at(0).confirmed);
  EXPECT_FALSE(served.at(5).confirmed);  // the leader may have read before it came
  EXPECT_EQ(core.figures().shared, 5u);
}

TEST_F(NearCache, Q5TellsAllWhoWaitThatTheLeaderCannotBeAsked) {
  look("a");
  const auto first = ticket();
  look("a");
  answer(first, ec::unavailable);
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[1].why, ec::unavailable);
  EXPECT_EQ(core.figures().failures, 1u);
}

TEST_F(NearCache, IgnoresAnAnswerThatComesTwice) {
  look("a");
  const auto first = ticket();
  answer(first, found{1, 9, 7, text("red")});
  answer(first, found{1, 3, 3, text("blue")});
  EXPECT_TRUE(served.empty());
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, Q6ForgetsAnEntryAfterItsTimeToLive) {
  fill("a", 7, "red");
  prove();
  clock += 299'999ms;
  prove();
  EXPECT_EQ(at_once("a"), "red");
  clock += 1ms;
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(core.figures().died(cache_death::expiry), 1u);
}

TEST_F(NearCache, Q6ObeysAChangedTimeToLiveAtOnceForWhatIsHeldAlready) {
  fill("a", 7, "red");
  fill("b", 8, "blue");
  clock += 500ms;
  auto other = defaults();
  other.time_to_live = 400ms;
  now(core.set_parameters(clock, other));
  EXPECT_EQ(at_once("a"), "asks");
  ASSERT_TRUE(core.next_wake());
  EXPECT_LE(*core.next_wake(), clock);
  now(core.on_timer(clock));
  EXPECT_EQ(core.figures().items, 0u);
  EXPECT_EQ(core.next_wake(), std::nullopt);
}

TEST_F(NearCache, Q14ConfirmsWhatNobodyHasProvenForTooLong) {
  fill("a", 7, "red");
  clock += 1000ms;
  EXPECT_EQ(at_once("a"), "red");  // the fill itself was a proof
  clock += 1ms;
  look("a");
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].known, 7u);
  answer(ticket(), unchanged{1, 20});
  EXPECT_EQ(got(), "red");
  EXPECT_EQ(served.at(0).age, 0ms);
  clock += 900ms;
  EXPECT_EQ(at_once("a"), "red");
  EXPECT_EQ(core.figures().confirmations, 1u);
  EXPECT_EQ(core.figures().unchanged, 1u);
}

TEST_F(NearCache, Q24ServesForAsLongAsTheSubscriptionProvesThatNothingWasMissed) {
  fill("a", 7, "red");
  for (int i = 0; i < 100; ++i) {
    clock += 900ms;
    prove(5);
    clock += 900ms;
    look("a");
    ASSERT_EQ(got(), "red");
    ASSERT_EQ(served.at(0).age, 900ms);
  }
  EXPECT_EQ(core.figures().fetches + core.figures().confirmations, 1u);
}

TEST_F(NearCache, Q14DoesNotTakeAProofOfAnotherPartitionOrOfWhatWasReadBeforeItsBase) {
  fill("a", 7, "red");
  clock += 2s;
  prove(0, 2);
  EXPECT_EQ(at_once("a"), "asks");
  prove(8);  // changes are heard from 8 on; the leader said what is held at 7
  EXPECT_EQ(at_once("a"), "asks");
  look("a");
  answer(ticket(), unchanged{1, 8});
  clock += 2s;
  prove(8);
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, NeverTakesAProofForATimeToCome) {
  fill("a", 7, "red");
  core.on_proven(clock, 1, {clock + 1h, 0, 0});
  clock += 1001ms;
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, Q14KeepsReadsGoingWithoutAnySubscriptionAtTheCostOfTheLeaders) {
  fill("a", 7, "red");
  for (int i = 0; i < 5; ++i) {
    clock += 10s;
    look("a");
    answer(ticket(), unchanged{1, 7});
    EXPECT_EQ(got(), "red");
  }
}

TEST_F(NearCache, O4ConfirmsForWhoIsAboutToSayThatThereIsNothing) {
  fill_absent("a", 7);
  EXPECT_EQ(at_once("a"), "nothing");
  EXPECT_EQ(core.figures().negative_hits, 1u);
  look("a", wants::confirmed);
  answer(ticket(), found{1, 9, 9, text("red")});
  EXPECT_EQ(got(), "red");
  EXPECT_TRUE(served.at(0).confirmed);
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, O4RepairsAnEntryOfWhatIsGone) {
  fill("a", 7, "red");
  look("a", wants::confirmed);
  EXPECT_EQ(asked.at(0).known, 7u);
  answer(ticket(), absent{1, 9});
  EXPECT_EQ(got(), "nothing");
  EXPECT_EQ(at_once("a"), "nothing");
}

TEST_F(NearCache, WhoWantsItConfirmedSharesOnlyARequestThatWasSentAfterItCame) {
  look("a");
  const auto first = ticket();
  const auto strict = look("a", wants::confirmed);
  const auto other = look("a", wants::confirmed);
  EXPECT_TRUE(asked.empty());
  answer(first, found{1, 9, 7, text("red")});
  ASSERT_EQ(served.size(), 1u);
  EXPECT_EQ(served[0].reader, 1u);
  answer(ticket(), found{1, 10, 10, text("blue")});
  ASSERT_EQ(served.size(), 2u);
  EXPECT_EQ(served[0].reader, strict);
  EXPECT_EQ(served[1].reader, other);
  EXPECT_EQ(got(1), "blue");
}

TEST_F(NearCache, BoundedReadersJoinARequestOnlyWhileItIsYoungerThanTheBound) {
  auto other = defaults();
  other.staleness_max = 100ms;
  now(core.set_parameters(clock, other));
  look("a");
  const auto first = ticket();
  clock += 101ms;
  const auto late = look("a");
  answer(first, found{1, 9, 7, text("red")});
  ASSERT_EQ(served.size(), 1u);  // the leader may have read too long before `late` came
  answer(ticket(), found{1, 9, 7, text("red")});
  ASSERT_EQ(served.size(), 1u);
  EXPECT_EQ(served[0].reader, late);
}

TEST_F(NearCache, BoundedReadersDoNotJoinARequestThatAChangeHasOvertaken) {
  look("a");
  const auto first = ticket();
  update("a", 9);
  look("a");
  answer(first, found{1, 8, 7, text("red")});
  EXPECT_EQ(served.size(), 1u);
  answer(ticket(), found{1, 9, 9, text("blue")});
  EXPECT_EQ(got(), "blue");
  EXPECT_EQ(at_once("a"), "blue");
}

TEST_F(NearCache, BoundedReadersThatWaitTakeWhatAnotherRequestBroughtToTheCache) {
  look("a");
  const auto first = ticket();
  update("a", 9);
  look("a");
  answer(first, found{1, 9, 9, text("blue")});  // read after the change after all
  EXPECT_EQ(served.size(), 2u);
  EXPECT_TRUE(asked.empty());
}

TEST_F(NearCache, DoesNotWaitForAnAnswerThatIsLostLongerThanThePatience) {
  look("a");
  const auto lost = ticket();
  clock += 999ms;
  look("a", wants::confirmed);
  EXPECT_TRUE(asked.empty());
  clock += 1ms;
  look("a", wants::confirmed);
  answer(ticket(), found{1, 9, 7, text("red")});
  EXPECT_EQ(served.size(), 3u);
  answer(lost, found{1, 5, 5, text("old")});
  EXPECT_TRUE(served.empty());
  EXPECT_EQ(at_once("a"), "red");
  EXPECT_EQ(core.tickets(), 0u);
  EXPECT_EQ(core.figures().hurried, 1u);
}

TEST_F(NearCache, WhatIsHeldServesBoundedReadersWhoseRequestFailed) {
  fill("a", 7, "red");
  clock += 2s;
  look("a");
  const auto first = ticket();
  const auto strict = look("a", wants::confirmed);
  prove();
  answer(first, ec::unavailable);
  ASSERT_EQ(served.size(), 1u);
  EXPECT_TRUE(served[0].from_cache);
  answer(ticket(), ec::unavailable);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reader, strict);
}

TEST_F(NearCache, NeverServesBeyondTheBoundJustBecauseTheLeaderCannotBeAsked) {
  fill("a", 7, "red");
  clock += 2s;
  look("a");
  answer(ticket(), ec::timed_out);
  EXPECT_EQ(failed.size(), 1u);
}

struct ValidatedNearCache : NearCache {
  static near_cache_parameters validated() {
    auto it = defaults();
    it.mode = cache_mode::validated;
    return it;
  }
  ValidatedNearCache() : NearCache(validated()) {}
};

TEST_F(ValidatedNearCache, AsksTheLeaderForEveryReadWithTheTickItHolds) {
  fill("a", 7, "red");
  prove();
  look("a");
  EXPECT_EQ(asked.at(0).known, 7u);
  answer(ticket(), unchanged{1, 30});
  EXPECT_EQ(got(), "red");
  look("a");
  answer(ticket(), found{1, 31, 31, text("blue")});
  EXPECT_EQ(got(), "blue");
}

TEST_F(ValidatedNearCache, ReadersOfAMomentShareTheNextRequestAndNeverOneSentBefore) {
  look("a");
  const auto first = ticket();
  for (int i = 0; i < 10; ++i) {
    look("a");
    EXPECT_TRUE(asked.empty());
  }
  answer(first, found{1, 9, 7, text("red")});
  EXPECT_EQ(served.size(), 1u);
  EXPECT_EQ(asked.at(0).known, 7u);
  answer(ticket(), unchanged{1, 9});
  EXPECT_EQ(served.size(), 10u);
  EXPECT_EQ(core.figures().fetches, 1u);
  EXPECT_EQ(core.figures().confirmations, 1u);
}

TEST_F(ValidatedNearCache, CanConfirmWhatWasDroppedMeanwhile) {
  fill("a", 7, "red");
  look("a");
  const auto first = ticket();
  now(core.on_drop_all(clock, cache_death::command));
  answer(first, unchanged{1, 9});
  EXPECT_EQ(got(), "red");
  EXPECT_EQ(core.figures().items, 0u);  // it may have been read before the command
}

TEST_F(ValidatedNearCache, ServesWhatAMessageBroughtIfItIsNewerThanWhatTheLeaderHadRead) {
  fill("a", 7, "red");
  look("a");
  const auto first = ticket();
  update("a", 12, text("blue"));
  answer(first, unchanged{1, 11});
  EXPECT_EQ(got(), "blue");
}

TEST_F(ValidatedNearCache, AnUnchangedThatAnswersNoTickIsAFailure) {
  look("a");
  answer(ticket(), unchanged{1, 9});
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].why, ec::bad_message);
}

}  // namespace dunlin
