// What an access node gives away, and how (B9 to B11), and how it drains.
#include "tests/unit/admission/admission_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;

TEST_F(Admission, B9B11GivesAConnectionAwayAndRefusesItForAWhile) {
  const auto connection = overload();
  ASSERT_EQ(script.offered.size(), 1u);
  EXPECT_EQ(script.offered[0].connection(), connection);
  EXPECT_NEAR(script.offered[0].demand(), 0.2, 0.02);
  auto& leg = *open[0].second;
  EXPECT_EQ(leg.asked, 77u);
  ASSERT_EQ(script.handed.size(), 1u);
  EXPECT_FALSE(script.handed[0].declined());
  end(connection);
  set_cpu(0);
  set_cpu(0);
  EXPECT_EQ(status().moved_away(), 1u);
  EXPECT_FALSE(leg.closed);
  // R9: neither the line nor, anew, the client.
  EXPECT_EQ(offer(1, false, {}, 1).reason(), v1::OfferReply::COOLING);
  EXPECT_EQ(offer(1, false, "client-1").reason(), v1::OfferReply::COOLING);
  EXPECT_TRUE(offer(1, false, "client-2").accepted());
  world.advance(120s, 1s);
  EXPECT_TRUE(offer(1, false, "client-1").accepted());
}

TEST_F(Admission, R9AnAddressOfManySaysNothingAboutOneOfThem) {
  const auto connection = overload();
  connect("client-1");  // the last resort takes it
  end(connection);
  set_cpu(0);
  set_cpu(0);
  EXPECT_TRUE(offer(1, false, "client-1").accepted());
  EXPECT_EQ(offer(1, false, {}, 1).reason(), v1::OfferReply::COOLING);
}

TEST_F(Admission, R3NobodyTakesItNothingChangesAndNoStormFollows) {
  script.ready = false;
  overload();
  EXPECT_EQ(script.offered.size(), 1u);
  EXPECT_EQ(status().declined(), 1u);
  EXPECT_FALSE(open[0].second->asked);
  world.advance(20s, 100ms);  // no word of the peers since
  EXPECT_EQ(script.offered.size(), 1u);
}

TEST_F(Admission, R3ABalancerThatCannotMoveItSaysNothingAboutThePeers) {
  script.ready = false;
  script.why = v1::MoveReady::OTHER;
  overload();
  EXPECT_EQ(script.offered.size(), 1u);
  world.advance(25s, 100ms);
  EXPECT_EQ(script.offered.size(), 2u);  // after a while, by what the peers have said
}

TEST_F(Admission, ALegThatCannotStopStaysAndTheBalancerIsTold) {
  overload();
  // overload() has moved it already; the second time its leg is in the middle of a request.
  const auto second = connect();
  open.back().second->unread = ec::refused;
  auto& leg = *open.back().second;
  for (int i = 0; i < 4; ++i) {
    leg.now.declared += 5 * 20;
    hear_peer("n2", 0.1);
    hear_peer("n3", 0.1);
    set_cpu(0.5);
  }
  ASSERT_GE(script.handed.size(), 2u);
  EXPECT_EQ(script.handed[1].connection(), second);
  EXPECT_TRUE(script.handed[1].declined());
  EXPECT_GE(status().declined(), 1u);
  EXPECT_FALSE(leg.closed);
}

TEST_F(Admission, ALostHandOverClosesTheLegSoThatTheBalancerFindsAnother) {
  script.lose_hand_over = true;
  overload();
  EXPECT_TRUE(open[0].second->closed);
}

TEST_F(Admission, R8WithoutRehomingItIsClosedAfterAnAnswer) {
  options.settings.rebalance.rehome = false;
  overload();
  EXPECT_TRUE(script.offered.empty());
  EXPECT_TRUE(open[0].second->asked);
  EXPECT_TRUE(script.handed.empty());
  EXPECT_EQ(status().moved_away(), 1u);
}

TEST_F(Admission, R10HeavyLegsAreThrottledWhileThereIsNoRoomElsewhere) {
  options.settings.rebalance.throttle = 0.5;
  options.settings.rebalance.peers_below = 1;
  options.settings.load.declared = true;
  options.settings.load.latest_weight = 1;
  start();
  for (int i = 0; i < 4; ++i)
    connect();
  for (int i = 0; i < 3; ++i) {
    open[0].second->now.declared += 500;
    hear_peer("n2", 0.1);
    hear_peer("n3", 0.9);
    set_cpu(0.9);
  }
  EXPECT_EQ(open[0].second->throttled, 0.5);
  options.settings.rebalance.throttle = 0.25;
  caf::anon_send(shell, use_balance_settings{options.settings, 1});
  open[0].second->now.declared += 500;
  hear_peer("n2", 0.1);
  set_cpu(0.9);
  EXPECT_EQ(open[0].second->throttled, 0.25);
  EXPECT_EQ(open[1].second->throttled, 0);
  set_cpu(0);
  EXPECT_EQ(open[0].second->throttled, 0);
}

TEST_F(Admission, ADrainingNodeHandsAllOverAndSaysWhenItIsEmpty) {
  options.drains_at_once = 2;
  start();
  for (int i = 0; i < 5; ++i) {
    connect();
    open.back().second->slow = true;
  }
  legs_drained heard{99};
  world.system.spawn([&](caf::event_based_actor* self) {
    self->request(shell, caf::infinite, drain_legs{30s}).then([&](const legs_drained& said) {
      heard = said;
    });
  });
  world.run();
  world.advance(1s);
  EXPECT_EQ(script.offered.size(), 2u);  // so many at once
  EXPECT_EQ(script.offered[0].reason(), v1::OfferMove::DRAIN);
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::DRAINING);
  EXPECT_FALSE(told.back().second.own().willing());
  for (auto& [connection, leg] : open) {
    leg->finish();
    world.run();
    end(connection);
    world.advance(1s);
  }
  EXPECT_EQ(script.handed.size(), 5u);
  EXPECT_EQ(heard.left, 0u);
}

TEST_F(Admission, ADrainOfManyLegsTakesNoLongerThanTheyDo) {
  options.drains_at_once = 2;
  options.legs_max = 100;
  start();
  for (int i = 0; i < 60; ++i)
    connect();
  open[0].second->now.in_request = true;
  world.system.spawn([&](caf::event_based_actor* self) {
    self->request(shell, caf::infinite, drain_legs{5s}).then([](const legs_drained&) {});
  });
  world.advance(1s, 10ms);
  EXPECT_EQ(script.handed.size(), 60u);
  EXPECT_EQ(script.offered.back().connection(), open[0].first);  // the busy one last
}

TEST_F(Admission, ADrainEndsAtItsDeadlineWhateverIsLeft) {
  start();
  connect();
  script.ready = false;
  legs_drained heard{99};
  world.system.spawn([&](caf::event_based_actor* self) {
    self->request(shell, caf::infinite, drain_legs{10s}).then([&](const legs_drained& said) {
      heard = said;
    });
  });
  world.advance(9s);
  EXPECT_EQ(heard.left, 99u);
  EXPECT_GE(script.offered.size(), 5u);  // it goes on trying
  EXPECT_LE(script.offered.size(), 12u);
  world.advance(2s);
  EXPECT_EQ(heard.left, 1u);
}
