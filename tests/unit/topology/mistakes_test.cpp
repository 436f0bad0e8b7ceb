#include "runtime/topology/topology.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

const std::string good = R"([cluster]
name = "test"
[metadata]
replicas = 1
heartbeat = "100ms"
[objects]
replicas = 1
write_quorum = 1
[[node]]
name = "n1"
roles = ["database", "storage", "access"]
control = "127.0.0.1:7111"
bulk = "127.0.0.1:7112"
admin = "127.0.0.1:7113"
s3 = "127.0.0.1:7110"
)";

std::string replaced(std::string_view from, std::string_view to) {
  auto text = good;
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

std::vector<std::string> told(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto& mistake : topology::read_text(text, "t.toml").mistakes)
    lines.push_back(mistake.render());
  return lines;
}

struct one_mistake {
  const char* name;
  const char* from;
  const char* to;
  const char* told;
};

class OneMistake : public ::testing::TestWithParam<one_mistake> {};

}  // namespace

TEST_P(OneMistake, IsToldWithItsPlaceAndMend) {
  EXPECT_THAT(told(replaced(GetParam().from, GetParam().to)),
              ElementsAre(HasSubstr(GetParam().told)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, OneMistake,
    ::testing::Values(
        one_mistake{"UnknownRole", "\"database\"", "\"databse\"",
                    "t.toml:11:10: unknown role 'databse'; did you mean 'database'?"},
        one_mistake{"RoleTwice", "\"storage\"", "\"storage\", \"storage\"",
                    "t.toml:11:33: role 'storage' is named twice; leave one out"},
        one_mistake{"RoleNoText", "\"storage\"", "\"storage\", 7", "t.toml:11:33: a role is text"},
        one_mistake{"RolesEmpty", "[\"database\", \"storage\", \"access\"]", "[]",
                    "node.roles is empty"},
        one_mistake{"UnknownKey", "write_quorum", "write_qorum",
                    "t.toml:8:1: unknown key 'objects.write_qorum'; did you mean 'write_quorum'?"},
        one_mistake{"UnknownSection", "[cluster]", "[clutser.x]\n[cluster]",
                    "unknown key 'clutser'; did you mean 'cluster'?"},
        one_mistake{"UnknownNodeKey", "bulk = ", "blk = 1\nbulk = ",
                    "t.toml:13:1: unknown key 'node.blk'; did you mean 'bulk'?"},
        one_mistake{"NoClusterName", "name = \"test\"", "",
                    "t.toml:1:1: missing key 'cluster.name'"},
        one_mistake{"BadClusterName", "\"test\"", "\"Test!\"",
                    "t.toml:2:8: cluster.name 'Test!' is no name"},
        one_mistake{"NoNodeName", "name = \"n1\"\n", "",
                    "t.toml:9:1: this node has no 'name'; add name = \"n1\""},
        one_mistake{"BadNodeName", "\"n1\"", "\"../n1\"",
                    "t.toml:10:8: node.name '../n1' is no name"},
        one_mistake{"ReservedName", "\"n1\"", "\"ca\"", "t.toml:10:8: node.name 'ca' is taken by"},
        one_mistake{"NoControl", "control = \"127.0.0.1:7111\"\n", "",
                    "this node has no 'control'"},
        one_mistake{"NoReplicas", "[metadata]\nreplicas = 1", "[metadata]\nreplicas = 0",
                    "metadata.replicas 0 is out of range; give 1 to 9"},
        one_mistake{"TooManyReplicas", "[metadata]\nreplicas = 1", "[metadata]\nreplicas = 3",
                    "t.toml:4:12: metadata.replicas is 3 but only 1 node has role database; set "
                    "metadata.replicas = 1, or add nodes"},
        one_mistake{"QuorumOverReplicas", "write_quorum = 1", "write_quorum = 2",
                    "t.toml:8:16: objects.write_quorum is 2 of only 1 replica; set write_quorum = "
                    "1 or less"},
        one_mistake{"NoStorageAnywhere", "\"storage\", ", "", "no node has role 'storage'"},
        one_mistake{"NoS3", "s3 = \"127.0.0.1:7110\"\n", "",
                    "t.toml:9:1: node 'n1' has role access but no 's3'"},
        one_mistake{"NoLeg", "\"access\"]",
                    "\"access\", \"balancer\"]\nbalancer = \"127.0.0.1:7115\"",
                    "t.toml:9:1: node 'n1' has role access but no 'leg', where balancers reach it; "
                    "add leg = \"127.0.0.1:7114\""},
        one_mistake{"NoBalancerAddress", "\"access\"]",
                    "\"access\", \"balancer\"]\nleg = \"127.0.0.1:7114\"",
                    "t.toml:9:1: node 'n1' has role balancer but no 'balancer'; add balancer = "
                    "\"127.0.0.1:7115\""},
        one_mistake{"BalancerWithoutRole", "bulk = ", "balancer = \"127.0.0.1:7115\"\nbulk = ",
                    "t.toml:13:12: node 'n1' has a balancer address but not the role; add "
                    "\"balancer\" to its roles, or take balancer away"},
        one_mistake{"LegIsNoAddress", "bulk = ", "leg = \"here\"\nbulk = ",
                    "t.toml:13:7: node.leg 'here' is no address"},
        one_mistake{"LegTaken", "bulk = ", "leg = \"127.0.0.1:7111\"\nbulk = ",
                    "t.toml:13:7: duplicate address 127.0.0.1:7111: it is control of node 'n1'"},
        one_mistake{"WildcardLeg", "bulk = ", "leg = \"*:7114\"\nbulk = ",
                    "t.toml:13:7: leg binds every address of the machine; give the address that "
                    "the other nodes dial"},
        one_mistake{"NoCapacity", "bulk = ", "capacity = 0\nbulk = ",
                    "t.toml:13:12: node.capacity 0 is out of range; give 0.01 to 1000"},
        one_mistake{"CapacityIsText", "bulk = ", "capacity = \"big\"\nbulk = ",
                    "t.toml:13:12: node.capacity is text; give a number, for example 1.5"},
        one_mistake{"EmptyPeerGroup", "bulk = ", "peer_group = \"\"\nbulk = ",
                    "t.toml:13:14: node.peer_group has 0 bytes; give a name of 1 to 63"},
        one_mistake{"BadPort", "7112", "70000",
                    "t.toml:13:8: node.bulk '127.0.0.1:70000' is no address"},
        one_mistake{"PortZero", "7112", "0", "t.toml:13:8: node.bulk '127.0.0.1:0' is no address"},
        one_mistake{"BadS3Port", "7110", "x", "t.toml:15:6: node.s3 '127.0.0.1:x' is no address"},
        one_mistake{
            "DuplicateAddress", "7112", "7111",
            "t.toml:13:8: duplicate address 127.0.0.1:7111: it is control of node 'n1' already"},
        one_mistake{"LocalhostIsLoopback", "127.0.0.1:7112", "localhost:7111",
                    "t.toml:13:8: duplicate address localhost:7111"},
        one_mistake{"WildcardControl", "127.0.0.1:7111", "0.0.0.0:7111",
                    "t.toml:12:11: control binds every address of the machine; give the address "
                    "that the other nodes dial"},
        one_mistake{"OpenS3", "127.0.0.1:7110", "10.0.0.1:7110",
                    "t.toml:15:6: S3 on 10.0.0.1:7110 would be open to the network without TLS; "
                    "use a loopback address, give certificate and key under [s3], or say insecure "
                    "= true there"},
        one_mistake{"OpenAdmin", "127.0.0.1:7113", "10.0.0.1:7113",
                    "t.toml:14:9: admin on 10.0.0.1:7113 would be open"},
        one_mistake{"BadCacheMode", "[objects]", "[cache.bucket]\nmode = \"bouned\"\n[objects]",
                    "t.toml:7:8: cache.bucket.mode 'bouned' is no mode; did you mean 'bounded'?"},
        one_mistake{"UnknownCache", "[objects]", "[cache.buckets]\nvalues = true\n[objects]",
                    "unknown key 'cache.buckets'; did you mean 'bucket'?"},
        one_mistake{"UnknownCacheKey", "[objects]", "[cache.user]\nttl = \"1s\"\n[objects]",
                    "t.toml:7:1: unknown key 'cache.user.ttl'"},
        one_mistake{"CacheNoTable", "[cluster]", "cache = 7\n[cluster]",
                    "cache is a whole number; give [cache.bucket], [cache.cluster_map], "
                    "[cache.object], [cache.policy], [cache.user]"},
        one_mistake{"CacheSharedNoFlag", "[objects]", "[cache]\nshared = 1\n[objects]",
                    "t.toml:7:10: cache.shared is a whole number; give true or false"},
        one_mistake{"CacheSharedMisspelt", "[objects]", "[cache]\nshard = true\n[objects]",
                    "t.toml:7:1: unknown key 'cache.shard'; did you mean 'shared'?"},
        one_mistake{"MirrorOfObjects", "[objects]", "[cache.object]\nmirror = true\n[objects]",
                    "t.toml:7:10: objects are too many to be mirrored; leave mirror out of "
                    "[cache.object], and set items_max and bytes_max"},
        one_mistake{"MirrorNoFlag", "[objects]", "[cache.policy]\nmirror = \"all\"\n[objects]",
                    "t.toml:7:10: cache.policy.mirror is text; give true or false"},
        one_mistake{"IntervalTooShort", "[objects]",
                    "[cache.bucket]\ninvalidation_interval = \"10ms\"\n[objects]",
                    "t.toml:7:25: cache.bucket.invalidation_interval 10ms is out of range; give 1s "
                    "to 86400s, or 0s for never"},
        one_mistake{"ObjectsNotProved", "[objects]",
                    "[cache.object]\nmode = \"bounded\"\nstaleness_max = \"400ms\"\n[objects]",
                    "t.toml:8:17: cache.object.staleness_max is 400ms, less than two news "
                    "intervals of 250ms"},
        one_mistake{"NothingProved", "[objects]",
                    "[cache.bucket]\nstaleness_max = \"400ms\"\n[objects]",
                    "t.toml:7:17: cache.bucket.staleness_max is 400ms, less than two news "
                    "intervals of 250ms; set staleness_max = \"500ms\" or more, or mode = "
                    "\"validated\""},
        one_mistake{
            "QueueWithoutRole", "[objects]", "[queue]\nattempts = 2\n[objects]",
            "t.toml:6:1: [queue] is set, but no node has role 'queue'; add \"queue\" to the "
            "roles of some node, or take [queue] away"},
        one_mistake{"BadQueueAttempts",
                    "[objects]\nreplicas = 1\nwrite_quorum = 1\n[[node]]\nname = \"n1\"\nroles = [",
                    "[queue]\nattempts = 0\n[objects]\nreplicas = 1\nwrite_quorum = "
                    "1\n[[node]]\nname = \"n1\"\nroles = [\"queue\", ",
                    "t.toml:7:12: queue.attempts 0 is out of range; give 1 to 100"},
        one_mistake{"BadDuration", "\"100ms\"", "\"100 parsecs\"",
                    "t.toml:5:13: metadata.heartbeat is no duration; write a number and ms, s or "
                    "m, for example \"250ms\""},
        one_mistake{"DurationWithoutUnit", "\"100ms\"", "100",
                    "t.toml:5:13: metadata.heartbeat is no duration"},
        one_mistake{"DurationOutOfRange", "\"100ms\"", "\"1ms\"",
                    "metadata.heartbeat 1ms is out of range; give 10ms to 10s"},
        one_mistake{"ElectionTooShort", "\"100ms\"", "\"900ms\"",
                    "metadata.election is 1s, less than three heartbeats; set election = "
                    "\"2700ms\" or more"},
        one_mistake{"WrongType", "write_quorum = 1", "write_quorum = \"1\"",
                    "t.toml:8:16: objects.write_quorum is text; give a whole number"},
        one_mistake{"SectionIsNoTable", "[cluster]", "wal = 3\n[cluster]",
                    "t.toml:1:7: wal is a whole number; give [wal]"},
        one_mistake{"NoFraction", "[objects]", "[faults]\ncache_update_loss = \"10%\"\n[objects]",
                    "t.toml:7:21: faults.cache_update_loss is text; give a fraction"},
        one_mistake{"FractionOutOfRange", "[objects]", "[faults]\ncache_update_loss = 1\n[objects]",
                    "faults.cache_update_loss 1 is out of range; give 0 or more, and less than 1"},
        one_mistake{"BadSize", "[objects]", "[objects]\npage_bytes = \"1 furlong\"",
                    "objects.page_bytes is no size"},
        one_mistake{"SizeOutOfRange", "[objects]", "[objects]\npage_bytes = \"1GiB\"",
                    "objects.page_bytes 1GiB is out of range; give 64KiB to 4MiB"},
        one_mistake{"WalTooSmall", "[objects]", "[wal]\nbytes_max = \"8MiB\"\n[objects]",
                    "t.toml:7:13: wal.bytes_max is 8MiB, less than four segments"},
        one_mistake{"BadRegion", "[objects]", "[s3]\nregion = \"Mars 1\"\n[objects]",
                    "t.toml:7:10: s3.region 'Mars 1' is no region"},
        one_mistake{"SyntaxError", "replicas = 1\nheartbeat", "replicas = \nheartbeat",
                    "t.toml:4:12: this is no TOML"},
        one_mistake{"KeyTwice", "write_quorum = 1", "write_quorum = 1\nwrite_quorum = 1",
                    "t.toml:9:"},
        one_mistake{"EmptyRack",
                    "bulk = ", "rack = \"\"\nbulk = ", "t.toml:13:8: node.rack is empty"}),
    [](const auto& row) { return row.param.name; });

TEST(Mistakes, AreAllToldAtOnceInFileOrder) {
  const auto lines = told(R"([cluster]
name = "test"
colour = "red"
[metadata]
replicas = 2
[objects]
replicas = 1
write_quorum = 2
[[node]]
name = "n1"
roles = ["database", "storage", "access"]
control = "127.0.0.1:7111"
bulk = "127.0.0.1:7112"
admin = "127.0.0.1:7113"
s3 = "0.0.0.0:7110"
[[node]]
name = "n1"
roles = ["database"]
control = "127.0.0.1:7111"
bulk = "127.0.0.1:7122"
admin = "127.0.0.1:7123"
s3 = "127.0.0.1:7120"
)");
  EXPECT_THAT(
      lines,
      ElementsAre(HasSubstr("t.toml:3:1: unknown key 'cluster.colour'"),
                  HasSubstr("t.toml:5:12: metadata.replicas is 2, an even number; use 1 or 3"),
                  HasSubstr("t.toml:8:16: objects.write_quorum is 2"),
                  HasSubstr("t.toml:15:6: s3 binds every address"),
                  HasSubstr("t.toml:15:6: S3 on 0.0.0.0:7110 would be open"),
                  HasSubstr("t.toml:17:8: duplicate node name 'n1'; line 10 has it already"),
                  HasSubstr("t.toml:19:11: duplicate address 127.0.0.1:7111"),
                  HasSubstr("t.toml:22:6: node 'n1' has an s3 address but not the role")));
}

TEST(Mistakes, OfSyntaxDoNotHideTheOthersNorInventSome) {
  const auto lines =
      told(replaced("control = \"127.0.0.1:7111\"", "control = 127.0.0.1:7111\nrack = \n blk = 1"));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("t.toml:12:"), HasSubstr("t.toml:13:"),
                                 HasSubstr("t.toml:14:2: unknown key 'node.blk'")));
}

TEST(Mistakes, OfABrokenHeaderLineAreToldAlone) {
  EXPECT_THAT(told(replaced("[[node]]", "[[node")), ElementsAre(HasSubstr("t.toml:9:")));
}

TEST(Mistakes, OfAFileThatIsNotThereSayWhatToName) {
  const auto outcome = topology::read_file("/nowhere/at/all.toml");
  ASSERT_EQ(outcome.mistakes.size(), 1u);
  EXPECT_THAT(outcome.mistakes[0].render(),
              HasSubstr("/nowhere/at/all.toml: cannot read the topology file: no such file"));
  EXPECT_FALSE(outcome.read);
}

TEST(Mistakes, OfAFolderSayThatItIsOne) {
  EXPECT_THAT(topology::read_file("/tmp").mistakes.at(0).text, HasSubstr("it is a folder"));
}

TEST(Mistakes, OfAnEmptyFileNameWhatIsMissing) {
  EXPECT_THAT(told(""), ElementsAre(HasSubstr("missing key 'cluster.name'"),
                                    HasSubstr("the file names no node")));
}

TEST(Mistakes, OfBytesThatAreNoTextAreToldWithoutACrash) {
  for (const auto& text :
       {std::string("\0\xff\xfe\x80=[[", 7), std::string(5000, '['), std::string(2u << 20, 'x')})
    EXPECT_FALSE(told(text).empty());
}

TEST(Mistakes, WildcardsPassOnceTheFileSaysSo) {
  auto text = replaced("127.0.0.1:7110", "0.0.0.0:7110");
  text.insert(text.find("name"), "allow_wildcard = true\n");
  EXPECT_THAT(told(text + "[s3]\ninsecure = true\n"), ElementsAre());
}

TEST(Mistakes, TlsMakesS3OnTheNetworkSafeAndNeedsBothItsFiles) {
  const auto text = replaced("127.0.0.1:7110", "10.0.0.1:7110");
  EXPECT_THAT(told(text + "[s3]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n"), ElementsAre());
  EXPECT_THAT(told(text + "[s3]\ncertificate = \"c.pem\"\n"),
              ElementsAre(HasSubstr("TLS needs both a certificate and its key")));
}

TEST(Mistakes, BalancersOnTheNetworkNeedTlsAsS3Does) {
  const auto text = replaced("\"access\"]",
                             "\"access\", \"balancer\"]\nleg = \"127.0.0.1:7114\"\n"
                             "balancer = \"10.0.0.1:7115\"");
  EXPECT_THAT(told(text), ElementsAre(HasSubstr("t.toml:13:12: balancer on 10.0.0.1:7115 would be "
                                                "open to the network without TLS")));
  EXPECT_THAT(told(text + "[s3]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n"), ElementsAre());
  EXPECT_THAT(told(text + "[s3]\ninsecure = true\n"), ElementsAre());
}

TEST(Mistakes, KeysOfAccessNodesNeedTheRole) {
  auto text = good + R"([[node]]
name = "q1"
roles = ["queue"]
control = "127.0.0.1:7121"
bulk = "127.0.0.1:7122"
admin = "127.0.0.1:7123"
leg = "127.0.0.1:7124"
capacity = 2
peer_group = "left"
)";
  EXPECT_THAT(told(text), ElementsAre(HasSubstr("t.toml:22:7: node 'q1' has a leg address but not"),
                                      HasSubstr("t.toml:23:12: node 'q1' has a capacity but not"),
                                      HasSubstr("t.toml:24:14: node 'q1' has a peer_group but")));
}

TEST(Mistakes, PlainTransportIsForLoopbackOnly) {
  auto text = replaced("127.0.0.1:7111", "10.0.0.1:7111");
  text.insert(text.find("name"), "plain_transport = true\n");
  EXPECT_THAT(told(text), ElementsAre(HasSubstr("control on 10.0.0.1:7111 with plain_transport")));
  auto legs = replaced("bulk = ", "leg = \"10.0.0.1:7114\"\nbulk = ");
  legs.insert(legs.find("name"), "plain_transport = true\n");
  EXPECT_THAT(told(legs), ElementsAre(HasSubstr("leg on 10.0.0.1:7114 with plain_transport")));
}
