#include "actors/partition/leader_desk.hpp"

#include <gmock/gmock.h>

using namespace dunlin;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(LeaderDesk, GathersWhatWaitsIntoOneRound) {
  leader_desk desk;
  for (auto id : {1, 2, 3})
    EXPECT_TRUE(desk.add(static_cast<leader_desk::request_id>(id), 10, 0ms));
  const auto round = desk.next_round();
  EXPECT_THAT(round.members, ElementsAre(1, 2, 3));
  EXPECT_THAT(desk.next_round().members, IsEmpty());
  EXPECT_THAT(desk.finish(round.id), ElementsAre(1, 2, 3));
  EXPECT_THAT(desk.finish(round.id), IsEmpty());
  EXPECT_EQ(desk.size(), 0u);
}

TEST(LeaderDesk, CutsRoundsByCountAndBytes) {
  leader_desk desk{{.commands_max = 2, .bytes_max = 100, .rounds_max = 9}};
  (void)desk.add(1, 10, 0ms);
  (void)desk.add(2, 10, 0ms);
  (void)desk.add(3, 60, 0ms);
  (void)desk.add(4, 100, 0ms);
  (void)desk.add(5, 1, 0ms);
  EXPECT_THAT(desk.next_round().members, ElementsAre(1, 2));
  EXPECT_THAT(desk.next_round().members, ElementsAre(3));
  EXPECT_THAT(desk.next_round().members, ElementsAre(4));
  EXPECT_THAT(desk.next_round().members, ElementsAre(5));
}

TEST(LeaderDesk, KeepsOnlySoManyRoundsInFlight) {
  leader_desk desk{{.rounds_max = 1}};
  (void)desk.add(1, 1, 0ms);
  const auto first = desk.next_round();
  (void)desk.add(2, 1, 0ms);
  (void)desk.add(3, 1, 0ms);
  EXPECT_THAT(desk.next_round().members, IsEmpty());
  desk.finish(first.id);
  EXPECT_THAT(desk.next_round().members, ElementsAre(2, 3));
}

TEST(LeaderDesk, RefusesMoreThanItMayHoldWhetherInFlightOrNot) {
  leader_desk desk{{.waiting_max = 2}};
  (void)desk.add(1, 1, 0ms);
  (void)desk.next_round();
  EXPECT_TRUE(desk.add(2, 1, 0ms));
  EXPECT_EQ(desk.add(3, 1, 0ms).error(), ec::overloaded);
}

TEST(LeaderDesk, RefusesWhatNoRoundCouldHold) {
  leader_desk desk{{.bytes_max = 100}};
  EXPECT_EQ(desk.add(1, 101, 0ms).error(), ec::invalid_argument);
}

TEST(LeaderDesk, TellsWhatWasSentFromWhatWasNotWhenTimeIsUp) {
  leader_desk desk{{.rounds_max = 1}};
  (void)desk.add(1, 1, 0ms);
  (void)desk.next_round();
  (void)desk.add(2, 1, 5ms);
  (void)desk.add(3, 1, 20ms);
  const auto late = desk.expire(10ms);
  EXPECT_THAT(late.in_flight, ElementsAre(1));
  EXPECT_THAT(late.unsent, ElementsAre(2));
  const auto rest = desk.close();
  EXPECT_THAT(rest.in_flight, IsEmpty());
  EXPECT_THAT(rest.unsent, ElementsAre(3));
}
