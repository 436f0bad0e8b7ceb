/// Users and access keys of the root partition (Q16, docs/decisions/0012).
#include "tests/unit/partition/machine/root_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

struct Users : seeded_root {
  std::vector<std::string> keys_of(const std::string& user) {
    std::vector<std::string> names;
    const auto reply = get_user(user);
    for (const auto& key : reply.access_keys())
      names.push_back(key.access_key());
    return names;
  }
  v1::CachedUser cached_user(const std::string& key) {
    const auto now = machine->current(cached::user, key);
    return now && now->record ? now->record->user() : v1::CachedUser{};
  }
  using names = std::vector<std::string>;
};

TEST_F(Users, AreMadeOnceAndListedInOrderAndInPages) {
  const auto made = run(create_user("bob"));
  EXPECT_EQ(made.status(), status::OK);
  EXPECT_EQ(made.user().name(), "bob");
  EXPECT_EQ(made.user().created_ms(), now_ms);
  EXPECT_EQ(made.user().tick(), made.tick());
  const auto again = run(create_user("bob"));
  EXPECT_EQ(again.status(), status::ALREADY_EXISTS);
  EXPECT_EQ(again.user().name(), "bob");
  run(create_user("ann"));
  const auto page = list_users({}, 2);
  ASSERT_EQ(page.users_size(), 2);
  EXPECT_EQ(page.users(0).name(), "ann");
  EXPECT_TRUE(page.truncated());
  const auto rest = list_users(page.next_after(), 2);
  ASSERT_EQ(rest.users_size(), 1);
  EXPECT_EQ(rest.users(0).name(), "root");
  EXPECT_FALSE(rest.truncated());
}

TEST_F(Users, NamesThatCouldBeMistakenAreRefused) {
  for (const std::string name : {"", "a/b", "a b", "\x7f"})
    EXPECT_EQ(status_of(create_user(name)), status::INVALID) << name;
  EXPECT_EQ(status_of(create_user(std::string(129, 'a'))), status::INVALID);
  EXPECT_EQ(status_of(create_user(std::string(128, 'a'))), status::OK);
  run(create_user("ann"));
  for (const std::string key : {"", "a/b", "a b"})
    EXPECT_EQ(status_of(create_key("ann", key)), status::INVALID) << key;
  auto bare = create_key("ann", "AK");
  bare.mutable_create_access_key()->clear_secret();
  EXPECT_EQ(status_of(bare), status::INVALID);
}

TEST_F(Users, EveryChangeAnnouncesAllKeysOfTheUserWithTheTickOfTheirItem) {
  run_all({create_user("ann"), create_user("bob"), create_key("bob", "B")});
  EXPECT_EQ(news(), (announced{{"user", "B"}}));
  run(create_key("ann", "A1"));
  EXPECT_EQ(news(), (announced{{"user", "A1"}}));
  const auto made = run(create_key("ann", "A2"));
  EXPECT_EQ(made.access_key().secret(), "secret-of-A2");
  EXPECT_EQ(made.user().name(), "ann");
  EXPECT_EQ(made.tick(), made.access_key().tick());
  EXPECT_GT(made.tick(), made.user().tick());
  for (const auto& row : machine->outbox(made.user().tick(), 10)) {
    const auto now = machine->current(row.type(), row.key());
    ASSERT_TRUE(now && now->record);
    EXPECT_EQ(now->tick, row.tick());
    EXPECT_EQ(now->record->user().user().tick(), made.user().tick());
  }
  EXPECT_EQ(news(), (announced{{"user", "A1"}, {"user", "A2"}}));
}

TEST_F(Users, ARevokedKeyIsAnnouncedAndMayComeBack) {
  run_all({create_user("ann"), create_key("ann", "A1"), create_key("ann", "A2")});
  news();
  const auto revoked = run(set_key("ann", "A1", true));
  EXPECT_EQ(revoked.status(), status::OK);
  EXPECT_TRUE(revoked.access_key().revoked());
  EXPECT_TRUE(cached_user("A1").key().revoked());
  EXPECT_FALSE(cached_user("A2").key().revoked());
  EXPECT_EQ(news(), (announced{{"user", "A1"}, {"user", "A2"}}));
  // Once more says nothing new.
  EXPECT_EQ(run(set_key("ann", "A1", true)).tick(), revoked.tick());
  EXPECT_EQ(news(), announced{});
  EXPECT_FALSE(run(set_key("ann", "A1", false)).access_key().revoked());
}

TEST_F(Users, ADeletedKeyIsAnnouncedAsGone) {
  run_all({create_user("ann"), create_key("ann", "A1"), create_key("ann", "A2")});
  news();
  const auto gone = run(delete_key("ann", "A1"));
  EXPECT_EQ(gone.status(), status::OK);
  EXPECT_FALSE(gone.has_access_key());
  EXPECT_EQ(news(), (announced{{"user", "A1"}, {"user", "A2"}}));
  const auto now = machine->current(cached::user, "A1");
  ASSERT_TRUE(now);
  EXPECT_FALSE(now->record);
  EXPECT_EQ(keys_of("ann"), (names{"A2"}));
  EXPECT_EQ(status_of(delete_key("ann", "A1")), status::NO_SUCH_KEY);
}

TEST_F(Users, AKeyOfOneUserIsNoneOfAnothers) {
  run_all({create_user("ann"), create_user("bob"), create_key("ann", "A")});
  EXPECT_EQ(status_of(set_key("bob", "A", true)), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(delete_key("bob", "A")), status::NO_SUCH_KEY);
  const auto taken = run(create_key("bob", "A"));
  EXPECT_EQ(taken.status(), status::ALREADY_EXISTS);
  EXPECT_FALSE(taken.has_access_key());
  EXPECT_EQ(keys_of("ann"), (names{"A"}));
  // "an" is the beginning of "ann", not its owner.
  run(create_user("an"));
  EXPECT_EQ(keys_of("an"), names{});
}

TEST_F(Users, HaveEightKeysAtMost) {
  run(create_user("ann"));
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(status_of(create_key("ann", "A" + std::to_string(i))), status::OK);
  EXPECT_EQ(status_of(create_key("ann", "A8")), status::TOO_MANY_OPEN);
  run(delete_key("ann", "A3"));
  EXPECT_EQ(status_of(create_key("ann", "A8")), status::OK);
}

TEST_F(Users, GoOnlyWhenNothingDependsOnThem) {
  run_all({create_user("ann"), create_key("ann", "A"), put_policy("", "p", "{}"),
           attach("ann", "p"), put_policy("ann", "own", "{}"), create_bucket("b", 1, "ann")});
  const std::vector<v1::Command> steps{delete_key("ann", "A"), attach("ann", "p", true),
                                       delete_policy("ann", "own")};
  for (const auto& step : steps) {
    EXPECT_EQ(status_of(delete_user("ann")), status::IN_USE);
    EXPECT_EQ(status_of(step), status::OK);
  }
  EXPECT_EQ(status_of(delete_user("ann")), status::IN_USE) << "the bucket";
  v1::Command removal;
  removal.mutable_end_delete_bucket()->set_name("b");
  removal.mutable_end_delete_bucket()->set_id(id16(1));
  removal.mutable_end_delete_bucket()->set_removed(true);
  run(removal);
  news();
  EXPECT_EQ(status_of(delete_user("ann")), status::OK);
  EXPECT_EQ(news(), announced{});
  EXPECT_EQ(get_user("ann").status(), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(delete_user("ann")), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(create_key("ann", "A")), status::NO_SUCH_KEY);
}

TEST_F(Users, WhoIsGoneCannotOwnABucketForWhoeverGetsTheNameNext) {
  run_all({create_user("ann"), delete_user("ann")});
  EXPECT_EQ(status_of(create_bucket("b", 1, "ann")), status::NO_SUCH_KEY);
  run(create_user("ann"));
  EXPECT_EQ(status_of(create_bucket("b", 1, "ann")), status::OK);
}

TEST_F(Users, TheRootUserKeepsAWayIn) {
  EXPECT_EQ(status_of(delete_user("root")), status::IN_USE);
  EXPECT_EQ(status_of(set_key("root", "AKROOT", true)), status::IN_USE);
  EXPECT_EQ(status_of(delete_key("root", "AKROOT")), status::IN_USE);
  run(create_key("root", "AK2"));
  EXPECT_EQ(status_of(set_key("root", "AKROOT", true)), status::OK);
  EXPECT_EQ(status_of(delete_key("root", "AK2")), status::IN_USE) << "the last active one";
  EXPECT_EQ(status_of(delete_key("root", "AKROOT")), status::OK);
  EXPECT_EQ(keys_of("root"), (names{"AK2"}));
}

TEST_F(Users, TheKeyOfTheSeedIsFoundThoughNothingIndexedIt) {
  EXPECT_TRUE(store.of(table::user_keys).empty());
  EXPECT_EQ(keys_of("root"), (names{"AKROOT"}));
  EXPECT_EQ(keys_of("ann"), names{});
  run_all({create_user("ann"), create_key("ann", "A")});
  EXPECT_EQ(keys_of("root"), (names{"AKROOT"}));
  EXPECT_EQ(keys_of("ann"), (names{"A"}));
  EXPECT_EQ(store.of(table::user_keys).size(), 2u);
  news();
  run(create_key("root", "AK2"));
  EXPECT_EQ(news(), (announced{{"user", "AK2"}, {"user", "AKROOT"}}));
}

TEST_F(Users, AreTenThousandAtMost) {
  for (int i = 1; i < 10'000; ++i)  // and root
    ASSERT_EQ(status_of(create_user("u" + std::to_string(i))), status::OK);
  EXPECT_EQ(status_of(create_user("one-more")), status::TOO_MANY_OPEN);
  restart();
  EXPECT_EQ(status_of(delete_user("u7")), status::OK);
  EXPECT_EQ(status_of(create_user("one-more")), status::OK);
  EXPECT_EQ(status_of(create_user("yet-one")), status::TOO_MANY_OPEN);
}

TEST_F(Users, ARepeatedCommandAnswersWithWhatThereIsNow) {
  run(open_client());
  run(stamped(create_user("ann"), 1));
  const auto made = run(stamped(create_key("ann", "A"), 2));
  auto again = run(stamped(create_key("ann", "A"), 2));
  EXPECT_EQ(again.SerializeAsString(), made.SerializeAsString());
  run(stamped(set_key("ann", "A", true), 3));
  again = run(stamped(create_key("ann", "A"), 2));
  EXPECT_EQ(again.tick(), made.tick());
  EXPECT_TRUE(again.access_key().revoked());
  run(stamped(delete_key("ann", "A"), 4));
  EXPECT_FALSE(run(stamped(set_key("ann", "A", true), 3)).has_access_key());
}

struct NoRoot : machine_test {};

TEST_F(NoRoot, KnowsNoUsers) {
  for (const auto& command :
       {create_user("a"), delete_user("a"), create_key("a", "A"), set_key("a", "A", true),
        delete_key("a", "A"), put_policy("", "p", "{}"), delete_policy("", "p"), attach("a", "p"),
        put_bucket_policy("b", 1, "{}")})
    EXPECT_EQ(run(command).status(), status::WRONG_PARTITION);
  v1::PartitionQuery query;
  query.mutable_get_user();
  EXPECT_EQ(ask(query).status(), status::WRONG_PARTITION);
  query.mutable_list_policies()->set_items_max(1);
  EXPECT_EQ(ask(query).status(), status::WRONG_PARTITION);
}

}  // namespace
