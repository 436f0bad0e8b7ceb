#include "actors/near_cache/heard_log.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace dunlin {

TEST(HeardLog, SaysToEachTicketTheNewestOfWhatCameWhileItWasOpen) {
  heard_log log;
  log.note(2, 90);
  log.note(4, 50);
  log.note(4, 40);
  EXPECT_EQ(log.since(1), 90u);
  EXPECT_EQ(log.since(2), 90u);
  EXPECT_EQ(log.since(3), 50u);
  EXPECT_EQ(log.since(5), 0u);
}

TEST(HeardLog, ForgetsAnAbsurdTickWithTheTicketsThatHeardIt) {
  heard_log log;
  log.note(3, heard_log::everything);
  log.note(7, 10);
  log.trim(4);
  EXPECT_EQ(log.since(4), 10u);
  log.trim(8);
  EXPECT_TRUE(log.empty());
}

TEST(HeardLog, AgreesWithAMarkOnEveryTicket) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random{seed};
    heard_log log;
    std::vector<std::uint64_t> marks{0};  // by ticket
    std::uint64_t oldest = 1;
    for (int step = 0; step < 200; ++step) {
      switch (random() % 4) {
        case 0: marks.push_back(0); break;
        case 1: {
          const auto tick = random() % 50 + 1;
          log.note(marks.size() - 1, tick);
          for (auto& mark : marks)
            mark = std::max(mark, tick);
          break;
        }
        case 2:
          log.trim(oldest = std::min<std::uint64_t>(oldest + random() % 3, marks.size()));
          break;
        default:
          for (auto ticket = oldest; ticket < marks.size(); ++ticket)
            ASSERT_EQ(log.since(ticket), marks[ticket]) << "seed " << seed << " step " << step;
      }
    }
  }
}

}  // namespace dunlin
