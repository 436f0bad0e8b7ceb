// The races that near caches are known to lose, one by one, in the order of events that hurts.
#include "tests/unit/near_cache/cache_fixture.hpp"

namespace dunlin {

TEST_F(NearCache, ASlowFillDoesNotOvertakeANewerInvalidation) {
  look("a");
  const auto slow = ticket();
  update("a", 8);  // committed after the leader had read
  answer(slow, found{1, 7, 7, text("old")});
  EXPECT_EQ(got(), "old");  // right for a reader that came before
  EXPECT_EQ(core.figures().refused(fill_refusal::overtaken), 1u);
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, AFillThatIsNewerThanWhatWasHeardMeanwhileIsKept) {
  look("a");
  const auto slow = ticket();
  update("a", 8);
  answer(slow, found{1, 8, 8, text("new")});
  EXPECT_EQ(at_once("a"), "new");
}

TEST_F(NearCache, ASlowFillDoesNotReplaceAValueThatAMessageBrought) {
  fill("a", 5, "older");
  clock += 2s;
  look("a");
  const auto slow = ticket();
  update("a", 8, text("new"));
  answer(slow, found{1, 7, 7, text("old")});
  EXPECT_EQ(got(), "new");
  prove();
  EXPECT_EQ(at_once("a"), "new");
}

TEST_F(NearCache, ATombstoneEndsWithTheFillsThatWereInFlight) {
  look("a");
  const auto slow = ticket();
  update("a", 8);
  answer(slow, ec::timed_out);
  EXPECT_EQ(core.tickets(), 0u);
  fill("a", 7, "as a leader says that was asked afterwards");
  EXPECT_EQ(at_once("a"), "as a leader says that was asked afterwards");
}

TEST_F(NearCache, OfTwoValuesInOneWindowTheNewerWinsInEitherOrder) {
  fill("a", 5, "old");
  fill("b", 5, "old");
  update("a", 8, text("eight"));
  update("a", 7, text("seven"));
  update("b", 7, text("seven"));
  update("b", 8, text("eight"));
  update("b", 8, text("eight"));  // twice
  EXPECT_EQ(at_once("a"), "eight");
  EXPECT_EQ(at_once("b"), "eight");
}

TEST_F(NearCache, AWriteIsThereForItsOwnNodeBeforeItsMessageComes) {
  fill("a", 5, "old");
  const auto write = core.begin_write(clock, "a");
  now(core.on_written(clock, write, "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "mine");
  update("a", 8);
  EXPECT_EQ(at_once("a"), "mine");
  update("a", 7, text("somebody's before"));
  EXPECT_EQ(at_once("a"), "mine");
}

TEST_F(NearCache, AWriteEntersACacheThatHeldNothing) {
  const auto write = core.begin_write(clock, "a");
  now(core.on_written(clock, write, "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "mine");
  const auto removal = core.begin_write(clock, "a");
  now(core.on_written(clock, removal, "a", 1, 9, removed{}));
  EXPECT_EQ(at_once("a"), "nothing");
}

TEST_F(NearCache, AWriteOfWhatNobodyHereHasAskedForIsNotKeptWhereChangesDoNotCarryValues) {
  auto other = defaults();
  other.carry_values = false;
  now(core.set_parameters(clock, other));
  now(core.on_written(clock, core.begin_write(clock, "a"), "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "asks");
  fill("a", 8, "mine");
  const auto write = core.begin_write(clock, "a");
  update("a", 9);  // of the write itself: before its reply
  now(core.on_written(clock, write, "a", 1, 9, text("mine again")));
  EXPECT_EQ(at_once("a"), "mine again");
  look("b");
  const auto slow = ticket();
  now(core.on_written(clock, core.begin_write(clock, "b"), "b", 1, 10, text("wanted")));
  EXPECT_EQ(at_once("b"), "wanted");
  answer(slow, found{1, 7, 7, text("older")});
}

TEST_F(NearCache, AWriteWhoseMessageCameBeforeItsReplyIsKept) {
  const auto write = core.begin_write(clock, "a");
  update("a", 8);
  now(core.on_written(clock, write, "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "mine");
}

TEST_F(NearCache, AWriteThatAnotherOneOvertookIsNotKept) {
  const auto write = core.begin_write(clock, "a");
  update("a", 9);
  now(core.on_written(clock, write, "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, OfTwoWritersOfOneNodeTheLaterTickStaysInWhicheverOrderTheyHear) {
  const auto one = core.begin_write(clock, "a");
  const auto two = core.begin_write(clock, "a");
  now(core.on_written(clock, two, "a", 1, 9, text("later")));
  now(core.on_written(clock, one, "a", 1, 8, text("earlier")));
  EXPECT_EQ(at_once("a"), "later");
  const auto three = core.begin_write(clock, "a");
  const auto four = core.begin_write(clock, "a");
  now(core.on_written(clock, four, "a", 1, 12, changed{}));
  now(core.on_written(clock, three, "a", 1, 11, text("earlier")));
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, ALateReplyToAWriterDoesNotBringBackWhatAReaderHasSeenReplaced) {
  const auto write = core.begin_write(clock, "a");
  look("a");
  answer(ticket(), found{1, 9, 9, text("new", std::size_t{1} << 40)});  // given, too large to keep
  now(core.on_written(clock, write, "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, AReaderThatWaitsIsNotServedOlderThanWhatItsNodeHasWrittenMeanwhile) {
  look("a");
  const auto slow = ticket();
  const auto write = core.begin_write(clock, "a");
  now(core.on_written(clock, write, "a", 1, 8, changed{}));  // its value is not known
  answer(slow, found{1, 7, 7, text("old")});
  EXPECT_TRUE(served.empty());
  EXPECT_EQ(core.figures().repeated, 1u);
  answer(ticket(), found{1, 8, 8, text("new")});
  EXPECT_EQ(got(), "new");
}

TEST_F(NearCache, AReaderThatWaitsIsNotServedOlderThanAnotherSawMeanwhile) {
  fill("a", 5, "older");
  look("a", wants::confirmed);
  const auto slow = ticket();
  update("a", 8, text("new"));
  EXPECT_EQ(at_once("a"), "new");
  update("a", 9);  // now nothing is held
  answer(slow, found{1, 7, 7, text("old")});
  EXPECT_TRUE(served.empty());
  answer(ticket(), found{1, 9, 9, text("newest")});
  EXPECT_EQ(got(), "newest");
}

TEST_F(NearCache, AWriteThatIsNotKeptLeavesNothingOlderBehind) {
  fill("a", 5, "old");
  now(core.on_written(clock, core.begin_write(clock, "a"), "a", 1, 8, changed{}));
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(core.figures().died(cache_death::own_write), 1u);
}

TEST_F(NearCache, AReadThatIsNotKeptLeavesNothingOlderBehind) {
  fill("a", 5, "old");
  look("a", wants::confirmed);
  const auto slow = ticket();
  const auto write = core.begin_write(clock, "a");
  now(core.on_drop(clock, 1, 0, cache_death::gap));
  now(core.on_written(clock, write, "a", 1, 6, text("refused")));  // in doubt since the gap
  const auto other = core.begin_write(clock, "a");
  now(core.on_written(clock, other, "a", 1, 7, text("held")));
  answer(slow, found{1, 8, 8, text("new")});
  EXPECT_EQ(got(), "new");
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(NearCache, AnOlderReplyDoesNotReplaceWhatIsHeld) {
  const auto write = core.begin_write(clock, "a");
  fill("a", 9, "newer");
  now(core.on_written(clock, write, "a", 1, 8, text("mine")));
  EXPECT_EQ(at_once("a"), "newer");
  EXPECT_EQ(core.figures().refused(fill_refusal::older), 1u);
}

TEST_F(NearCache, AWriteOfUnknownOutcomeDropsTheKeyAndWhatIsBeingRead) {
  fill("a", 5, "old");
  const auto write = core.begin_write(clock, "a");
  look("a", wants::confirmed);
  const auto slow = ticket();
  now(core.on_write_lost(clock, write, "a"));
  answer(slow, unchanged{1, 6});
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(core.figures().died(cache_death::own_write), 1u);
}

TEST_F(NearCache, AWriteThatWasRefusedLeavesWhatIsHeld) {
  fill("a", 5, "old");
  now(core.on_write_refused(clock, core.begin_write(clock, "a")));
  EXPECT_EQ(at_once("a"), "old");
  EXPECT_EQ(core.tickets(), 0u);
}

TEST_F(NearCache, AWriteBeyondTheBoundOfTicketsStillInvalidates) {
  auto other = defaults();
  other.tickets_max = 1;
  now(core.set_parameters(clock, other));
  fill("a", 5, "old");
  const auto one = core.begin_write(clock, "b");
  EXPECT_EQ(core.begin_write(clock, "a"), 0u);
  now(core.on_written(clock, 0, "a", 1, 8, text("mine")));
  now(core.on_write_lost(clock, one, "b"));
  EXPECT_EQ(at_once("a"), "asks");
  EXPECT_EQ(core.figures().untracked_writes, 1u);
}

TEST_F(NearCache, DeletedAndCreatedAgainIsNeverTheOldOne) {
  fill("a", 5, "first life");
  update("a", 8, text("second life"));  // its creation comes before the deletion
  update("a", 7, removed{});
  EXPECT_EQ(at_once("a"), "second life");
  fill("b", 5, "first life");
  update("b", 7, removed{});
  update("b", 5, text("first life"));
  EXPECT_EQ(at_once("b"), "nothing");
  update("b", 8, text("second life"));
  EXPECT_EQ(at_once("b"), "second life");
}

TEST_F(NearCache, ADeletionThatASlowFillHadNotSeenStays) {
  look("a");
  const auto slow = ticket();
  update("a", 7, removed{});
  answer(slow, found{1, 6, 5, text("first life")});
  EXPECT_EQ(core.figures().items, 0u);
  look("a");
  answer(ticket(), absent{1, 7});
  EXPECT_EQ(got(), "nothing");
}

TEST_F(NearCache, AKeyThatMovesToAnotherPartitionGoesOnWithGreaterTicks) {
  fill("a", 5, "old", 1);
  now(core.on_whole(clock, 1, 10));  // the last word of the partition that gave it away
  look("a");
  answer(ticket(), found{2, 10, 5, text("moved")});
  EXPECT_EQ(served.at(0).partition, 2u);
  update("a", 9, text("late from where it was"), 1);
  EXPECT_EQ(at_once("a"), "moved");
  clock += 900ms;
  prove(0, 2);
  clock += 900ms;
  EXPECT_EQ(at_once("a"), "moved");  // proven by where it is
  update("a", 11, text("new"), 2);
  EXPECT_EQ(at_once("a"), "new");
}

TEST_F(NearCache, AFillThatWasReadBeforeTheKeyMovedIsNotKept) {
  look("a");
  const auto slow = ticket();
  now(core.on_whole(clock, 1, 10));
  answer(slow, found{1, 9, 5, text("old")});
  EXPECT_EQ(core.figures().items, 0u);
  look("a");
  const auto other = ticket();
  now(core.on_whole(clock, 1, 12));
  answer(other, found{2, 10, 5, text("moved")});  // of a partition that said nothing of the kind
  EXPECT_EQ(at_once("a"), "moved");
}

}  // namespace dunlin
