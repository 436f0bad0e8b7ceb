// What a request may be told while users and policies change, by histories made by hand (Q16,
// decision 16).
#include "apps/testkit/access_history.hpp"

#include <gtest/gtest.h>

using namespace dunlin::testkit;

namespace {

using said = std::set<verdict>;
using enum verdict;

/// Times are seconds; caches of users may be 10 s old, those of policies 3 s.
struct AccessHistory : testing::Test {
  static std::chrono::nanoseconds at(int seconds) { return std::chrono::seconds(seconds); }

  AccessHistory() {
    now.exists = true;
    now.keys["A"] = {"secret", false};
    now.managed = document::allows;
    now.attached = true;
    change(100, 101);
  }
  /// To what `now` is by then; `to` zero: nobody knows.
  void change(int from, int to) {
    history.begin(now, at(from));
    if (to > 0) history.took_place(at(to));
  }
  said told(int from, int to, const std::string& secret = "secret") const {
    return told(from, to, secret, "n1");
  }
  said told(int from, int to, const std::string& secret, const std::string& through) const {
    return history.possible({through, "A", secret, at(from), at(to), allowed}, {at(10), at(3)});
  }

  account_state now;
  account_history history;
};

}  // namespace

TEST_F(AccessHistory, AValidKeyIsNeverRefused) {
  EXPECT_EQ(told(102, 103), said({allowed}));
  EXPECT_EQ(told(90, 99), said({unknown_key}));
  // In several looks, so it may be found half made.
  EXPECT_EQ(told(90, 100), said({allowed, denied, unknown_key}));
  EXPECT_EQ(told(102, 103, "another"), said({bad_signature}));
}

TEST_F(AccessHistory, ARevokedKeyIsRefusedOnceTheBoundHasPassed) {
  now.keys["A"].revoked = true;
  change(200, 201);
  EXPECT_EQ(told(202, 203), said({allowed, unknown_key}));
  EXPECT_EQ(told(210, 211), said({allowed, unknown_key}));
  EXPECT_EQ(told(211, 212), said({unknown_key}));
  now.keys["A"].revoked = false;
  change(300, 301);
  EXPECT_EQ(told(302, 303), said({allowed})) << "a no is confirmed";
}

TEST_F(AccessHistory, AKeyThatIsMadeAnewHasItsNewSecretOnly) {
  now.keys.erase("A");
  change(200, 201);
  now.keys["A"] = {"second", false};
  change(202, 203);
  EXPECT_EQ(told(204, 205, "second"), said({allowed}));
  EXPECT_EQ(told(204, 205), said({allowed, bad_signature}));
  EXPECT_EQ(told(214, 215), said({bad_signature}));
}

TEST_F(AccessHistory, WhatAPolicySaysHasABoundOfItsOwn) {
  now.managed = document::denies;
  change(200, 201);
  EXPECT_EQ(told(203, 204), said({allowed, denied}));
  EXPECT_EQ(told(204, 205), said({denied}));
  now.own = document::allows;
  change(300, 301);
  EXPECT_EQ(told(320, 321), said({denied})) << "a denial wins";
  now.managed = document::silent;
  change(400, 401);
  EXPECT_EQ(told(402, 403), said({allowed}));
}

TEST_F(AccessHistory, AnOldUserMayMeetANewPolicy) {
  now.managed = document::silent;
  change(200, 201);
  now.attached = false;
  change(300, 301);
  now.managed = document::allows;
  change(303, 304);
  EXPECT_EQ(told(305, 306), said({allowed, denied}));
  EXPECT_EQ(told(312, 313), said({denied}));
}

TEST_F(AccessHistory, WhatMayHaveHappenedStaysPossibleBothWays) {
  now.attached = false;
  change(200, 0);
  EXPECT_EQ(told(199, 199), said({allowed}));
  EXPECT_EQ(told(900, 901), said({allowed, denied}));
  history.was_refused();
  EXPECT_EQ(told(900, 901), said({allowed}));
}

TEST_F(AccessHistory, TheNodeThroughWhichSomethingWasChangedKnowsItAtOnce) {
  now.attached = false;
  history.begin(now, at(200));
  history.took_place(at(201), {"n2", true, true, false});
  EXPECT_EQ(told(202, 203, "secret", "n1"), said({allowed, denied}));
  EXPECT_EQ(told(202, 203, "secret", "n2"), said({denied}));
  EXPECT_EQ(told(201, 203, "secret", "n2"), said({denied}));
  EXPECT_EQ(told(200, 203, "secret", "n2"), said({allowed, denied}));
  now.managed = document::silent;
  change(300, 301);
  now.attached = true;
  history.begin(now, at(302));
  history.took_place(at(303), {"n2", true, false, false});
  EXPECT_EQ(told(303, 304, "secret", "n2"), said({allowed, denied}))
      << "of that policy it need not";
  EXPECT_EQ(told(304, 305, "secret", "n2"), said({denied}));
}

TEST_F(AccessHistory, WhoAsksInTheMomentOfTheAnswerButBeforeItNeedNotKnow) {
  const access_attempt before{"n2", "A", "secret", at(201), at(203), allowed, history.changes()};
  now.keys["A"].revoked = true;
  history.begin(now, at(200));
  history.took_place(at(201), {"n2", true, false, false});
  auto after = before;
  after.after = history.changes();
  EXPECT_TRUE(history.explains(before, {at(10), at(3)}));
  EXPECT_FALSE(history.explains(after, {at(10), at(3)}));
}

TEST_F(AccessHistory, OfAKeyThatWasDeletedElsewhereItHearsAsOthersDo) {
  now.keys["B"] = {"other", false};
  change(150, 151);
  now.keys.erase("A");
  history.begin(now, at(200));
  history.took_place(at(201), {"n1", true, false, false});
  now.keys["B"].revoked = true;
  history.begin(now, at(202));
  history.took_place(at(203), {"n2", true, false, false});
  EXPECT_EQ(told(204, 205, "secret", "n1"), said({unknown_key}));
  EXPECT_EQ(told(204, 205, "secret", "n2"), said({allowed, unknown_key}));
}
