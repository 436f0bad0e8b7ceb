#include "tests/unit/s3_gateway/fake_world.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

namespace {

class BucketVerbs : public testing::Test {
protected:
  cluster world;
  client root{world};
};

std::string configuration(const std::string& inside) {
  return "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + inside +
         "</CreateBucketConfiguration>";
}

}  // namespace

TEST_F(BucketVerbs, ABucketIsMadeSeenListedAndDeleted) {
  EXPECT_EQ(root.head("/bucket").status, 404);
  const auto made = root.put("/bucket");
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.header("Location"), "/bucket");
  const auto seen = root.head("/bucket");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.header("x-amz-bucket-region"), "us-east-1");
  EXPECT_EQ(elements(root.get("/").body, "Name"), std::vector<std::string>{"bucket"});
  const auto gone = root.remove("/bucket");
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.body, "");
  EXPECT_EQ(root.head("/bucket").status, 404);
  EXPECT_EQ(root.remove("/bucket").code(), "NoSuchBucket");
}

TEST_F(BucketVerbs, ErrorsOfHeadHaveNoBody) {
  const auto got = root.head("/bucket");
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.body, "");
  EXPECT_EQ(got.content_length, 0u);
  EXPECT_EQ(got.header("x-amz-request-id"), "0123456789ABCDEF");
}

TEST_F(BucketVerbs, Row17NamesAreChecked) {
  for (const auto& name : {std::string(".."), std::string("Upper"), std::string("ab"),
                           std::string(64, 'a'), std::string("192.168.1.1"), std::string("a_b")}) {
    const auto got = root.put("/" + name);
    EXPECT_EQ(got.status, 400) << name;
    EXPECT_EQ(got.code(), "InvalidBucketName") << name;
    EXPECT_EQ(root.get("/" + name).code(), "InvalidBucketName") << name;
  }
}

TEST_F(BucketVerbs, ALocationConstraintMustBeTheRegion) {
  EXPECT_EQ(root.put("/one", configuration("")).status, 200);
  EXPECT_EQ(
      root.put("/two", configuration("<LocationConstraint>us-east-1</LocationConstraint>")).status,
      200);
  EXPECT_EQ(root.put("/three", configuration("<LocationConstraint/>")).status, 200);
  const auto wrong =
      root.put("/four", configuration("<LocationConstraint>mars</LocationConstraint>"));
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.code(), "IllegalLocationConstraintException");
  EXPECT_EQ(root.put("/five", configuration("<Bucket><Type>Directory</Type></Bucket>")).status,
            501);
  EXPECT_EQ(root.put("/six", "<nonsense/>").code(), "MalformedXML");
  EXPECT_EQ(root.put("/seven", "<!DOCTYPE a><CreateBucketConfiguration/>").code(), "MalformedXML");
  EXPECT_EQ(root.head("/four").status, 404);
}

TEST_F(BucketVerbs, MakingOnesOwnBucketAgainFollowsTheRegion) {
  EXPECT_EQ(root.put("/bucket").status, 200);
  EXPECT_EQ(root.put("/bucket").status, 200);
  world.options.region = "eu-north-1";
  const auto again = root.put("/bucket");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "BucketAlreadyOwnedByYou");
}

TEST_F(BucketVerbs, TheLocationIsEmptyInUsEast1AndTheRegionElsewhere) {
  EXPECT_EQ(root.put("/bucket").status, 200);
  const auto got = root.get("/bucket?location");
  EXPECT_EQ(got.header("content-type"), "application/xml");
  EXPECT_NE(got.body.find("doc/2006-03-01/\"></LocationConstraint>"), std::string::npos);
  world.options.region = "eu-north-1";
  EXPECT_EQ(root.put("/north").status, 200);
  EXPECT_NE(root.get("/north?location").body.find(">eu-north-1</LocationConstraint>"),
            std::string::npos);
}

TEST_F(BucketVerbs, AFullBucketStaysAndGoesOnWorking) {
  EXPECT_EQ(root.put("/bucket").status, 200);
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
  const auto refused = root.remove("/bucket");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "BucketNotEmpty");
  EXPECT_EQ(root.put("/bucket/l", "y").status, 200);
  EXPECT_EQ(root.remove("/bucket/k").status, 204);
  EXPECT_EQ(root.remove("/bucket/l").status, 204);
  EXPECT_EQ(root.remove("/bucket").status, 204);
}

TEST_F(BucketVerbs, ADeleteThatStoppedHalfWayIsEndedByTheNext) {
  EXPECT_EQ(root.put("/bucket").status, 200);
  // The begin is applied, then the seal's answer is lost.
  int command = 0;
  std::function<void()> fail_second = [&] {
    if (++command == 2)
      world.execute_fails = ec::timed_out;
    else
      world.before_execute = fail_second;
  };
  world.before_execute = fail_second;
  EXPECT_EQ(root.remove("/bucket").status, 503);
  EXPECT_EQ(root.remove("/bucket").status, 204);
  EXPECT_EQ(root.head("/bucket").status, 404);
  EXPECT_EQ(root.put("/bucket").status, 200);
  EXPECT_EQ(root.put("/bucket/k", "x").status, 200);
}

TEST_F(BucketVerbs, APutThatLosesAgainstTheDeleteOfItsBucketIsRefused) {
  EXPECT_EQ(root.put("/bucket").status, 200);
  world.before_execute = [&] {
    v1::Command seal;
    const auto id = [&] {
      v1::PartitionQuery query;
      query.mutable_get_bucket()->set_name("bucket");
      return world.ask(to_root(), query).buckets(0).id();
    }();
    seal.mutable_seal_bucket()->set_bucket_id(id);
    world.execute(to_bucket(id), seal);
  };
  const auto got = root.put("/bucket/k", "x");
  EXPECT_EQ(got.status, 409);
  EXPECT_EQ(got.code(), "OperationAborted");
  EXPECT_EQ(root.get("/bucket/k").code(), "NoSuchBucket");
}

TEST_F(BucketVerbs, ListingPagesThroughManyBuckets) {
  for (int i = 0; i < 25; ++i)
    EXPECT_EQ(root.put("/bucket-" + std::to_string(100 + i)).status, 200);
  const auto all = root.get("/");
  EXPECT_EQ(elements(all.body, "Name").size(), 25u);
  EXPECT_EQ(element(all.body, "ID"), "root");
  const auto first = root.get("/?max-buckets=10");
  EXPECT_EQ(elements(first.body, "Name").size(), 10u);
  const auto token = element(first.body, "ContinuationToken");
  const auto rest = root.get("/?continuation-token=" + token);
  EXPECT_EQ(elements(rest.body, "Name").size(), 15u);
  EXPECT_EQ(elements(root.get("/?prefix=bucket-11").body, "Name").size(), 10u);
  EXPECT_EQ(root.get("/?max-buckets=0").code(), "InvalidArgument");
}

TEST_F(BucketVerbs, OverloadAndOutageAreTheServersFault) {
  world.execute_fails = ec::overloaded;
  EXPECT_EQ(root.put("/bucket").code(), "SlowDown");
  world.execute_fails = ec::peer_lost;
  EXPECT_EQ(root.put("/bucket").code(), "ServiceUnavailable");
  world.execute_fails = ec::damaged;
  EXPECT_EQ(root.put("/bucket").status, 500);
  world.execute_fails = ec::disk_full;
  EXPECT_EQ(root.put("/bucket").status, 507);
}

}  // namespace dunlin::s3::test
