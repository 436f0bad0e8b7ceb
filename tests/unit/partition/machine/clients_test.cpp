#include "tests/unit/partition/machine/machine_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

struct ExactlyOnce : machine_test {
  v1::CommandReply expire(std::int64_t unheard_for_ms) {
    v1::Command command;
    command.mutable_expire_clients()->set_unheard_for_ms(unheard_for_ms);
    return run(command);
  }
};

TEST_F(ExactlyOnce, ACommandOfAnUnknownClientIsNeverRun) {
  EXPECT_EQ(run(stamped(put("a", 1), 1)).status(), status::UNKNOWN_CLIENT);
  EXPECT_EQ(get("a").status(), status::NO_SUCH_KEY);
}

TEST_F(ExactlyOnce, ARepeatedCommandAnswersAsTheFirstTimeWithoutRunning) {
  run(open_client());
  const auto first = run(stamped(put("a", 1), 1));
  run(delete_keys({"a"}));
  const auto again = run(stamped(put("a", 1), 1));
  EXPECT_EQ(again.status(), first.status());
  EXPECT_EQ(again.tick(), first.tick());
  EXPECT_FALSE(again.has_object()) << "it is not there any more";
  EXPECT_EQ(get("a").status(), status::NO_SUCH_KEY);
}

TEST_F(ExactlyOnce, ARefusalIsRepeatedToo) {
  run(open_client());
  auto only_new = put("a", 1);
  only_new.mutable_put_object()->mutable_precondition()->add_if_none_match("*");
  run(put("a", 9));
  EXPECT_EQ(run(stamped(only_new, 1)).status(), status::PRECONDITION_FAILED);
  run(delete_keys({"a"}));
  EXPECT_EQ(run(stamped(only_new, 1)).status(), status::PRECONDITION_FAILED);
}

TEST_F(ExactlyOnce, WhatIsAnsweredIsForgottenAndNeverRunAgain) {
  run(open_client());
  run(stamped(put("a", 1), 1));
  run(stamped(put("b", 2), 2));
  run(stamped(put("c", 3), 3, 3));
  EXPECT_EQ(store.of(table::answers).size(), 1u);
  EXPECT_EQ(run(stamped(put("a", 4), 2)).status(), status::UNKNOWN_CLIENT);
  EXPECT_EQ(get("a").object().tick(), 2u);  // opening the client was the first change
}

TEST_F(ExactlyOnce, CommandsMayComeInAnyOrder) {
  run(open_client());
  EXPECT_EQ(run(stamped(put("b", 2), 2, 1)).status(), status::OK);
  EXPECT_EQ(run(stamped(put("a", 1), 1, 1)).status(), status::OK);
}

TEST_F(ExactlyOnce, AClientHasAtMostAThousandAndTwentyFourOpen) {
  run(open_client());
  for (std::uint64_t sequence = 1; sequence <= 1024; ++sequence)
    ASSERT_EQ(run(stamped(put("a", 0, 0), sequence)).status(), status::OK);
  EXPECT_EQ(run(stamped(put("late", 0, 0), 1025)).status(), status::TOO_MANY_OPEN);
  EXPECT_EQ(get("late").status(), status::NO_SUCH_KEY);
  EXPECT_EQ(run(stamped(put("late", 0, 0), 1025, 2)).status(), status::OK);
}

TEST_F(ExactlyOnce, AnExpiredClientIsUnknownAndReopensOnlyAboveItsOldNumbers) {
  run(open_client());
  run(stamped(put("a", 1), 1));
  now_ms += 10'000;
  expire(9'000);
  EXPECT_TRUE(store.of(table::answers).empty());
  EXPECT_EQ(run(stamped(put("b", 2), 1)).status(), status::UNKNOWN_CLIENT);
  EXPECT_EQ(run(open_client(1, 5)).status(), status::OK);
  EXPECT_EQ(run(stamped(put("b", 2), 5)).status(), status::UNKNOWN_CLIENT);
  EXPECT_EQ(run(stamped(put("b", 2), 6)).status(), status::OK);
}

TEST_F(ExactlyOnce, AClientThatIsHeardDoesNotExpire) {
  run(open_client());
  now_ms += 10'000;
  run(stamped(put("a", 1), 1));
  expire(9'000);
  EXPECT_EQ(run(stamped(put("b", 2), 2)).status(), status::OK);
}

TEST_F(ExactlyOnce, OpeningAgainChangesNothing) {
  run(open_client());
  run(stamped(put("a", 1), 1));
  EXPECT_EQ(run(open_client()).status(), status::OK);
  EXPECT_EQ(run(stamped(put("a", 9), 1)).tick(), 2u);
  EXPECT_EQ(machine->tick(), 2u);
}

TEST_F(ExactlyOnce, ANewLifeOfANodeClosesTheOldOne) {
  run(open_client(1));
  EXPECT_EQ(run(open_client(2)).status(), status::OK);
  EXPECT_EQ(run(stamped(put("a", 1), 1, 0, 1)).status(), status::UNKNOWN_CLIENT);
  EXPECT_EQ(run(open_client(1)).status(), status::UNKNOWN_CLIENT);
  EXPECT_EQ(run(stamped(put("a", 1), 1, 0, 2)).status(), status::OK);
}

TEST_F(ExactlyOnce, AStampThatContradictsItselfIsRefused) {
  run(open_client());
  EXPECT_EQ(run(stamped(put("a", 1), 0)).status(), status::INVALID);
  EXPECT_EQ(run(stamped(put("a", 1), 1, 2)).status(), status::INVALID);
}
