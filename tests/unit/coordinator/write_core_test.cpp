#include "actors/coordinator/write_core.hpp"

#include "tests/support/effects.hpp"

#include <gtest/gtest.h>

namespace dunlin {

/// Drives one core over three replicas; pages of 10 bytes, so that every page is one letter's run.
struct WriteCore : ::testing::Test {
  write_core core{limits(), 2};
  write_core::effects seen;

  static write_core::limits limits() {
    write_core::limits bounds;
    bounds.page_bytes = 10;
    bounds.lag_bytes_max = 40;
    bounds.ticket_pages = 8;
    return bounds;
  }
  template <class Effect>
  std::vector<Effect> all() const {
    return support::only<Effect>(seen);
  }
  template <class Effect>
  std::size_t count() const {
    return all<Effect>().size();
  }
  void now(write_core::effects effects) { seen = std::move(effects); }
  void bytes(std::size_t size) {
    now(core.on_bytes(std::make_shared<const std::string>(size, 'x')));
  }
  /// Begins with `size` bytes on a set of three, all tickets granted.
  void begin(std::size_t size) {
    bytes(size);
    ASSERT_EQ(count<write_core::place>(), 1u);
    now(core.on_placed(7, 3));
    ASSERT_EQ(count<write_core::open_ticket>(), 3u);
    for (std::size_t i = 0; i < 3; ++i)
      now(core.on_ticket(0, i, {}));
  }
  void grant_all() {
    for (const auto& asked : all<write_core::open_ticket>())
      now(core.on_ticket(0, asked.replica, {}));
  }
  void stored(std::size_t replica, std::uint64_t index, std::uint32_t attempt = 0) {
    now(core.on_page(attempt, replica, index, {}));
  }
  void failed(std::size_t replica, std::uint64_t index, ec why, std::uint32_t attempt = 0) {
    now(core.on_page(attempt, replica, index, why));
  }
};

TEST_F(WriteCore, AnswersAnEmptyObjectWithoutAskingAnyone) {
  now(core.on_finish());
  EXPECT_EQ(all<write_core::finished>().at(0).length, 0u);
  EXPECT_EQ(count<write_core::close>(), 1u);
  EXPECT_EQ(count<write_core::place>(), 0u);
}

TEST_F(WriteCore, ASmallObjectAsksForTicketsThatItUsesUp) {
  bytes(3);
  now(core.on_placed(7, 3));
  ASSERT_EQ(count<write_core::open_ticket>(), 3u);
  EXPECT_EQ(all<write_core::open_ticket>()[0].pages, 1u);
}

TEST_F(WriteCore, ALargerObjectAsksForManyPagesAtOnce) {
  bytes(30);
  now(core.on_placed(7, 3));
  ASSERT_EQ(count<write_core::open_ticket>(), 3u);
  EXPECT_EQ(all<write_core::open_ticket>()[0].pages, 8u);
}

TEST_F(WriteCore, AsksForAllTicketsWithTheFirstBytes) {
  bytes(3);
  EXPECT_EQ(count<write_core::place>(), 1u);
  EXPECT_EQ(count<write_core::take_more>(), 1u);
  now(core.on_placed(7, 3));
  EXPECT_EQ(count<write_core::open_ticket>(), 3u);
  EXPECT_EQ(count<write_core::send_page>(), 0u);
}

TEST_F(WriteCore, FinishesAtOnceWhenEveryReplicaHasEverything) {
  begin(3);
  now(core.on_finish());
  EXPECT_EQ(count<write_core::send_page>(), 3u);
  stored(0, 0);
  stored(1, 0);
  EXPECT_EQ(count<write_core::finished>(), 0u);
  EXPECT_EQ(count<write_core::arm_grace>(), 1u);
  stored(2, 0);
  EXPECT_EQ(all<write_core::finished>().at(0).length, 3u);
  EXPECT_EQ(count<write_core::close>(), 1u);
  EXPECT_EQ(count<write_core::repair>(), 0u);
}

TEST_F(WriteCore, NeverFinishesBelowTheQuorum) {
  begin(3);
  now(core.on_finish());
  stored(0, 0);
  EXPECT_EQ(count<write_core::finished>(), 0u);
  EXPECT_EQ(count<write_core::arm_grace>(), 0u);
  now(core.on_grace());
  EXPECT_TRUE(seen.empty());
}

TEST_F(WriteCore, AnswersAfterTheGraceAndRepairsTheReplicaThatHangs) {
  begin(3);
  now(core.on_finish());
  stored(0, 0);
  stored(2, 0);
  now(core.on_grace());
  EXPECT_EQ(count<write_core::finished>(), 1u);
  EXPECT_EQ(count<write_core::arm_linger>(), 1u);
  EXPECT_EQ(count<write_core::close>(), 0u);
  now(core.on_linger());
  const auto repairs = all<write_core::repair>();
  ASSERT_EQ(repairs.size(), 1u);
  EXPECT_EQ(repairs[0].replica, 1u);
  EXPECT_EQ(repairs[0].first, 0u);
  EXPECT_EQ(repairs[0].pages, 1u);
  EXPECT_EQ(repairs[0].source, 0u);
  EXPECT_EQ(count<write_core::close>(), 1u);
}

TEST_F(WriteCore, ClosesWithoutRepairWhenTheStragglerArrivesAfterTheAnswer) {
  begin(3);
  now(core.on_finish());
  stored(0, 0);
  stored(2, 0);
  now(core.on_grace());
  stored(1, 0);
  EXPECT_EQ(count<write_core::close>(), 1u);
  EXPECT_EQ(count<write_core::repair>(), 0u);
}

TEST_F(WriteCore, SkipsAReplicaThatIsNotConnected) {
  bytes(3);
  now(core.on_placed(7, 3));
  now(core.on_ticket(0, 1, ec::unavailable));
  now(core.on_ticket(0, 0, {}));
  now(core.on_ticket(0, 2, {}));
  now(core.on_finish());
  EXPECT_EQ(count<write_core::send_page>(), 2u);
  stored(0, 0);
  stored(2, 0);
  EXPECT_EQ(count<write_core::finished>(), 1u);
  EXPECT_EQ(all<write_core::repair>().at(0).replica, 1u);
}

TEST_F(WriteCore, HoldsBackBytesBeyondTheWindow) {
  begin(39);
  EXPECT_EQ(core.retained_bytes(), 39u);
  bytes(1);  // the fourth page is whole: the window is full
  EXPECT_EQ(count<write_core::take_more>(), 0u);
  stored(0, 0);
  EXPECT_EQ(count<write_core::take_more>(), 0u);
  stored(1, 0);
  EXPECT_EQ(count<write_core::take_more>(), 1u);
}

TEST_F(WriteCore, SendsAtMostTwoPagesAtOnceToAReplica) {
  begin(40);
  EXPECT_EQ(count<write_core::send_page>(), 2u);  // of the last ticket granted
  stored(2, 1);
  ASSERT_EQ(count<write_core::send_page>(), 1u);
  EXPECT_EQ(all<write_core::send_page>()[0].index, 2u);
}

TEST_F(WriteCore, SharesAPageThatComesWhole) {
  const auto whole = std::make_shared<const std::string>(10, 'x');
  now(core.on_bytes(whole));
  now(core.on_placed(7, 3));
  now(core.on_ticket(0, 0, {}));
  EXPECT_EQ(all<write_core::send_page>().at(0).bytes, whole);
}

TEST_F(WriteCore, DropsAReplicaThatIsTooFarBehindAndForgetsItsPages) {  // decision 19
  begin(9);
  for (std::uint64_t page = 0; page < 5; ++page) {
    bytes(10);
    grant_all();
    stored(0, page);
    stored(1, page);
  }
  EXPECT_EQ(core.retained_bytes(),
            9u);  // at 50 bytes behind it was dropped, nothing is kept for it
  stored(2, 0);
  EXPECT_TRUE(seen.empty());
  now(core.on_finish());
  stored(0, 5);
  stored(1, 5);
  EXPECT_EQ(all<write_core::finished>().at(0).length, 59u);
  EXPECT_EQ(all<write_core::repair>().at(0).replica, 2u);
  EXPECT_EQ(all<write_core::repair>().at(0).pages, 6u);
}

TEST_F(WriteCore, KeepsALaggardsPagesUntilThen) {
  begin(9);
  for (std::uint64_t page = 0; page < 4; ++page) {
    bytes(10);
    stored(0, page);
    stored(1, page);
  }
  EXPECT_EQ(core.retained_bytes(), 49u);
}

TEST_F(WriteCore, TriesAnotherSetWhileTheFirstPageHasNoQuorum) {
  begin(25);
  failed(0, 0, ec::peer_lost);
  EXPECT_EQ(count<write_core::place>(), 0u);
  failed(1, 0, ec::peer_lost);
  ASSERT_EQ(count<write_core::place>(), 1u);
  EXPECT_EQ(all<write_core::place>()[0].excluded, std::set<std::uint32_t>{7});
  EXPECT_EQ(all<write_core::discard>().at(0).attempt, 0u);
  now(core.on_placed(8, 3));
  stored(2, 0);  // of the set that was given up
  EXPECT_TRUE(seen.empty());
  for (std::size_t i = 0; i < 3; ++i)
    now(core.on_ticket(1, i, {}));
  now(core.on_finish());
  for (std::uint64_t page = 0; page < 3; ++page)
    for (std::size_t i = 0; i < 3; ++i)
      stored(i, page, 1);
  EXPECT_EQ(all<write_core::finished>().at(0).length, 25u);
}

TEST_F(WriteCore, FailsWhenNoOtherSetIsLeft) {
  begin(25);
  failed(0, 0, ec::peer_lost);
  failed(1, 0, ec::timed_out);
  now(core.on_no_set());
  EXPECT_EQ(all<write_core::failed>().at(0).why, ec::unavailable);
  EXPECT_EQ(count<write_core::close>(), 1u);
}

TEST_F(WriteCore, SaysDiskFullWhenThatCostTheQuorum) {
  bytes(10);
  now(core.on_placed(7, 3));
  now(core.on_ticket(0, 0, ec::disk_full));
  now(core.on_ticket(0, 1, ec::disk_full));
  now(core.on_no_set());
  EXPECT_EQ(all<write_core::failed>().at(0).why, ec::disk_full);
}

TEST_F(WriteCore, FailsAfterThreeSets) {
  bytes(10);
  for (std::uint32_t attempt = 0; attempt < 3; ++attempt) {
    ASSERT_EQ(count<write_core::place>(), 1u);
    now(core.on_placed(attempt, 3));
    now(core.on_ticket(attempt, 0, ec::unavailable));
    now(core.on_ticket(attempt, 1, ec::unavailable));
  }
  EXPECT_EQ(all<write_core::failed>().at(0).why, ec::unavailable);
}

TEST_F(WriteCore, FailsWhenTheQuorumIsLostLater) {
  begin(25);
  stored(0, 0);
  stored(1, 0);
  failed(0, 1, ec::peer_lost);
  EXPECT_EQ(count<write_core::failed>(), 0u);
  failed(1, 1, ec::peer_lost);
  EXPECT_EQ(count<write_core::failed>(), 1u);
  EXPECT_EQ(count<write_core::discard>(), 1u);
  bytes(1);
  EXPECT_EQ(all<write_core::failed>().at(0).why, ec::closed);
}

TEST_F(WriteCore, CountsAPageThatADroppedReplicaHadStored) {
  begin(20);
  now(core.on_finish());
  stored(0, 0);
  failed(0, 1, ec::peer_lost);
  stored(1, 0);
  stored(1, 1);
  EXPECT_EQ(count<write_core::finished>() + count<write_core::arm_grace>(), 0u);
  stored(2, 1);
  EXPECT_EQ(count<write_core::arm_grace>(), 1u);  // page 0 is at two replicas, one of them dropped
  stored(2, 0);
  EXPECT_EQ(count<write_core::finished>(), 1u);
  EXPECT_EQ(all<write_core::repair>().at(0).first, 1u);
}

TEST_F(WriteCore, AsksForAnotherTicketWhenTheRunOutgrowsIt) {
  begin(9);
  std::uint64_t tickets = 0;
  for (std::uint64_t page = 0; page < 10; ++page) {
    bytes(10);
    tickets += count<write_core::open_ticket>();
    if (count<write_core::open_ticket>() > 0) {
      EXPECT_TRUE(page == 1 || page == 9) << page;  // one page at first, then eight
      EXPECT_EQ(all<write_core::open_ticket>()[0].first, page);
      for (std::size_t i = 0; i < 3; ++i)
        now(core.on_ticket(0, i, {}));
      EXPECT_EQ(count<write_core::send_page>(), 1u);
    }
    for (std::size_t i = 0; i < 3; ++i)
      stored(i, page);
  }
  EXPECT_EQ(tickets, 6u);
}

TEST_F(WriteCore, SendsAPageAgainWhenItsTicketRanOut) {
  begin(20);
  failed(1, 1, ec::refused);
  ASSERT_EQ(count<write_core::open_ticket>(), 1u);
  EXPECT_EQ(all<write_core::open_ticket>()[0].first, 1u);
  failed(1, 0, ec::refused);  // of the same ticket, while the new one is on its way
  now(core.on_ticket(0, 1, {}));
  ASSERT_EQ(count<write_core::open_ticket>(), 1u);  // it does not reach back to page 0
  EXPECT_EQ(all<write_core::open_ticket>()[0].first, 0u);
  now(core.on_ticket(0, 1, {}));
  EXPECT_EQ(count<write_core::send_page>(), 2u);
}

TEST_F(WriteCore, DropsAReplicaThatRefusesEveryTicket) {
  begin(10);
  for (int i = 0; i < 2; ++i) {
    failed(1, 0, ec::refused);
    now(core.on_ticket(0, 1, {}));
    EXPECT_EQ(count<write_core::send_page>(), 1u);
  }
  failed(1, 0, ec::refused);
  EXPECT_EQ(count<write_core::open_ticket>(), 0u);
  failed(2, 0, ec::peer_lost);
  EXPECT_EQ(count<write_core::place>(), 1u);
}

TEST_F(WriteCore, DiscardsWhatItWroteWhenTheClientIsGone) {
  begin(25);
  now(core.on_abandoned());
  EXPECT_EQ(all<write_core::discard>().at(0).pages, 2u);
  EXPECT_EQ(count<write_core::close>(), 1u);
  now(core.on_abandoned());
  EXPECT_TRUE(seen.empty());
}

TEST_F(WriteCore, KeepsWhatWasAnsweredWhenTheClientIsGone) {
  begin(3);
  now(core.on_finish());
  stored(0, 0);
  stored(1, 0);
  now(core.on_grace());
  now(core.on_abandoned());
  EXPECT_TRUE(seen.empty());
}

}  // namespace dunlin
