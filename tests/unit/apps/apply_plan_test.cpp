/// What `dunlin apply` finds and what it leaves alone (F1, B13).
#include "apps/dunlin/apply_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using topology::role;

namespace {

topology::cluster cluster_of(const std::vector<std::pair<node_id, std::set<role>>>& nodes) {
  topology::cluster made;
  made.file = "test.toml";
  made.options.name = "test";
  for (const auto& [name, roles] : nodes) {
    auto& node = made.nodes.emplace_back();
    node.name = name;
    node.roles = roles;
    node.control = {"127.0.0.1", static_cast<std::uint16_t>(100 + made.nodes.size())};
  }
  return made;
}

/// As the nodes of `running` say it, in the order of the file's nodes.
std::vector<commands::nodes_answer> answers(const topology::cluster& file,
                                            const topology::cluster& running) {
  std::vector<commands::nodes_answer> all;
  for (const auto& node : file.nodes)
    all.push_back(
        running.find(node.name)
            ? commands::nodes_answer{assembly::describe(node.name, running.options, running.nodes),
                                     {}}
            : commands::nodes_answer{{}, "unavailable"});
  return all;
}

std::vector<node_id> names(const std::vector<const topology::node*>& nodes) {
  std::vector<node_id> all;
  for (const auto* node : nodes)
    all.push_back(node->name);
  return all;
}

const auto all_roles = std::set<role>{role::database, role::storage, role::access};

}  // namespace

TEST(ApplyPlan, F1LetsAccessNodesAndBalancersJoin) {
  const auto running = cluster_of({{"n1", all_roles}, {"n2", all_roles}});
  const auto file = cluster_of({{"n1", all_roles},
                                {"n2", all_roles},
                                {"a1", {role::access}},
                                {"b1", {role::balancer}},
                                {"ab", {role::access, role::balancer}}});
  const auto plan = commands::plan_of(file, answers(file, running));
  EXPECT_THAT(names(plan.joining), ElementsAre("a1", "b1", "ab"));
  EXPECT_TRUE(plan.refused.empty() && plan.later.empty() && plan.silent.empty());
  EXPECT_THAT(commands::to_text(file, plan), HasSubstr("+ node a1"));
}

TEST(ApplyPlan, F1AnotherRoleIsRefusedByItsName) {
  const auto running = cluster_of({{"n1", all_roles}});
  const auto file = cluster_of({{"n1", all_roles}, {"n2", all_roles}, {"a1", {role::access}}});
  const auto plan = commands::plan_of(file, answers(file, running));
  EXPECT_THAT(plan.refused, ElementsAre(HasSubstr("node n2 has other roles than access")));
}

TEST(ApplyPlan, ChangedAndMissingNodesAreRefusedOnceEach) {
  const auto running = cluster_of({{"n1", all_roles}, {"n2", all_roles}, {"n3", all_roles}});
  auto file = cluster_of({{"n1", all_roles}, {"n2", all_roles}});
  file.nodes[0].rack = "r2";
  const auto plan = commands::plan_of(file, answers(file, running));
  EXPECT_THAT(plan.refused, ElementsAre("node n1: rack: default in use, r2 in the file",
                                        HasSubstr("node n3 is not in the file")));
  EXPECT_TRUE(plan.joining.empty());
}

TEST(ApplyPlan, SettingsWaitForARestartAndStopNobodyFromJoining) {
  const auto running = cluster_of({{"n1", all_roles}});
  auto file = cluster_of({{"n1", all_roles}, {"a1", {role::access}}});
  file.options.requests_max = 7;
  const auto plan = commands::plan_of(file, answers(file, running));
  EXPECT_THAT(plan.later, ElementsAre("s3.requests_max: 256 in use, 7 in the file"));
  EXPECT_THAT(names(plan.joining), ElementsAre("a1"));
  EXPECT_THAT(commands::to_text(file, plan), HasSubstr("when nodes start again"));
}

TEST(ApplyPlan, ANodeThatSomeKnowAndOthersDoNotStillJoins) {
  const auto file = cluster_of({{"n1", all_roles}, {"n2", all_roles}, {"a1", {role::access}}});
  const auto old = cluster_of({{"n1", all_roles}, {"n2", all_roles}});
  const std::vector<commands::nodes_answer> said{
      {assembly::describe("n1", file.options, file.nodes), {}},
      {assembly::describe("n2", old.options, old.nodes), {}},
      {assembly::describe("a1", file.options, file.nodes), {}}};
  const auto plan = commands::plan_of(file, said);
  EXPECT_THAT(names(plan.joining), ElementsAre("a1"));
}

TEST(ApplyPlan, NodesThatAreDownReadTheFileWhenTheyStart) {
  const auto file = cluster_of({{"n1", all_roles}, {"n2", all_roles}});
  auto said = answers(file, file);
  said[1] = {{}, "unavailable"};
  const auto plan = commands::plan_of(file, said);
  EXPECT_THAT(plan.silent, ElementsAre("n2"));
  EXPECT_FALSE(plan.nobody);
  said[0] = {{}, "unavailable"};
  EXPECT_TRUE(commands::plan_of(file, said).nobody);
}

TEST(ApplyPlan, OfAFileThatIsInUseSaysSo) {
  const auto file = cluster_of({{"n1", all_roles}});
  EXPECT_EQ(commands::to_text(file, commands::plan_of(file, answers(file, file))),
            "the cluster works with what the file says\n");
}
