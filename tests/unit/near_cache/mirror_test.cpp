// Q22: a full mirror holds all that it was told of, and fetches again what is invalidated.
#include "tests/unit/near_cache/cache_fixture.hpp"

namespace dunlin {

struct MirrorNearCache : NearCache {
  static near_cache_parameters mirror() {
    auto it = defaults();
    it.mirror = true;
    it.items_max = 8;
    it.prefetches_max = 2;
    it.prefetch_pause = 200ms;
    return it;
  }
  MirrorNearCache() : NearCache(mirror()) {}

  void list(const std::vector<std::string>& keys) { now(core.mirror(clock, keys)); }
  /// Answers all requests until there are none; returns how many there were.
  std::size_t answer_all(std::uint64_t tick) {
    std::size_t count = 0;
    for (auto open = asked; !open.empty(); ++count) {
      answer(open.front().ticket, found{1, tick, tick, text(open.front().key)});
      open.erase(open.begin());
      open.insert(open.end(), asked.begin(), asked.end());
    }
    return count;
  }
};

TEST_F(MirrorNearCache, FetchesAllThatIsListedAFewAtATime) {
  list({"a", "b", "c", "d", "e"});
  EXPECT_EQ(core.tickets(), 2u);
  EXPECT_TRUE(asked.empty() || asked.at(0).prefetch);
  now(core.look_up(clock, "a", ++last_reader));  // joins
  EXPECT_TRUE(asked.empty());
}

TEST_F(MirrorNearCache, ServesEverythingAtOnceWhenItIsFilled) {
  list({"a", "b"});
  EXPECT_EQ(answer_all(7), 2u);
  EXPECT_EQ(at_once("a"), "a");
  EXPECT_EQ(at_once("b"), "b");
  EXPECT_EQ(core.figures().fetches, 0u);
  EXPECT_EQ(core.figures().prefetches, 2u);
}

TEST_F(MirrorNearCache, FetchesAgainWhatIsInvalidatedAndWhatIsNew) {
  list({"a"});
  answer_all(7);
  update("a", 8);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_TRUE(asked[0].prefetch);
  answer_all(8);
  EXPECT_EQ(at_once("a"), "a");
  update("new", 9, text("not believed: something newer may have been heard before"));
  EXPECT_EQ(answer_all(9), 1u);
  EXPECT_EQ(at_once("new"), "new");
  update("gone", 10, removed{});
  EXPECT_TRUE(asked.empty());
}

TEST_F(MirrorNearCache, FetchesAgainWhatAGapACommandOrTimeTook) {
  list({"a", "b"});
  answer_all(7);
  now(core.on_drop(clock, 1, 8, cache_death::gap));
  EXPECT_EQ(answer_all(8), 2u);
  now(core.on_drop_all(clock, cache_death::command));
  EXPECT_EQ(answer_all(8), 2u);
  clock += 300s;
  now(core.on_timer(clock));
  EXPECT_EQ(answer_all(8), 2u);
  EXPECT_EQ(core.figures().items, 2u);
}

TEST_F(MirrorNearCache, TriesAgainAfterAPauseWhatCouldNotBeFetched) {
  list({"a"});
  answer(1, ec::unavailable);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(core.next_wake(), clock + 200ms);
  clock += 200ms;
  now(core.on_timer(clock));
  EXPECT_EQ(answer_all(7), 1u);
  EXPECT_EQ(at_once("a"), "a");
}

TEST_F(MirrorNearCache, TriesAgainWhatAChangeOvertook) {
  list({"a"});
  update("a", 9);
  answer(1, found{1, 8, 8, text("old")});
  clock += 200ms;
  now(core.on_timer(clock));
  EXPECT_EQ(answer_all(9), 1u);
  EXPECT_EQ(at_once("a"), "a");
}

TEST_F(MirrorNearCache, NeverEvictsWithinItsBoundHoweverLongAnEntryIsNotUsed) {
  list({"a", "b", "c", "d", "e", "f"});
  answer_all(7);
  clock += 200ms;
  for (int i = 0; i < 20; ++i)
    fill_absent("no such " + std::to_string(i), 7);
  for (const auto* key : {"a", "b", "c", "d", "e", "f"})
    EXPECT_EQ(at_once(key), key);
  EXPECT_TRUE(core.mirroring());
}

TEST_F(MirrorNearCache, SaysSoAndFallsBackToOnDemandWhereTheBoundIsTooSmall) {
  list({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  EXPECT_EQ(mirror_refusals, 1u);
  EXPECT_FALSE(core.mirroring());
  EXPECT_EQ(core.figures().mirror_overflows, 1u);
  answer(1, found{1, 7, 7, text("a")});
  answer(2, found{1, 7, 7, text("b")});
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(at_once("a"), "a");
  update("a", 8);
  EXPECT_TRUE(asked.empty());
}

TEST_F(MirrorNearCache, IsTriedAgainWithGreaterBounds) {
  list({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  answer(1, found{1, 7, 7, text("a")});
  answer(2, found{1, 7, 7, text("b")});
  auto other = mirror();
  other.items_max = 20;
  now(core.set_parameters(clock, other));
  EXPECT_TRUE(core.mirroring());
  list({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  for (core_type::ticket_id id = 3; id < 11; ++id)
    answer(id, found{1, 7, 7, text("x")});
  EXPECT_EQ(core.figures().items, 10u);
  EXPECT_EQ(mirror_refusals, 1u);
}

TEST_F(MirrorNearCache, FallsBackWhereBytesDoNotSufficeAndStaysWithinThem) {
  auto other = mirror();
  other.bytes_max = 8 * (entry_store::overhead_bytes + 1 + 100);
  other.items_max = 100;
  other.prefetches_max = 100;
  now(core.set_parameters(clock, other));
  list({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  for (core_type::ticket_id id = 1; id <= 10; ++id)
    answer(id, found{1, 7, 7, text("x")});
  EXPECT_FALSE(core.mirroring());
  EXPECT_LE(core.figures().bytes, other.bytes_max);
}

// ---- pages of a listing ----

TEST_F(MirrorNearCache, HoldsWhatAListingBringsWithoutAskingForIt) {
  core.begin_page(clock);
  now(core.on_page(clock, 1, 7, {{"a", 5, text("a")}, {"b", 7, text("b")}}));
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(at_once("a"), "a");
  EXPECT_EQ(at_once("b"), "b");
  EXPECT_EQ(core.figures().listed, 2u);
}

TEST_F(MirrorNearCache, AsksForWhatAListingOnlyNames) {
  core.begin_page(clock);
  now(core.on_page(clock, 1, 7, {{"a", 0, {}}, {"b", 7, text("b")}}));
  EXPECT_EQ(answer_all(7), 1u);
  EXPECT_EQ(at_once("a"), "a");
}

TEST_F(MirrorNearCache, BelievesNoPageThatSomethingHeardMeanwhileIsNewerThan) {
  core.begin_page(clock);
  update("gone", 8, removed{});
  now(core.on_page(clock, 1, 7, {{"gone", 5, text("gone")}}));
  EXPECT_EQ(core.figures().listed, 0u);
  ASSERT_EQ(asked.size(), 1u);
  answer(ticket(), absent{1, 8});
  EXPECT_EQ(at_once("gone"), "nothing");
}

TEST_F(MirrorNearCache, BelievesNoPageFromBeforeTheBaseOrADrop) {
  core.begin_page(clock);
  prove(9);
  now(core.on_page(clock, 1, 7, {{"a", 5, text("a")}}));
  EXPECT_EQ(core.figures().listed, 0u);
  EXPECT_EQ(answer_all(9), 1u);
  core.begin_page(clock);
  now(core.on_drop_all(clock, cache_death::command));
  now(core.on_page(clock, 1, 12, {{"c", 5, text("c")}}));
  EXPECT_EQ(core.figures().listed, 0u);
}

TEST_F(MirrorNearCache, APageDoesNotReplaceWhatIsHeldOrBeingAskedFor) {
  list({"a"});
  const auto prefetch = asked;
  core.begin_page(clock);
  now(core.on_page(clock, 1, 7, {{"a", 5, text("listed")}}));
  now(core.on_answer(clock, prefetch.at(0).ticket, found{1, 8, 8, text("asked")}));
  EXPECT_EQ(at_once("a"), "asked");
  core.begin_page(clock);
  now(core.on_page(clock, 1, 9, {{"a", 5, text("listed")}}));
  EXPECT_EQ(at_once("a"), "asked");
}

TEST_F(MirrorNearCache, APageFillsAgainWhatADropTook) {
  core.begin_page(clock);
  now(core.on_page(clock, 1, 7, {{"a", 5, text("a")}, {"b", 5, text("b")}, {"c", 5, text("c")}}));
  now(core.on_drop(clock, 1, 9, cache_death::gap));
  EXPECT_EQ(asked.size(), 2u) << "what was held is asked for, a few at a time";
  core.begin_page(clock);
  now(core.on_page(clock, 1, 9, {{"a", 5, text("a")}, {"b", 5, text("b")}, {"c", 5, text("c")}}));
  EXPECT_EQ(core.figures().listed, 4u) << "the third came with the page";
}

TEST_F(MirrorNearCache, AListingThatDoesNotFitEndsTheMirrorWithinItsBounds) {
  std::vector<near_cache_core::listed> items;
  for (int i = 0; i < 20; ++i)
    items.push_back({"k" + std::to_string(i), 5, text("x")});
  core.begin_page(clock);
  now(core.on_page(clock, 1, 7, std::move(items)));
  EXPECT_FALSE(core.mirroring());
  EXPECT_EQ(mirror_refusals, 1u);
  EXPECT_EQ(core.figures().items, 8u);
}

TEST_F(MirrorNearCache, APageBringsNothingBackThatAReaderHasSeenReplaced) {
  list({"x", "y"});  // no more is asked for at a time
  core.begin_page(clock);
  fill("a", 8, "new");
  clock += 301s;
  now(core.on_timer(clock));  // it has expired
  now(core.on_page(clock, 1, 7, {{"a", 5, text("old")}}));
  EXPECT_EQ(core.figures().listed, 0u);
  EXPECT_EQ(at_once("a"), "asks");
}

TEST_F(MirrorNearCache, APageThatWasGivenUpBringsNothing) {
  core.begin_page(clock);
  core.give_up_page();
  now(core.on_page(clock, 1, 7, {{"a", 5, text("a")}}));
  EXPECT_EQ(core.figures().listed, 0u);
  EXPECT_EQ(core.figures().items, 0u);
}

}  // namespace dunlin
