#include "tests/unit/near_cache/cache_fixture.hpp"

namespace dunlin {

constexpr auto absurd = std::uint64_t{1} << 63;

TEST_F(NearCache, Q11DropsAnEntryThatAChangeWithoutAValueMakesOld) {
  fill("a", 7, "red");
  update("a", 8);
  EXPECT_EQ(core.figures().died(cache_death::message), 1u);
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, Q11KeepsAnEntryThatIsAsNewAsTheChange) {
  fill("a", 7, "red");
  update("a", 7);
  update("a", 6, text("old"));
  update("a", 6, removed{});
  EXPECT_EQ(at_once("a"), "red");
  EXPECT_EQ(core.figures().updates_late, 3u);
}

TEST_F(NearCache, Q11KeepsAnEntryThatTheLeaderReadAfterTheChange) {
  look("a");
  answer(ticket(), found{1, 20, 7, text("red")});
  update("a", 19);  // of an item that is not this one any more, or never was
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, Q11InstallsANewerValueThatAChangeCarriesWithoutAskingAnybody) {
  fill("a", 7, "red");
  update("a", 8, text("blue"));
  EXPECT_EQ(at_once("a"), "blue");
  EXPECT_EQ(core.figures().updates_taken, 1u);
  EXPECT_EQ(core.figures().died(cache_death::replaced), 1u);
  EXPECT_EQ(core.figures().fetches, 1u);
}

TEST_F(NearCache, Q11AValueIsNoOlderThanWhatItReplacedAndNoYounger) {
  fill("a", 7, "red");
  clock += 900ms;
  update("a", 8, text("blue"));
  clock += 200ms;
  EXPECT_EQ(at_once("a"), "asks");  // nobody has said that 8 is the newest since
}

TEST_F(NearCache, Q11OnlyInvalidatesIfItIsNotToCarryValues) {
  auto other = defaults();
  other.carry_values = false;
  now(core.set_parameters(clock, other));
  fill("a", 7, "red");
  update("a", 8, text("blue"));
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, Q11MergesAPartialValueOntoTheVersionThatItWasMadeFrom) {
  const auto add = [](const cached_value& held) -> std::optional<cached_value> {
    return text(held.as<std::string>() + " and blue");
  };
  fill("a", 7, "red");
  update("a", 9, partial_value{7, add});
  EXPECT_EQ(at_once("a"), "red and blue");
  update("a", 12, partial_value{11, add});
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, Q11APartialValueThatCannotBeMergedInvalidates) {
  fill("a", 7, "red");
  update("a", 9, partial_value{7, [](const cached_value&) { return std::nullopt; }});
  EXPECT_EQ(at_once("a"), "asks");
  fill_absent("b", 7);
  update("b", 9, partial_value{7, [](const cached_value& held) { return std::optional{held}; }});
  EXPECT_EQ(at_once("b"), "asks");
}

TEST_F(NearCache, ANegativeEntryIsReplacedOrInvalidatedByACreation) {
  fill_absent("a", 7);
  fill_absent("b", 7);
  update("a", 8, text("red"));
  update("b", 9);
  EXPECT_EQ(at_once("a"), "red");
  EXPECT_EQ(at_once("b"), "asks");
}

TEST_F(NearCache, ARemovalMakesANegativeEntry) {
  fill("a", 7, "red");
  update("a", 8, removed{});
  EXPECT_EQ(at_once("a"), "nothing");
  EXPECT_EQ(served.at(0).item.tick, 8u);
}

TEST_F(NearCache, OnDemandOnlyHoldsWhatWasAskedFor) {
  update("a", 7, text("red"));
  EXPECT_EQ(core.figures().items, 0u);
  EXPECT_EQ(core.figures().updates_moot, 1u);
}

TEST_F(NearCache, AnAbsurdTickDropsTheEntryAndNothingElse) {
  fill("a", 7, "red");
  update("a", absurd);
  fill("a", 7, "red");
  EXPECT_EQ(at_once("a"), "red");
  update("a", 8, text("blue"));
  EXPECT_EQ(at_once("a"), "blue");
}

TEST_F(NearCache, AnAbsurdTickOnOpenTicketsEndsWithThem) {
  look("a");
  const auto first = ticket();
  update("a", absurd);
  answer(first, found{1, 9, 9, text("red")});
  EXPECT_EQ(got(), "red");
  EXPECT_EQ(core.figures().items, 0u);
  fill("a", 9, "red");
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, AnAbsurdTickOfAWholePartitionEndsWithTheTicketsToo) {
  look("a");
  const auto first = ticket();
  now(core.on_whole(clock, 1, absurd));
  answer(first, found{1, 9, 9, text("red")});
  EXPECT_EQ(core.figures().items, 0u);
  fill("a", 9, "red");
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, AValueOfAnAbsurdTickIsNotBelieved) {
  fill("a", 7, "red");
  update("a", absurd, text("poison"));
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(core.figures().leaps, 1u);
}

TEST_F(NearCache, AValueFarAheadOfTheEntryIsTakenIfThePartitionHasComeThatFar) {
  fill("a", 7, "red");
  prove(0, 1, std::uint64_t{1} << 40);
  update("a", (std::uint64_t{1} << 40) + 5, text("restored"));
  EXPECT_EQ(at_once("a"), "restored");
}

TEST_F(NearCache, ALeaderThatWasAskedLaterIsRightAgainstAnEntryThatClaimsMore) {
  fill("a", 7, "red");
  update("a", 5'000, text("a lie"));
  EXPECT_EQ(at_once("a"), "a lie");
  look("a", wants::confirmed);
  answer(ticket(), found{1, 20, 7, text("red")});
  EXPECT_EQ(got(), "red");
  EXPECT_EQ(core.figures().died(cache_death::contradicted), 1u);
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, AnAbsurdBaseLastsUntilTheNextWord) {
  now(core.on_drop(clock, 1, absurd, cache_death::gap));
  fill("a", 7, "red");
  EXPECT_EQ(core.figures().refused(fill_refusal::before_base), 1u);
  EXPECT_EQ(at_once("a"), "asks");
  prove(5);
  fill("a", 7, "red");
  EXPECT_EQ(at_once("a"), "red");
}

TEST_F(NearCache, Q7AWholeChangeDropsWhatWasReadBeforeItInThatPartition) {
  fill("a", 7, "red");
  fill("b", 9, "blue");
  fill("c", 3, "green", 2);
  now(core.on_whole(clock, 1, 9));
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(at_once("b"), "blue");
  EXPECT_EQ(at_once("c"), "green");
}

TEST_F(NearCache, Q14AGapDropsWhatWasReadBeforeTheNewBaseAndRefusesWhatComesFromBefore) {
  fill("a", 7, "red");
  fill("b", 12, "blue");
  fill("c", 3, "green", 2);
  look("d");
  const auto first = ticket();
  now(core.on_drop(clock, 1, 10, cache_death::gap));
  EXPECT_EQ(core.figures().died(cache_death::gap), 1u);
  answer(first, found{1, 9, 4, text("slow")});
  EXPECT_EQ(got(), "slow");
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(at_once("b"), "blue");
  EXPECT_EQ(at_once("c"), "green");
  EXPECT_EQ(at_once("d"), "asks");
  look("d");
  answer(ticket(), found{1, 10, 4, text("slow")});
  EXPECT_EQ(at_once("d"), "slow");
}

TEST_F(NearCache, Q14AValueFromBeforeTheBaseOnlyInvalidates) {
  look("a");
  answer(ticket(), found{1, 7, 7, text("red")});
  prove(9);
  update("a", 8, text("blue"));
  EXPECT_EQ(core.figures().items, 0u);
}

TEST_F(NearCache, Q14AGapWithoutABaseDropsAllOfThePartitionAndWhatIsBeingRead) {
  fill("a", 7, "red");
  look("b");
  const auto first = ticket();
  now(core.on_drop(clock, 1, 0, cache_death::gap));
  answer(first, found{1, 99, 99, text("slow")});
  EXPECT_EQ(core.figures().items, 0u);
}

TEST_F(NearCache, Q23ACommandDropsEverythingAndTheNextAccessAsks) {
  fill("a", 7, "red");
  fill("b", 9, "blue", 2);
  now(core.on_drop_all(clock, cache_death::command));
  EXPECT_EQ(core.figures().died(cache_death::command), 2u);
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, Q23ACommandAlsoConcernsWhatIsOnItsWay) {
  look("a");
  const auto first = ticket();
  now(core.on_drop_all(clock, cache_death::command));
  answer(first, found{1, 9, 9, text("red")});
  EXPECT_EQ(core.figures().items, 0u);
  EXPECT_EQ(core.figures().refused(fill_refusal::overtaken), 1u);
}

TEST_F(NearCache, Q23DropsEverythingPeriodicallyWithOrWithoutATimer) {
  auto other = defaults();
  other.invalidation_interval = 10s;
  now(core.set_parameters(clock, other));
  EXPECT_EQ(core.next_wake(), clock + 10s);
  fill("a", 7, "red");
  clock += 10s;
  prove();
  EXPECT_EQ(at_once("a"), "asks");
  fill("a", 7, "red");
  clock += 10s;
  now(core.on_timer(clock));
  EXPECT_EQ(core.figures().items, 0u);
  EXPECT_EQ(core.next_wake(), clock + 10s);
}

TEST_F(NearCache, A3EveryPeerDropsItsCopyWhenItHearsOfTheChange) {
  core_type peer{defaults()};
  peer.look_up(clock, "bucket", 1);
  peer.on_answer(clock, 1, found{1, 7, 7, text("private")});
  fill("bucket", 7, "private");
  update("bucket", 8);
  peer.on_update(clock, 1, "bucket", 8, changed{});
  EXPECT_EQ(core.figures().items + peer.figures().items, 0u);
}

}  // namespace dunlin
