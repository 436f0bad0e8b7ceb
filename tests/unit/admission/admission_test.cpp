// What an access node takes, says and records (B2, B3, B8, B13, B14, X4).
#include "tests/unit/admission/admission_fixture.hpp"

using namespace dunlin;
using namespace dunlin::tests;

TEST_F(Admission, B2TakesWhatIsBelowTheThresholdAndTellsWhyNot) {
  options.settings.load.latest_weight = 1;
  start();
  const auto first = offer();
  EXPECT_TRUE(first.accepted());
  EXPECT_EQ(first.token().size(), 16u);
  EXPECT_EQ(legs->redeem(first.token()), first.connection());
  set_cpu(0.9);
  const auto second = offer();
  EXPECT_FALSE(second.accepted());
  EXPECT_EQ(second.reason(), v1::OfferReply::OVER_THRESHOLD);
  EXPECT_TRUE(second.token().empty());
  EXPECT_TRUE(offer(3, true).accepted());
  set_cpu(1.5);
  set_cpu(1.5);
  EXPECT_EQ(offer(3, true).reason(), v1::OfferReply::OVER_CAP);
  const auto now = status();
  EXPECT_EQ(now.accepted(), 2u);
  EXPECT_EQ(now.refused(), 2u);
  EXPECT_EQ(now.last_resorts(), 1u);
  EXPECT_EQ(now.attempts_size(), 2);
}

TEST_F(Admission, L7AbsurdAttemptsAreCounted) {
  start();
  offer(4'000'000'000u);
  EXPECT_EQ(status().absurd_attempts(), 1u);
}

TEST_F(Admission, ABurstIsSpreadBecauseAcceptedConnectionsCountAtOnce) {
  options.legs_max = 1000;
  start();
  v1::PeerIndicators said;
  hear_peer("n2", 0.5);
  int taken = 0;
  for (int i = 0; i < 100; ++i)
    taken += offer().accepted();
  EXPECT_GT(taken, 2);
  EXPECT_LT(taken, 100);
}

TEST_F(Admission, FullIsFull) {
  start();
  for (int i = 0; i < 8; ++i)
    connect();
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::FULL);
  end(open[0].first);
  EXPECT_TRUE(offer(1, true).accepted());
}

TEST_F(Admission, B3ThoseWhoComeStraightTakePlacesUnlessTheyRest) {
  const auto direct = std::make_shared<http::client_traffic>();
  options.direct = direct;
  start();
  for (int i = 0; i < 3; ++i)
    connect();
  direct->open = 5;
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::FULL);  // the entry would not let it in
  EXPECT_FALSE(status().own().willing());
  direct->resting = 1;  // it would give way
  EXPECT_TRUE(offer(1, true).accepted());
  EXPECT_EQ(offer(1, true).reason(), v1::OfferReply::FULL);
}

TEST_F(Admission, ConnectionsThatComeAndGoBetweenSamplesLeaveNoLoad) {
  options.legs_max = 1000;
  start();
  set_cpu(0.2);
  world.advance(300s, 5s);
  for (int i = 0; i < 300; ++i) {
    end(connect());
    open.clear();
    world.advance(100ms, 100ms);
  }
  EXPECT_NEAR(status().own().level(), 0.2 / 0.95, 0.001);
}

TEST_F(Admission, NobodyUsesMoreThanTwiceTheNodeWhateverIsClaimed) {
  options.settings.load.declared = true;
  start();
  v1::OfferConnection made;
  made.set_balancer("b1");
  made.set_attempt(1);
  made.set_moved(true);
  made.set_demand(std::numeric_limits<double>::infinity());
  const auto reply = call<v1::OfferReply>(made);
  const auto connection = *legs->redeem(reply.token());
  const auto leg = std::make_shared<support::fake_leg>();
  legs->opened(connection, leg, "192.0.2.1:1");
  set_cpu(0.1);
  leg->now.declared += 1;
  set_cpu(0.1);
  leg->now.declared += 1e300;
  set_cpu(0.1);
  set_cpu(0.1);
  EXPECT_LE(status().legs(0).demand(), 2);
  end(connection);
  set_cpu(0.1);
  EXPECT_GE(status().own().level(), 0.05);
  EXPECT_TRUE(std::isfinite(status().own().level()));
}

TEST_F(Admission, TokensThatNobodyRedeemsExpireAndTheirCreditIsTakenBack) {
  start();
  const auto before = status().own().level();
  const auto reply = offer();
  EXPECT_GT(status().own().level(), before);
  EXPECT_EQ(legs->taken(), 1u);
  world.advance(6s, 100ms);
  offer(1, false);
  EXPECT_FALSE(legs->redeem(reply.token()));
  EXPECT_EQ(legs->taken(), 1u);
}

TEST_F(Admission, B8TellsPeersItsLevelAndAnswersWithWhatItKnows) {
  options.settings.load.latest_weight = 1;
  start();
  ASSERT_EQ(told.size(), 2u);  // at once
  told.clear();
  set_cpu(0.38);
  world.advance(25s, 100ms);
  EXPECT_GE(told.size(), 4u);
  EXPECT_NEAR(told.back().second.own().level(), 0.4, 1e-9);
  EXPECT_GT(told.back().second.sequence(), 2u);
  hear_peer("n3", 0.3);
  hear_peer("mallory", 0);
  world.advance(1s);
  const auto digest = offer().digest();
  ASSERT_EQ(digest.size(), 2);
  EXPECT_EQ(digest[0].node(), "n1");
  EXPECT_EQ(digest[1].node(), "n3");
  EXPECT_EQ(digest[1].age_ms(), 1000u);
}

TEST_F(Admission, B13SettingsPeersAndVersionsChangeWhileItRuns) {
  start();
  hear_peer("n2", 0.3, true, 5);
  EXPECT_EQ(later_settings, 5u);
  told.clear();
  caf::anon_send(shell, use_balance_settings{balance::patent_settings(), 5});
  caf::anon_send(shell, use_access_peers{{"n4"}});
  world.run();
  EXPECT_EQ(status().mode(), "patent");
  EXPECT_EQ(status().balance_version(), 5u);
  EXPECT_EQ(status().limits_size(), 5);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().first, "n4");
  EXPECT_EQ(told.back().second.balance_version(), 5u);
  EXPECT_EQ(status().peers_size(), 0);
}

TEST_F(Admission, AfterARestartItSpeaksAsANewLifeAndFindsItsLegs) {
  options.incarnation = 1;
  start();
  connect();
  caf::anon_send_exit(shell, caf::exit_reason::user_shutdown);
  world.run();
  options.incarnation = 2;
  told.clear();
  start();
  EXPECT_EQ(told.back().second.own().incarnation(), 2u);
  EXPECT_EQ(told.back().second.own().connections(), 1u);
  // What its legs do is not known before the second sample.
  EXPECT_EQ(offer().reason(), v1::OfferReply::STARTING);
  EXPECT_FALSE(status().own().willing());
  world.advance(5s, 100ms);
  EXPECT_GT(offer().connection(), open[0].first);
}

TEST_F(Admission, B13ASettingsChangeTakesNoSampleOfAMoment) {
  start();
  world.advance(1s, 100ms);
  const auto samples = load->samples;
  told.clear();
  options.settings.load.sample_interval = 3s;
  caf::anon_send(shell, use_balance_settings{options.settings, 5});
  world.run();
  EXPECT_EQ(load->samples, samples);
  world.advance(2900ms, 100ms);
  EXPECT_EQ(load->samples, samples);
  world.advance(200ms, 100ms);
  EXPECT_EQ(load->samples, samples + 1);  // sooner than by the former interval
}

TEST_F(Admission, B14ShowsItsHeaviestConnections) {
  options.settings.load.declared = true;
  start();
  connect();
  connect();
  EXPECT_TRUE(legs->honours_declared_load());
  open[1].second->now = {10, 100, 1000, 1, 0, false};
  set_cpu(0.1);
  open[1].second->now = {20, 200, 2000, 1, 500, false};
  set_cpu(0.1);
  const auto legs_shown = status().legs();
  ASSERT_EQ(legs_shown.size(), 2);
  EXPECT_EQ(legs_shown[0].connection(), open[1].first);
  EXPECT_EQ(legs_shown[0].requests(), 20u);
  EXPECT_EQ(legs_shown[0].bytes_out(), 2000u);
  EXPECT_EQ(legs_shown[0].drops(), 1u);
  EXPECT_EQ(legs_shown[0].age_ms(), 10'000u);
  EXPECT_GT(legs_shown[0].demand(), legs_shown[1].demand());
}

TEST_F(Admission, X4RecordsEveryDecisionWithItsInputs) {
  start();
  const auto connection = connect();
  set_cpu(0.9);
  offer();
  end(connection);
  set_cpu(0.9);
  int settings = 0, loads = 0, legs_ended = 0;
  std::vector<v1::OfferRecord> offers;
  for (const auto& one : recorder->all) {
    EXPECT_EQ(one.node(), "n1");
    settings += one.has_settings();
    loads += one.has_load();
    legs_ended += one.has_leg() && one.leg().ended();
    if (one.has_offer()) offers.push_back(one.offer());
  }
  EXPECT_EQ(settings, 1);
  EXPECT_EQ(loads, 3);
  EXPECT_EQ(legs_ended, 1);
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_TRUE(offers[0].accepted());
  EXPECT_EQ(offers[0].connection(), connection);
  EXPECT_FALSE(offers[1].accepted());
  EXPECT_EQ(offers[1].resources_size(), 1);
}
