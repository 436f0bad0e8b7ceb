/// Many changes in one enqueue instruction (Q7, Q11, Q12).
#include "actors/partition/gathered_updates.hpp"

#include <gtest/gtest.h>

using namespace dunlin;

namespace {

struct GatheredUpdates : testing::Test {
  void add(const std::string& type, std::uint64_t ordinal, std::uint64_t tick,
           const std::string& key, const std::string& value = {}) {
    v1::TypeUpdates change;
    change.set_type(type);
    change.set_partition(3);
    change.add_covered()->set_first(ordinal);
    change.mutable_covered(0)->set_last(ordinal);
    auto& update = *change.add_updates();
    update.set_tick(tick);
    update.set_key(key);
    if (!value.empty()) update.set_value(value);
    gathered.add(change);
  }
  void add_whole(std::uint64_t through, std::uint64_t tick) {
    v1::TypeUpdates change;
    change.set_type("object");
    change.set_partition(3);
    change.add_covered()->set_first(1);
    change.mutable_covered(0)->set_last(through);
    change.add_updates()->set_tick(tick);
    change.mutable_updates(0)->set_whole(true);
    gathered.add(change);
  }
  /// "object 1-3 5-5: a@4 b@7=v"
  std::string text() const {
    std::string all;
    const auto updates = gathered.finish();
    for (const auto& change : updates.changes()) {
      all += (all.empty() ? "" : "; ") + change.type();
      for (const auto& run : change.covered())
        all += " " + std::to_string(run.first()) + "-" + std::to_string(run.last());
      all += ":";
      for (const auto& update : change.updates()) {
        all += " " + (update.whole() ? "*" : update.key()) + "@" + std::to_string(update.tick());
        if (update.has_value()) all += "=" + update.value();
      }
    }
    return all;
  }
  gathered_updates gathered;
};

TEST_F(GatheredUpdates, OrdinalsBecomeRunsWhateverOrderTheyComeIn) {
  add("object", 5, 5, "e");
  add("object", 1, 1, "a");
  add("object", 2, 2, "b");
  add("object", 7, 7, "g");
  add("object", 6, 6, "f");
  EXPECT_EQ(text(), "object 1-2 5-7: a@1 b@2 e@5 f@6 g@7");
}

TEST_F(GatheredUpdates, OfOneKeyTheNewestTickIsLeftAndAllOrdinalsCount) {
  add("object", 1, 10, "a", "old");
  add("object", 3, 30, "a", "new");
  add("object", 2, 20, "a", "between");
  EXPECT_EQ(text(), "object 1-3: a@30=new");
}

TEST_F(GatheredUpdates, OfOneTickTheUpdateThatCarriesAValueIsLeft) {
  add("object", 2, 20, "a");
  add("object", 1, 20, "a", "v");
  EXPECT_EQ(text(), "object 1-2: a@20=v");
}

TEST_F(GatheredUpdates, TypesStayApart) {
  add("user", 1, 2, "AK");
  add("bucket", 1, 1, "b");
  EXPECT_EQ(text(), "bucket 1-1: b@1; user 1-1: AK@2");
}

TEST_F(GatheredUpdates, WhatWasBeforeEverythingMayHaveChangedIsLeftOut) {
  add("object", 1, 1, "a", "v");
  add_whole(40, 50);
  add("object", 41, 51, "b", "w");
  add("object", 43, 53, "c");
  EXPECT_EQ(text(), "object 1-41 43-43: *@50 b@51=w c@53");
}

}  // namespace
