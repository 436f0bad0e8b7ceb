#include "actors/s3_gateway/confirm_limit.hpp"

#include <gtest/gtest.h>

namespace dunlin::s3::test {

TEST(ConfirmLimit, IsOfEachAddressAndSecond) {
  confirm_limit limit(2);
  EXPECT_TRUE(limit.take("10.0.0.1:1000", 5000));
  EXPECT_TRUE(limit.take("10.0.0.1:1001", 5999));
  EXPECT_FALSE(limit.take("10.0.0.1:1002", 5999));
  EXPECT_TRUE(limit.take("10.0.0.2:1000", 5999));
  EXPECT_TRUE(limit.take("10.0.0.1:1000", 6000));
}

TEST(ConfirmLimit, TellsABoundedNumberOfClientsApart) {
  confirm_limit limit(1, 2);
  EXPECT_TRUE(limit.take("a:1", 0));
  EXPECT_TRUE(limit.take("b:1", 0));
  EXPECT_TRUE(limit.take("c:1", 0));  // the share of all others
  EXPECT_FALSE(limit.take("d:1", 0));
  EXPECT_FALSE(limit.take("a:1", 0));
}

TEST(ConfirmLimit, AClockThatIsSetBackLocksNobodyOut) {
  confirm_limit limit(1);
  EXPECT_TRUE(limit.take("a:1", 10'000));
  EXPECT_TRUE(limit.take("a:1", 3'000));
}

}  // namespace dunlin::s3::test
