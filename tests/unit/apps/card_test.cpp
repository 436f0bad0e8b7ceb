#include "apps/dunlin/card.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dunlin;
using ::testing::HasSubstr;

static topology::cluster small() {
  topology::cluster made;
  made.file = "small.toml";
  made.options.name = "small";
  made.options.folder = "/data/small";
  made.options.region = "eu-central-1";
  made.nodes.resize(2);
  made.nodes[0].name = "db";
  made.nodes[0].folder = "/data/small/db";
  made.nodes[1].name = "web";
  made.nodes[1].s3 = topology::endpoint{"0.0.0.0", 7120};
  return made;
}

TEST(Card, ExportsWhatClientsNeedInOneLine) {
  EXPECT_EQ(commands::exports(small(), {"AKID", "SECRET"}),
            "export AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=SECRET "
            "AWS_ENDPOINT_URL=http://127.0.0.1:7120 AWS_DEFAULT_REGION=eu-central-1");
}

TEST(Card, TakesTheFirstNodeThatSpeaksS3AndAnAddressThatCanBeDialled) {
  EXPECT_EQ(commands::s3_url(small(), small().nodes[0]), "");
  EXPECT_EQ(commands::first_s3_url(small()), "http://127.0.0.1:7120");
  auto secure = small();
  secure.options.s3_certificate = "certificate.pem";
  EXPECT_EQ(commands::first_s3_url(secure), "https://127.0.0.1:7120");
}

TEST(Card, TellsEndpointsKeysAndTheNextCommandButNoSecret) {
  const auto card = commands::start_up_card(small(), "build/dunlin");
  for (const auto* part : {"'small' is up: 2 nodes", "http://127.0.0.1:7120",
                           "/data/small/credentials", "eval \"$(build/dunlin env small.toml)\"",
                           "--endpoint-url \"$AWS_ENDPOINT_URL\"", "build/dunlin down small.toml"})
    EXPECT_THAT(card, HasSubstr(part));
}

TEST(Card, GivesTheFirstBalancerWhereThereIsOne) {
  auto balanced = small();
  balanced.nodes.resize(4);
  for (const auto i : {2, 3}) {
    balanced.nodes[i].name = "b" + std::to_string(i);
    balanced.nodes[i].roles = {topology::role::balancer};
    balanced.nodes[i].balancer =
        topology::endpoint{"127.0.0.1", static_cast<std::uint16_t>(7000 + i)};
  }
  EXPECT_EQ(commands::first_s3_url(balanced), "http://127.0.0.1:7002");
  const auto card = commands::start_up_card(balanced, "build/dunlin");
  EXPECT_THAT(card, HasSubstr("S3 http://127.0.0.1:7002"));
  EXPECT_THAT(card, HasSubstr("direct http://127.0.0.1:7120"));
}
