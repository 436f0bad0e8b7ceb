/// Legs that are to be given back (B11), and what has become of them.
#pragma once

#include "tests/unit/http/leg_fixture.hpp"

namespace dunlin::tests {

struct HandOver : LegEntry {
  /// It has been given back, and has ended as the balancer expects it.
  void expect_given(const far_end_ptr& end, const std::string& unread) {
    ASSERT_TRUE(given);
    ASSERT_TRUE(*given) << to_string(given->error());
    EXPECT_EQ(given->value(), unread);
    pass(100ms);
    EXPECT_TRUE(end->end);
    EXPECT_TRUE(end->in_order);
    pass(3s);
    EXPECT_EQ(book.ended.count(1), 1u);
    EXPECT_EQ(book.ended[1].drops, 0u);
    EXPECT_EQ(entry->connections(), 0u);
  }
  void expect_declined(const far_end_ptr& end, ec why) {
    ASSERT_TRUE(given);
    ASSERT_FALSE(*given);
    EXPECT_EQ(given->error(), why);
    EXPECT_FALSE(end->end);
  }
  /// It goes on as if nobody had asked.
  void expect_alive(const far_end_ptr& end) {
    verb = [this](http::exchange_ptr asked) { echo(std::move(asked)); };
    say(end, get("/alive"));
    EXPECT_THAT(end->heard, testing::EndsWith("GET /alive 0"));
    hand_over(end);
    pass(1s);
    expect_given(end, "");
  }
};

}  // namespace dunlin::tests
