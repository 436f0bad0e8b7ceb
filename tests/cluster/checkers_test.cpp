// The checkers of the simulation must themselves see right from wrong: rows and listings made by
// hand, each with one thing wrong that is known.

#include "actors/partition/machine/key_codec.hpp"
#include "apps/testkit/listing_check.hpp"
#include "apps/testkit/state_checks.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace dunlin;
using namespace dunlin::testkit;

namespace {

// ---- rows ----

const std::string bucket_id(keys::id_bytes, 'b');

std::string page(char last) { return std::string(15, 'p') + last; }

v1::Layout layout_of(char first, std::uint64_t pages) {
  v1::Layout layout;
  auto& run = *layout.add_runs();
  run.set_replica_set(1);
  run.set_first_page(page(first));
  run.set_page_bytes(4096);
  run.set_length(4096 * pages);
  return layout;
}

class world {
public:
  world() {
    state.set_partition(1);
    state.set_applied_index(9);
  }

  void put(table where, const std::string& key, const google::protobuf::MessageLite& record) {
    rows.tables[where][key] = record.SerializeAsString();
  }

  void announce(std::uint64_t tick, const std::string& key) {
    announce(tick, "object", bucket_id + key);
  }

  void announce(std::uint64_t tick, const std::string& type, const std::string& key) {
    v1::OutboxRecord row;
    row.set_tick(tick);
    row.set_type(type);
    row.set_key(key);
    auto& all = *state.mutable_announced();
    auto ordinal =
        std::find_if(all.begin(), all.end(), [&](auto& one) { return one.type() >= type; });
    if (ordinal == all.end() || ordinal->type() != type) {
      const auto place = ordinal - all.begin();
      all.Add()->set_type(type);
      std::rotate(all.begin() + place, all.end() - 1, all.end());
      ordinal = all.begin() + place;
    }
    ordinal->set_ordinal(ordinal->ordinal() + 1);
    row.set_ordinal(ordinal->ordinal());
    state.set_tick(std::max(state.tick(), tick));
    put(table::outbox, keys::number(tick), row);
    state.set_outbox_rows(state.outbox_rows() + 1);
  }

  /// Announced, of two pages.
  void add_object(const std::string& key, std::uint64_t tick, char first_page) {
    v1::ObjectRecord object;
    object.set_tick(tick);
    *object.mutable_layout() = layout_of(first_page, 2);
    put(table::objects, keys::version(bucket_id, key, tick), object);
    announce(tick, key);
    state.set_tick(std::max(state.tick(), tick));
  }

  /// Of one page that an object of `key` had.
  void add_garbage(const std::string& key, std::uint64_t tick, char first_page) {
    v1::GarbageRecord garbage;
    garbage.set_tick(tick);
    garbage.mutable_item()->set_bucket_id(bucket_id);
    garbage.mutable_item()->set_key(key);
    *garbage.mutable_layout() = layout_of(first_page, 1);
    put(table::garbage, keys::number(tick), garbage);
    rows.tables[table::garbage_items][keys::pages(keys::item(bucket_id, key, {}), 1,
                                                  page(first_page))] = page(first_page);
    state.set_tick(std::max(state.tick(), tick));
  }

  void add_fence(const std::string& key, char first, char last) {
    v1::FenceRecord fence;
    fence.set_first_page(page(first));
    fence.set_since_ms(7);
    const auto row = keys::pages(keys::item(bucket_id, key, {}), 1, page(last));
    put(table::fences, row, fence);
    rows.tables[table::fence_times][keys::number(7) + row] = {};
  }

  std::vector<std::string> judged() {
    put(table::meta, "state", state);
    return check_rows(rows);
  }

  std::string one_mistake() {
    const auto wrong = judged();
    return wrong.size() == 1 ? wrong.front() : std::to_string(wrong.size()) + " mistakes";
  }

  partition_rows rows;
  v1::PartitionState state;
};

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST(StateChecks, RowsInOrderAreRight) {
  world it;
  it.add_object("a", 2, 'A');
  it.add_object("b", 5, 'C');
  it.add_garbage("b", 4, 'E');
  it.add_fence("a", 'X', 'Z');
  EXPECT_EQ(it.judged(), std::vector<std::string>());
}

TEST(StateChecks, ATickThatGoesBackIsSeen) {
  world it;
  it.add_object("a", 2, 'A');
  it.add_object("b", 3, 'C');
  it.state.set_tick(2);
  EXPECT_FALSE(it.judged().empty());
  tick_watch watch;
  v1::PartitionState at;
  at.set_applied_index(5);
  at.set_tick(10);
  EXPECT_TRUE(watch.observe(1, at).empty());
  at.set_applied_index(6);
  at.set_tick(9);
  EXPECT_FALSE(watch.observe(1, at).empty());
}

TEST(StateChecks, ReplicasThatCountDifferentlyAreSeen) {
  tick_watch watch;
  v1::PartitionState at;
  at.set_applied_index(5);
  at.set_tick(10);
  EXPECT_TRUE(watch.observe(1, at).empty());
  EXPECT_TRUE(watch.observe(2, at).empty());
  at.set_tick(11);
  EXPECT_FALSE(watch.observe(1, at).empty());
}

TEST(StateChecks, TwoChangesOfOneTickAreSeen) {
  world it;
  it.add_object("a", 2, 'A');
  it.add_garbage("c", 2, 'E');
  it.announce(3, "c");
  it.state.set_tick(3);
  EXPECT_TRUE(says(it.one_mistake(), "share tick 2"));
}

TEST(StateChecks, AChangeThatIsNotAnnouncedIsSeen) {
  world written;
  written.add_object("a", 2, 'A');
  written.rows.tables[table::outbox].clear();
  written.state.set_outbox_rows(0);
  written.state.clear_announced();
  EXPECT_TRUE(says(written.one_mistake(), "not announced"));
  world deleted;
  deleted.add_garbage("a", 2, 'A');
  EXPECT_TRUE(says(deleted.one_mistake(), "not announced"));
}

TEST(StateChecks, AnOrdinalThatIsLeftOutOrComesTwiceIsSeen) {
  const auto with_ordinal = [](world& it, std::uint64_t tick, std::uint64_t ordinal) {
    v1::OutboxRecord row;
    row.ParseFromString(it.rows.of(table::outbox).at(keys::number(tick)));
    row.set_ordinal(ordinal);
    it.put(table::outbox, keys::number(tick), row);
  };
  for (const auto wrong : {1, 3}) {
    world it;
    it.add_object("a", 2, 'A');
    it.add_object("b", 5, 'C');
    with_ordinal(it, 5, static_cast<std::uint64_t>(wrong));
    it.state.mutable_announced(0)->set_ordinal(static_cast<std::uint64_t>(wrong));
    EXPECT_TRUE(says(it.one_mistake(), "has ordinal"));
  }
  world first;
  first.add_object("a", 2, 'A');
  with_ordinal(first, 2, 7);
  first.state.mutable_announced(0)->set_ordinal(7);
  EXPECT_TRUE(says(first.one_mistake(), "has ordinal 7 after 0"));
  first.state.set_announced_through(1);  // six are with a queue
  EXPECT_EQ(first.judged(), std::vector<std::string>());
  first.state.mutable_announced(0)->set_ordinal(8);
  EXPECT_TRUE(says(first.one_mistake(), "the outbox ends with 7"));
}

TEST(StateChecks, OrdinalsOfDroppedRowsCount) {
  world it;
  it.add_object("a", 2, 'A');
  it.add_object("b", 5, 'C');
  v1::OutboxRecord dropped;
  dropped.set_tick(2);
  dropped.set_type("partition");
  dropped.set_key(keys::number(0));
  dropped.add_dropped_through()->set_type("object");
  dropped.mutable_dropped_through(0)->set_ordinal(1);
  it.put(table::outbox, keys::number(2), dropped);
  EXPECT_EQ(it.judged(), std::vector<std::string>());
  dropped.clear_dropped_through();
  it.put(table::outbox, keys::number(2), dropped);
  EXPECT_TRUE(says(it.one_mistake(), "has ordinal 2 after 0"));
}

namespace {

/// Ann with one key, an own policy and a managed one.
struct users_world : world {
  users_world() {
    ann.set_tick(2);
    ann.set_name("ann");
    ann.add_attached("p");
    ann.add_inline_policies("own");
    key.set_tick(3);
    key.set_access_key("A");
    key.set_user("ann");
    managed.set_tick(4);
    managed.set_name("p");
    managed.set_attachments(1);
    own.set_tick(5);
    own.set_name("own");
    own.set_user("ann");
    announce(3, "user", "A");
    announce(4, "policy", "p");
    announce(5, "policy", "ann/own");
    rows.tables[table::user_keys][keys::user_key("ann", "A")] = {};
    rows.tables[table::meta]["policies"] = keys::number(1);
  }
  std::vector<std::string> judged() {
    put(table::users, "ann", ann);
    put(table::access_keys, "A", key);
    put(table::policies, "p", managed);
    put(table::policies, "ann/own", own);
    return world::judged();
  }
  /// What is said of users_world after `spoil`, a part of it.
  template <class Spoil>
  static testing::AssertionResult tells(const std::string& part, Spoil spoil) {
    users_world it;
    spoil(it);
    const auto all = it.judged();
    for (const auto& text : all)
      if (says(text, part)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << all.size() << " mistakes, none says " << part;
  }

  v1::UserRecord ann;
  v1::AccessKeyRecord key;
  v1::PolicyRecord managed, own;
};

}  // namespace

TEST(StateChecks, WhatUsersNameMustBeThereAndCountedAndAnnounced) {
  EXPECT_EQ(users_world().judged(), std::vector<std::string>());
  const auto tells = [](const std::string& part, auto spoil) {
    return users_world::tells(part, spoil);
  };
  EXPECT_TRUE(tells("the change of a user at tick 6 is not announced", [](auto& it) {
    it.state.set_tick(6);
    it.key.set_tick(6);
  }));
  EXPECT_TRUE(tells("a tick before that of its user", [](auto& it) {
    it.state.set_tick(6);
    it.ann.set_tick(6);
  }));
  EXPECT_TRUE(tells("of a user that is gone", [](auto& it) { it.key.set_user("bob"); }));
  EXPECT_TRUE(tells("0 by user", [](auto& it) {
    it.rows.tables[table::user_keys].clear();
    auto second = it.key;
    second.set_access_key("B");
    it.put(table::access_keys, "B", second);
  }));
  EXPECT_TRUE(tells("2 by user", [](auto& it) {
    it.rows.tables[table::user_keys][keys::user_key("ann", "B")] = {};
  }));
  EXPECT_TRUE(tells("which is not there", [](auto& it) { it.ann.set_attached(0, "q"); }));
  EXPECT_TRUE(tells("counted are 2", [](auto& it) { it.managed.set_attachments(2); }));
  EXPECT_TRUE(
      tells("0 users have policy ann/own", [](auto& it) { it.ann.clear_inline_policies(); }));
  EXPECT_TRUE(tells("is misplaced", [](auto& it) { it.own.set_user("bob"); }));
  EXPECT_TRUE(tells("or not in order", [](auto& it) { it.ann.add_attached("a"); }));
  EXPECT_TRUE(tells("there are 1 policies, counted are 2",
                    [](auto& it) { it.rows.tables[table::meta]["policies"] = keys::number(2); }));
}

TEST(StateChecks, APageThatIsNamedTwiceIsSeen) {
  world two_objects;
  two_objects.add_object("a", 2, 'A');
  two_objects.add_object("b", 3, 'B');
  EXPECT_TRUE(says(two_objects.one_mistake(), "is named by"));
  world garbage;
  garbage.add_object("a", 5, 'A');
  garbage.add_garbage("a", 4, 'B');
  EXPECT_TRUE(says(garbage.one_mistake(), "is named by"));
}

TEST(StateChecks, AFencedPageThatIsNamedIsSeen) {
  world it;
  it.add_object("a", 2, 'M');
  it.add_fence("a", 'L', 'Q');
  EXPECT_TRUE(says(it.one_mistake(), "is fenced"));
}

TEST(StateChecks, AnObjectInASealedBucketIsSeen) {
  world it;
  it.add_object("a", 2, 'A');
  it.rows.tables[table::seals][keys::bucket(bucket_id)] = keys::number(1);
  EXPECT_TRUE(says(it.one_mistake(), "sealed bucket"));
}

TEST(StateChecks, AnObjectWhoseBucketIsGoneIsSeen) {
  world it;
  it.add_object("a", 2, 'A');
  EXPECT_FALSE(check_buckets({}, it.rows).empty());
  partition_rows root;
  v1::BucketRecord bucket;
  bucket.set_id(bucket_id);
  root.tables[table::buckets]["bucket"] = bucket.SerializeAsString();
  EXPECT_TRUE(check_buckets(root, it.rows).empty());
}

// ---- listings ----

namespace {

using history = std::vector<register_operation>;

register_operation write(std::optional<std::string> value, int from, int to) {
  register_operation one;
  one.writes = true;
  one.value = std::move(value);
  one.called = std::chrono::nanoseconds(from);
  if (to > 0) one.answered = std::chrono::nanoseconds(to);
  return one;
}

std::size_t mistakes(const history& of_a, std::vector<std::string> keys) {
  const listing seen{"work", "", std::chrono::nanoseconds(10), std::chrono::nanoseconds(20),
                     std::move(keys)};
  return check_listing({{"/work/a", of_a}}, seen).size();
}

}  // namespace

TEST(ListingCheck, WhatIsThereThroughoutMustBeListed) {
  EXPECT_EQ(mistakes({write("1", 1, 2)}, {"a"}), 0u);
  EXPECT_EQ(mistakes({write("1", 1, 2)}, {}), 1u);
  EXPECT_EQ(mistakes({write("1", 1, 2), write("2", 12, 13)}, {}), 1u);
  EXPECT_EQ(mistakes({write({}, 1, 2), write("1", 3, 4)}, {}), 1u);
}

TEST(ListingCheck, WhatIsAbsentThroughoutMustNotBeListed) {
  EXPECT_EQ(mistakes({}, {}), 0u);
  EXPECT_EQ(mistakes({}, {"a"}), 1u);
  EXPECT_EQ(mistakes({write("1", 1, 2), write({}, 3, 4)}, {"a"}), 1u);
  EXPECT_EQ(mistakes({write("1", 25, 26)}, {"a"}), 1u);
}

TEST(ListingCheck, WhatChangesMeanwhileOrMayHaveMayBeEither) {
  for (const std::vector<std::string>& keys : {std::vector<std::string>{"a"}, {}}) {
    EXPECT_EQ(mistakes({write("1", 12, 14)}, keys), 0u);
    EXPECT_EQ(mistakes({write("1", 1, 2), write({}, 15, 25)}, keys), 0u);
    EXPECT_EQ(mistakes({write("1", 1, 0)}, keys), 0u);
    EXPECT_EQ(mistakes({write("1", 1, 2), write({}, 3, 0)}, keys), 0u);
  }
}

TEST(ListingCheck, EachKeyComesOnceInOrderAndIsKnown) {
  EXPECT_EQ(mistakes({write("1", 1, 2)}, {"a", "a"}), 1u);
  EXPECT_EQ(mistakes({write("1", 1, 2)}, {"a", "b"}), 1u);
}
