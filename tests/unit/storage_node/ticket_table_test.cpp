#include "actors/storage_node/ticket_table.hpp"

#include "messages/page_id.hpp"

#include <gtest/gtest.h>

namespace dunlin {

using namespace std::chrono_literals;

static std::string id(std::uint64_t n) { return page_at(std::string(16, '\0'), n); }

static transfer_grant grant(transfer_kind kind, std::uint64_t first, std::uint64_t pages) {
  return {kind, id(first), pages, 7, "bucket", "key", ""};
}

TEST(TicketTable, GrantsEachPageOnce) {
  ticket_table tickets;
  ASSERT_TRUE(tickets.add("s", grant(transfer_kind::write, 10, 3), 0s, 60s));
  const auto first = tickets.spend("s", transfer_kind::write, id(11), 1s);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->replica_set, 7u);
  EXPECT_EQ(tickets.spend("s", transfer_kind::write, id(11), 1s).error(), ec::refused);
  EXPECT_TRUE(tickets.spend("s", transfer_kind::write, id(10), 1s));
  EXPECT_EQ(tickets.spend("s", transfer_kind::write, id(10), 1s).error(), ec::refused);
  EXPECT_TRUE(tickets.spend("s", transfer_kind::write, id(12), 1s));
  EXPECT_EQ(tickets.size(), 0u);
}

TEST(TicketTable, RefusesOtherPagesOperationsAndSecrets) {
  ticket_table tickets;
  ASSERT_TRUE(tickets.add("s", grant(transfer_kind::read, 10, 3), 0s, 60s));
  EXPECT_EQ(tickets.spend("s", transfer_kind::read, id(9), 1s).error(), ec::refused);
  EXPECT_EQ(tickets.spend("s", transfer_kind::read, id(13), 1s).error(), ec::refused);
  EXPECT_EQ(tickets.spend("s", transfer_kind::read, "short", 1s).error(), ec::refused);
  EXPECT_EQ(tickets.spend("s", transfer_kind::write, id(10), 1s).error(), ec::refused);
  EXPECT_EQ(tickets.spend("t", transfer_kind::read, id(10), 1s).error(), ec::refused);
  EXPECT_TRUE(tickets.spend("s", transfer_kind::read, id(10), 1s));
}

TEST(TicketTable, ForgetsATicketAtItsDeadline) {
  ticket_table tickets;
  ASSERT_TRUE(tickets.add("s", grant(transfer_kind::read, 10, 3), 0s, 60s));
  EXPECT_TRUE(tickets.spend("s", transfer_kind::read, id(10), 59s));
  EXPECT_EQ(tickets.spend("s", transfer_kind::read, id(11), 60s).error(), ec::refused);
  EXPECT_EQ(tickets.size(), 0u);
}

TEST(TicketTable, SpentTicketsLeaveNothingAtTheirDeadline) {
  ticket_table tickets;
  ASSERT_TRUE(tickets.add("s", grant(transfer_kind::read, 10, 1), 0s, 60s));
  ASSERT_TRUE(tickets.add("t", grant(transfer_kind::read, 10, 2), 0s, 60s));
  EXPECT_TRUE(tickets.spend("s", transfer_kind::read, id(10), 1s));
  ASSERT_TRUE(tickets.add("s", grant(transfer_kind::read, 10, 2), 30s, 60s));
  EXPECT_TRUE(tickets.spend("s", transfer_kind::read, id(10), 70s));
}

TEST(TicketTable, AFullTableDropsWhatAWriterLeftBehindLongAgo) {
  ticket_table tickets({2, 4, 30s});
  ASSERT_TRUE(tickets.add("a", grant(transfer_kind::write, 0, 256), 0s, 600s));
  ASSERT_TRUE(tickets.add("b", grant(transfer_kind::write, 0, 256), 10s, 600s));
  EXPECT_EQ(tickets.add("c", grant(transfer_kind::write, 0, 1), 29s, 600s).error(), ec::overloaded);
  EXPECT_TRUE(tickets.add("c", grant(transfer_kind::write, 0, 1), 30s, 600s));
  EXPECT_EQ(tickets.size(), 2u);
  EXPECT_FALSE(tickets.spend("a", transfer_kind::write, id(0), 30s));
  EXPECT_TRUE(tickets.spend("b", transfer_kind::write, id(0), 30s));
}

TEST(TicketTable, IsBounded) {
  ticket_table tickets({2, 4});
  ASSERT_TRUE(tickets.add("a", grant(transfer_kind::write, 0, 1'000'000), 0s, 60s));
  ASSERT_TRUE(tickets.add("b", grant(transfer_kind::write, 0, 1), 0s, 60s));
  EXPECT_EQ(tickets.add("c", grant(transfer_kind::write, 0, 1), 0s, 60s).error(), ec::overloaded);
  EXPECT_EQ(tickets.spend("a", transfer_kind::write, id(5), 1s).error(), ec::refused);
  EXPECT_TRUE(tickets.spend("a", transfer_kind::write, id(4), 1s));
  EXPECT_TRUE(tickets.add("c", grant(transfer_kind::write, 0, 1), 60s, 60s));
}

}  // namespace dunlin
