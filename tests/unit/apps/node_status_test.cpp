#include "apps/assembly/node_status.hpp"

#include <gtest/gtest.h>
#include <boost/json.hpp>

using namespace dunlin;

static assembly::node_status example() {
  assembly::node_status status;
  status.name = "n1";
  status.pid = 4711;
  status.roles = {"database", "access"};
  status.state = "ready";
  status.s3 = "http://127.0.0.1:7110";
  status.incarnation = 0xffffffffffffffff;
  status.uptime_s = 12;
  status.peers = {{"n2", true, ""}, {"n3", false, "connection refused"}};
  status.partitions = {{2,
                        "follower",
                        "n3",
                        7,
                        100,
                        99,
                        {"n1", "n2", "n3"},
                        "0x0000000000000000",
                        "0x5555555555555554"}};
  status.storage = {{"pages", 3}, {"free_bytes", 1ull << 40}};
  status.warnings = {"the file names a fourth node"};
  return status;
}

TEST(NodeStatus, ReadsBackWhatItWrote) {
  const auto text = assembly::to_json(example());
  const auto read = assembly::parse_node_status(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(assembly::to_json(*read), text);
  EXPECT_EQ(read->incarnation, 0xffffffffffffffff);
  EXPECT_EQ(read->partitions.at(0).members.size(), 3u);
  EXPECT_EQ(read->peers.at(1).error, "connection refused");
  EXPECT_EQ(read->storage.at("free_bytes"), 1ull << 40);
}

TEST(NodeStatus, SaysNullWhereThereIsNoEndpointOrLeader) {
  auto status = example();
  status.s3.reset();
  status.partitions[0].leader.clear();
  const auto json = boost::json::parse(assembly::to_json(status)).as_object();
  EXPECT_TRUE(json.at("s3").is_null());
  EXPECT_TRUE(json.at("partitions").as_array()[0].as_object().at("leader").is_null());
  const auto read = assembly::parse_node_status(assembly::to_json(status));
  EXPECT_FALSE(read->s3);
  EXPECT_EQ(read->partitions[0].leader, "");
}

TEST(NodeStatus, RefusesWhatIsNoStatus) {
  for (const auto* text : {"", "[]", "null", "{", "{}", "{\"name\":7}", "{\"name\":\"\"}"})
    EXPECT_EQ(assembly::parse_node_status(text).error(), ec::bad_message) << text;
}

TEST(NodeStatus, PassesOverWhatItDoesNotKnow) {
  const auto read = assembly::parse_node_status(
      R"({"name":"n1","future":{"a":1},"pid":"x","term":-1,"partitions":[7,{"id":1,"term":-3}],"storage":{"full":true}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pid, 0);
  ASSERT_EQ(read->partitions.size(), 2u);
  EXPECT_EQ(read->partitions[1].id, 1u);
  EXPECT_EQ(read->partitions[1].term, 0u);
}
