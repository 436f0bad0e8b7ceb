#include "actors/admission/leg_table.hpp"

#include "tests/support/fake_leg.hpp"

#include <gtest/gtest.h>

using namespace dunlin;
using namespace std::chrono_literals;

TEST(LegTable, ATokenIsGoodOnceAndStrangersAreCounted) {
  leg_table table;
  const auto connection = table.expect("token", {"b1", 7}, 5s);
  EXPECT_EQ(table.taken(), 1u);
  EXPECT_FALSE(table.redeem("tokem"));
  EXPECT_EQ(table.redeem("token"), connection);
  EXPECT_FALSE(table.redeem("token"));
  EXPECT_EQ(table.sum().strangers, 0u);  // counted by who closes them, token or not
  table.turned_away();
  table.turned_away();
  EXPECT_EQ(table.sum().strangers, 2u);
  EXPECT_EQ(table.taken(), 1u);
}

TEST(LegTable, R11AnotherLifeBeginsWithOtherNumbers) {
  leg_table table{0x1234500000};
  EXPECT_EQ(table.expect("token", {"b1", 7}, 5s), 0x1234500001u);
}

TEST(LegTable, ATokenThatNobodyRedeemsExpires) {
  leg_table table;
  table.expect("a", {"b1", 7}, 5s);
  table.expect("b", {"b1", 8}, 6s);
  EXPECT_TRUE(table.expire(4s).empty());
  const auto gone = table.expire(5s);
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].agreed.line, 7u);
  EXPECT_FALSE(table.redeem("a"));
  EXPECT_TRUE(table.redeem("b"));
  EXPECT_TRUE(table.expire(100s).empty());
}

TEST(LegTable, B14CountsOfLegsOpenAndEndedAddUp) {
  leg_table table;
  const auto first = table.expect("a", {"b1", 1, "hash"}, 5s);
  const auto second = table.expect("b", {"b1", 2}, 5s);
  EXPECT_NE(first, second);
  table.redeem("a");
  table.redeem("b");
  const auto one = std::make_shared<support::fake_leg>();
  const auto two = std::make_shared<support::fake_leg>();
  table.opened(first, one, "192.0.2.1:5000");
  table.opened(second, two, "192.0.2.2:5000");
  one->now = {3, 100, 200, 0, 1.5, true};
  two->now = {1, 10, 20, 0, 0, false};
  ASSERT_EQ(table.open().size(), 2u);
  EXPECT_EQ(table.open()[0].client, "192.0.2.1:5000");
  EXPECT_TRUE(table.has_client("hash"));
  EXPECT_EQ(table.sum().bytes, 330u);
  EXPECT_EQ(table.sum().requests, 4u);
  EXPECT_EQ(table.sum().in_request, 1u);
  table.closed(first, {4, 110, 210, 0, 2.5, true});
  EXPECT_FALSE(table.has_client("hash"));
  EXPECT_EQ(table.sum().bytes, 350u);
  EXPECT_EQ(table.sum().declared, 2.5);
  EXPECT_EQ(table.sum().in_request, 0u);
  EXPECT_EQ(table.taken(), 1u);
  const auto ended = table.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].agreed.client_hash, "hash");
  EXPECT_TRUE(table.take_ended().empty());
  table.closed(first, {});  // twice: nothing
  EXPECT_TRUE(table.take_ended().empty());
}

TEST(LegTable, ALegThatHasGoneWithoutAWordIsNotShown) {
  leg_table table;
  const auto connection = table.expect("a", {"b1", 1}, 5s);
  table.redeem("a");
  {
    const auto leg = std::make_shared<support::fake_leg>();
    table.opened(connection, leg, "x");
    EXPECT_TRUE(table.find(connection));
  }
  EXPECT_FALSE(table.find(connection));
  EXPECT_TRUE(table.open().empty());
}
