/// What people and programs see of balancing, and of a topology that grows (B5, B13, B14, F1).
#include "apps/assembly/balance_status.hpp"
#include "apps/assembly/nodes_status.hpp"

#include "runtime/topology/describe.hpp"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

using namespace dunlin;
using google::protobuf::util::MessageDifferencer;

namespace {

assembly::balance_status full() {
  assembly::balance_status made;
  made.name = "n1";
  made.settings = {3, 4, "[rebalance]\ntrigger = 1.1", "rebalance.trigger = 1.1\n", "wrong"};
  auto& admission = made.admission.emplace();
  admission.mutable_own()->set_node("n1");
  admission.mutable_own()->set_level(0.625);
  admission.mutable_own()->set_incarnation(UINT64_MAX);
  admission.add_peers()->set_willing(true);
  admission.add_limits(0.75);
  admission.add_attempts()->set_accepted(12);
  admission.set_mode("relative");
  admission.add_legs()->set_client("10.0.0.1:4711");
  auto& balancer = made.balancer.emplace();
  balancer.add_attempts(7);
  balancer.add_attempts(1);
  balancer.set_more_access_nodes_needed(true);
  return made;
}

topology::node joining() {
  topology::node node;
  node.name = "n9";
  node.roles = {topology::role::access, topology::role::balancer};
  node.control = {"127.0.0.1", 1};
  node.bulk = {"n9.example", 2};
  node.admin = {"::1", 3};
  node.leg = topology::endpoint{"127.0.0.1", 4};
  node.balancer = topology::endpoint{"127.0.0.1", 5};
  node.capacity = 1.5;
  node.peer_group = "left wing";
  node.rack = "r9";
  return node;
}

}  // namespace

TEST(BalanceStatus, B14ComesBackFromItsJsonAsItWas) {
  const auto status = full();
  const auto read = assembly::parse_balance_status(assembly::to_json(status)).value();
  EXPECT_EQ(read.name, "n1");
  EXPECT_EQ(read.settings->version, 3u);
  EXPECT_EQ(read.settings->known, 4u);
  EXPECT_EQ(read.settings->changes, status.settings->changes);
  EXPECT_EQ(read.settings->mistakes, "wrong");
  EXPECT_TRUE(MessageDifferencer::Equals(*read.admission, *status.admission));
  EXPECT_TRUE(MessageDifferencer::Equals(*read.balancer, *status.balancer));
}

TEST(BalanceStatus, HasNumbersAsNumbersAndEveryMemberForPrograms) {
  const auto read = boost::json::parse(assembly::to_json(full()));
  const auto& admission = read.at("admission").as_object();
  EXPECT_EQ(admission.at("own").at("level").as_double(), 0.625);
  EXPECT_EQ(admission.at("own").at("incarnation").to_number<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(admission.at("attempts").at(0).at("accepted").to_number<int>(), 12);
  EXPECT_EQ(admission.at("strangers").to_number<int>(), 0);
  EXPECT_TRUE(read.at("balancer").at("more_access_nodes_needed").as_bool());
}

TEST(BalanceStatus, OfANodeThatPlacesNothingIsEmpty) {
  assembly::balance_status none;
  none.name = "db";
  const auto read = assembly::parse_balance_status(assembly::to_json(none)).value();
  EXPECT_FALSE(read.settings || read.admission || read.balancer);
}

TEST(BalanceStatus, OfGarbageIsRefused) {
  for (const auto* text : {"", "[]", "{}", R"({"name":7})", "{\"name\":\"n1\""})
    EXPECT_EQ(assembly::parse_balance_status(text).error(), ec::bad_message) << text;
  const auto odd = assembly::parse_balance_status(
      R"({"name":"n1","admission":{"own":7,"limits":["x",0.5],"attempts":{},"unknown":1}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->admission->limits_size(), 1);
}

TEST(NodesStatus, F1ANodeComesBackFromItsJsonAsItWas) {
  const auto read = assembly::parse_node(assembly::to_json(joining())).value();
  EXPECT_EQ(read.name, "n9");
  EXPECT_EQ(topology::described(read), topology::described(joining()));
  EXPECT_EQ(read.capacity, 1.5);
  EXPECT_EQ(read.admin.text(), "[::1]:3");
}

TEST(NodesStatus, WhatIsNoNodeIsRefused) {
  const auto good = boost::json::parse(assembly::to_json(joining())).as_object();
  const auto with = [&](const char* key, const char* value) {
    auto changed = good;
    changed[key] = value;
    return assembly::parse_node(boost::json::serialize(changed));
  };
  EXPECT_TRUE(with("rack", "r1"));
  for (const auto& [key, value] : std::map<const char*, const char*>{{"name", "../n1"},
                                                                     {"roles", "access, king"},
                                                                     {"control", "127.0.0.1:x"},
                                                                     {"leg", ""},
                                                                     {"capacity", "-1"},
                                                                     {"capacity", "much"}})
    EXPECT_EQ(with(key, value).error(), ec::bad_message) << key;
  for (const auto* key : {"name", "roles", "control", "bulk", "admin"}) {
    auto lacking = good;
    lacking.erase(key);
    EXPECT_EQ(assembly::parse_node(boost::json::serialize(lacking)).error(), ec::bad_message);
  }
  EXPECT_EQ(assembly::parse_node("[1]").error(), ec::bad_message);
}

TEST(NodesStatus, F1TellsEverySettingAndNode) {
  topology::settings settings;
  settings.name = "test";
  const auto status = assembly::describe("n1", settings, {joining()});
  const auto read = assembly::parse_nodes_status(assembly::to_json(status)).value();
  EXPECT_EQ(read.name, "n1");
  EXPECT_EQ(read.settings, topology::described(settings));
  EXPECT_EQ(read.settings.at("objects.replicas"), "3");
  EXPECT_EQ(read.settings.at("balance.rebalance.trigger"), "1.06");
  EXPECT_EQ(read.nodes.at("n9"), topology::described(joining()));
}
