// Objects through the near caches of whole clusters: what is warm does not reach the database (Q24,
// docs/decisions/0011). A failure prints its seed; DUNLIN_SEED=N replays it alone.

#include "apps/testkit/text.hpp"
#include "tests/cluster/coherence_fixture.hpp"

using namespace dunlin;
using namespace std::chrono_literals;
using testkit::Coherence;
using testkit::objects_bounded;
using testkit::with_queues;

namespace {

constexpr std::size_t min_part = 5u << 20;

std::string header_of(const testkit::virtual_cluster::answer& said, const std::string& name) {
  for (const auto& header : said.headers)
    if (header.name == name) return header.value;
  return {};
}

/// Through n1: two parts of the least size and a tail. Answers with its bytes.
std::string upload(Coherence& world, const std::string& path) {
  auto& cluster = world.cluster;
  const auto created = cluster.call("n1", "POST", path, "uploads=");
  EXPECT_EQ(created.status, 200);
  const auto id = "uploadId=" + testkit::between(created.body, "<UploadId>", "</UploadId>");
  std::string whole, list;
  for (const auto& part :
       {std::string(min_part, 'a'), std::string(min_part, 'b'), std::string("the end")}) {
    const auto number = std::to_string(whole.size() / min_part + 1);
    const auto got = cluster.call("n1", "PUT", path, "partNumber=" + number + "&" + id, part);
    EXPECT_EQ(got.status, 200);
    list += "<Part><ETag>" + header_of(got, "ETag") + "</ETag><PartNumber>" + number +
            "</PartNumber></Part>";
    whole += part;
  }
  list = "<CompleteMultipartUpload>" + list + "</CompleteMultipartUpload>";
  EXPECT_EQ(cluster.call("n1", "POST", path, id, list).status, 200);
  return whole;
}

}  // namespace

TEST(CoherenceOfACluster, Q24A9AWarmRequestNeedsNoQueryAndAColdOneOneOfEachTypeAtMost) {
  Coherence world{with_queues(3) + objects_bounded};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  ASSERT_EQ(world.cluster.call("n1", "PUT", "/work/k", "", "bytes").status, 200);
  const auto before = world.queries("n2");
  ASSERT_EQ(world.cluster.call("n2", "GET", "/work/k").body, "bytes");
  const auto cold = world.queries("n2");
  for (const auto& [type, count] : cold)
    EXPECT_LE(count - before.at(type), 1) << type;
  EXPECT_EQ(cold.at("bucket") - before.at("bucket"), 1);
  EXPECT_EQ(cold.at("object") - before.at("object"), 1);
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(world.cluster.call("n2", "GET", "/work/k").body, "bytes");
  ASSERT_EQ(world.call("n2", "PUT", "/work/l"), 200);
  EXPECT_EQ(world.queries("n2"), cold);
}

// The target of the near caches as a whole: what is warm does not reach the database.
TEST(CoherenceOfACluster, Q24TenThousandReadsOfAHundredWarmObjectsAskNoLeaderForAnything) {
  Coherence world{with_queues(3) + objects_bounded};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  const auto path = [](int i) { return "/work/object-" + std::to_string(i); };
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(world.cluster.call("n1", "PUT", path(i), "", "x" + std::to_string(i)).status, 200);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(world.call("n2", "GET", path(i)), 200);
  const auto before = world.lookups();
  EXPECT_GE(before.at("object"), 100);
  int wrong = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto said = world.cluster.call("n2", "GET", path(i % 100));
    wrong += said.status != 200 || said.body != "x" + std::to_string(i % 100);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(world.lookups(), before);
}

TEST(CoherenceOfACluster, AnObjectIsReadAsItIsThroughEveryNodeInBothModes) {
  for (const auto& mode : {std::string(), objects_bounded}) {
    Coherence world{with_queues(2) + mode};
    ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
    for (int i = 0; i < 5; ++i) {
      const auto bytes = std::to_string(i);
      ASSERT_EQ(world.cluster.call("n1", "PUT", "/work/k", "", bytes).status, 200);
      EXPECT_EQ(world.cluster.call("n1", "GET", "/work/k").body, bytes) << "its own write";
      if (!mode.empty()) world.cluster.time().run_for(1s);
      EXPECT_EQ(world.cluster.call("n2", "GET", "/work/k").body, bytes);
    }
    ASSERT_EQ(world.call("n3", "DELETE", "/work/k"), 204);
    EXPECT_EQ(world.call("n3", "GET", "/work/k"), 404);
    if (!mode.empty()) world.cluster.time().run_for(1s);
    EXPECT_EQ(world.call("n2", "GET", "/work/k"), 404);
    ASSERT_EQ(world.call("n1", "PUT", "/work/k"), 200);
    EXPECT_EQ(world.call("n2", "HEAD", "/work/k"), 200) << "a 404 is confirmed first";
  }
}

TEST(CoherenceOfACluster, Q24ReadsOfAWarmMultipartObjectAskNoLeaderForAnything) {
  Coherence world{with_queues(3) + objects_bounded};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  const auto bytes = upload(world, "/work/big");
  ASSERT_TRUE(world.cluster.call("n2", "GET", "/work/big").body == bytes);
  const auto before = world.leader_reads();
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(world.cluster.call("n2", "GET", "/work/big").body == bytes);
  EXPECT_TRUE(world.cluster.call("n1", "GET", "/work/big").body == bytes) << "where it was made";
  EXPECT_EQ(world.leader_reads(), before);
}

TEST(CoherenceOfACluster, Q24AReadOfAWarmMultipartObjectInModeValidatedIsOneQuestion) {
  Coherence world{with_queues(3)};
  ASSERT_EQ(world.call("n1", "PUT", "/work"), 200);
  const auto bytes = upload(world, "/work/big");
  ASSERT_TRUE(world.cluster.call("n2", "GET", "/work/big").body == bytes);
  auto expected = world.leader_reads();
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(world.cluster.call("n2", "GET", "/work/big").body == bytes);
  expected["object"] += 20;
  EXPECT_EQ(world.leader_reads(), expected);
}
