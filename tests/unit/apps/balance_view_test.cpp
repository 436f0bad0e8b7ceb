/// `dunlin balance` and the versions of settings (B5, B13, B14), from what nodes say.
#include "apps/dunlin/balance_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

using namespace dunlin;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

topology::cluster three() {
  topology::cluster made;
  made.options.name = "test";
  for (const auto* name : {"a1", "a2", "b1"})
    made.nodes.emplace_back().name = name;
  return made;
}

commands::balance_answer access_node(const node_id& name, double level, std::uint64_t version = 1) {
  assembly::balance_status status;
  status.name = name;
  status.settings = {version, version, "", "rebalance.trigger = 1.1\n", ""};
  auto& said = status.admission.emplace();
  said.mutable_own()->set_node(name);
  said.mutable_own()->set_level(level);
  said.mutable_own()->set_willing(true);
  said.mutable_own()->set_connections(17);
  said.set_fleet_level(0.7);
  said.add_limits(0.742);
  said.add_limits(0.784);
  auto& first = *said.add_attempts();
  first.set_attempt(1);
  first.set_accepted(40);
  first.set_refused(2);
  said.set_balance_version(version);
  return {status, {}};
}

commands::balance_answer balancer(bool needed, std::uint64_t version = 1) {
  assembly::balance_status status;
  status.name = "b1";
  status.settings = {version, version, "", "", ""};
  auto& said = status.balancer.emplace();
  said.set_lines(34);
  said.add_attempts(40);
  said.add_attempts(0);
  said.add_attempts(3);
  said.set_more_access_nodes_needed(needed);
  said.set_balance_version(version);
  return {status, {}};
}

}  // namespace

TEST(BalanceView, ShowsLevelsLimitsByAttemptAndTheHistogram) {
  const auto text = commands::balance_text(
      three(), {access_node("a1", 0.65), access_node("a2", 0.71), balancer(false)});
  EXPECT_THAT(text, HasSubstr("fleet level 0.700"));
  EXPECT_THAT(text, HasSubstr("0.650"));
  EXPECT_THAT(text, HasSubstr("0.74 0.78"));
  EXPECT_THAT(text, HasSubstr("1:40/2"));
  EXPECT_THAT(text, HasSubstr("1:40 3:3"));
  EXPECT_THAT(text, Not(HasSubstr("MORE ACCESS NODES")));
}

TEST(BalanceView, B5TellsThatMoreAccessNodesAreNeeded) {
  const std::vector<commands::balance_answer> said{
      access_node("a1", 1.2), {{}, "timed out"}, balancer(true)};
  EXPECT_THAT(commands::balance_text(three(), said), HasSubstr("MORE ACCESS NODES NEEDED"));
  EXPECT_THAT(commands::balance_text(three(), said), HasSubstr("a2 does not answer: timed out"));
  const auto json = boost::json::parse(commands::balance_json(three(), said));
  EXPECT_TRUE(json.at("more_access_nodes_needed").as_bool());
  EXPECT_EQ(json.at("fleet_level").as_double(), 0.7);
  EXPECT_EQ(json.at("access_nodes").as_array().size(), 1u);
  EXPECT_EQ(json.at("nodes").at(1).at("error").as_string(), "timed out");
  EXPECT_EQ(json.at("nodes").at(2).at("balancer").at("lines").to_number<int>(), 34);
}

TEST(BalanceView, B13TellsWhoUsesWhichVersion) {
  auto behind = access_node("a2", 0.7, 1);
  const std::vector<commands::balance_answer> said{access_node("a1", 0.7, 2), behind,
                                                   balancer(false, 2)};
  EXPECT_FALSE(commands::all_use(said, 2));
  EXPECT_TRUE(commands::all_use(said, 1));
  const auto text = commands::versions_text(three(), said);
  EXPECT_THAT(text, HasSubstr("a1           version 2, level 0.700"));
  EXPECT_THAT(text, HasSubstr("a2           version 1"));
  auto lagging = access_node("a2", 0.7, 2);
  lagging.status->admission->set_balance_version(1);
  EXPECT_FALSE(commands::all_use({lagging}, 2));
}

TEST(BalanceView, ANodeThatIsDownHoldsNobodyUp) {
  EXPECT_TRUE(commands::all_use({access_node("a1", 0.7, 2), {{}, "unavailable"}}, 2));
}
