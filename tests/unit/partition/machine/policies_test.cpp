/// Policies of users, managed policies and those of buckets (Q16, docs/decisions/0012).
#include "tests/unit/partition/machine/root_fixture.hpp"

using namespace dunlin;
using namespace dunlin::testing_machine;

namespace {

struct Policies : seeded_root {
  Policies() {
    run_all({create_user("ann"), create_key("ann", "A")});
    news();
  }
  std::optional<v1::PolicyRecord> cached_policy(const std::string& key) {
    const auto now = machine->current(cached::policy, key);
    if (!now || !now->record) return std::nullopt;
    return now->record->policy();
  }
};

TEST_F(Policies, ADocumentIsReplacedUnderItsOwnKeyAlone) {
  const auto made = run(put_policy("", "p", "{1}"));
  EXPECT_EQ(made.status(), status::OK);
  EXPECT_EQ(made.policy().version(), 1u);
  EXPECT_EQ(made.tick(), made.policy().tick());
  EXPECT_EQ(news(), (announced{{"policy", "p"}}));
  run(attach("ann", "p"));
  news();
  now_ms += 5;
  const auto next = run(put_policy("", "p", "{2}"));
  EXPECT_EQ(next.policy().version(), 2u);
  EXPECT_EQ(next.policy().created_ms(), now_ms - 5);
  EXPECT_EQ(next.policy().changed_ms(), now_ms);
  EXPECT_EQ(next.policy().attachments(), 1u);
  EXPECT_EQ(news(), (announced{{"policy", "p"}}));
  EXPECT_EQ(cached_policy("p")->document(), "{2}");
}

TEST_F(Policies, WhoMakesOneMaySayWhetherItIsThere) {
  EXPECT_EQ(status_of(put_policy("", "p", "{}", must::REPLACE)), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(put_policy("", "p", "{}", must::CREATE)), status::OK);
  const auto again = run(put_policy("", "p", "{2}", must::CREATE));
  EXPECT_EQ(again.status(), status::ALREADY_EXISTS);
  EXPECT_EQ(again.policy().document(), "{}");
  EXPECT_EQ(status_of(put_policy("", "p", "{3}", must::REPLACE)), status::OK);
}

TEST_F(Policies, BoundsAreKept) {
  EXPECT_EQ(status_of(put_policy("", "p", std::string(6145, ' '))), status::INVALID);
  EXPECT_EQ(status_of(put_policy("", "p", "")), status::INVALID);
  for (const std::string name : {"", "a/b", "ann/own", "a b"})
    EXPECT_EQ(status_of(put_policy("", name, "{}")), status::INVALID) << name;
  EXPECT_EQ(status_of(put_policy("", std::string(129, 'p'), "{}")), status::INVALID);
  auto described = put_policy("", "p", std::string(6144, ' '));
  described.mutable_put_policy()->set_description(std::string(1001, 'd'));
  EXPECT_EQ(status_of(described), status::INVALID);
  described.mutable_put_policy()->mutable_description()->pop_back();
  EXPECT_EQ(status_of(described), status::OK);
  EXPECT_EQ(status_of(put_policy("bob", "p", "{}")), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(put_policy("root", "p", "{}")), status::INVALID);
  EXPECT_EQ(status_of(attach("root", "p")), status::INVALID);
}

TEST_F(Policies, AUsersOwnComeAndGoWithNewsOfItsKeys) {
  const auto made = run(put_policy("ann", "own", "{1}"));
  ASSERT_EQ(made.user().inline_policies_size(), 1);
  EXPECT_EQ(made.user().inline_policies(0), "own");
  EXPECT_EQ(news(), (announced{{"policy", "ann/own"}, {"user", "A"}}));
  run(put_policy("ann", "own", "{2}"));
  EXPECT_EQ(news(), (announced{{"policy", "ann/own"}}));
  EXPECT_EQ(get_policy("ann", "own").policies(0).document(), "{2}");
  EXPECT_EQ(get_policy("", "own").status(), status::NO_SUCH_KEY);
  EXPECT_EQ(get_policy("", "ann/own").status(), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(delete_policy("", "ann/own")), status::INVALID);
  const auto gone = run(delete_policy("ann", "own"));
  EXPECT_EQ(gone.user().inline_policies_size(), 0);
  EXPECT_EQ(news(), (announced{{"user", "A"}, {"policy", "ann/own"}}));
  EXPECT_FALSE(cached_policy("ann/own"));
}

TEST_F(Policies, AUserHasTenOfItsOwnAndTenAttached) {
  for (int i = 10; i > 0; --i) {
    const auto name = "p" + std::to_string(i);
    EXPECT_EQ(status_of(put_policy("ann", name, "{}")), status::OK);
    EXPECT_EQ(status_of(put_policy("", name, "{}")), status::OK);
    EXPECT_EQ(status_of(attach("ann", name)), status::OK);
  }
  run(put_policy("", "one-more", "{}"));
  EXPECT_EQ(status_of(put_policy("ann", "one-more", "{}")), status::TOO_MANY_OPEN);
  EXPECT_EQ(status_of(attach("ann", "one-more")), status::TOO_MANY_OPEN);
  EXPECT_EQ(status_of(put_policy("ann", "p3", "{new}")), status::OK) << "none more than before";
  const auto user = get_user("ann").user();
  EXPECT_TRUE(std::is_sorted(user.attached().begin(), user.attached().end()));
  EXPECT_TRUE(std::is_sorted(user.inline_policies().begin(), user.inline_policies().end()));
}

TEST_F(Policies, AttachingIsAChangeOfUserAndPolicyAndTwiceIsOnce) {
  run(put_policy("", "p", "{}"));
  news();
  const auto done = run(attach("ann", "p"));
  EXPECT_EQ(done.status(), status::OK);
  EXPECT_EQ(done.user().attached(0), "p");
  EXPECT_EQ(done.policy().attachments(), 1u);
  EXPECT_EQ(news(), (announced{{"policy", "p"}, {"user", "A"}}));
  EXPECT_EQ(run(attach("ann", "p")).tick(), done.user().tick());
  EXPECT_EQ(news(), announced{});
  EXPECT_EQ(status_of(delete_policy("", "p")), status::IN_USE);
  EXPECT_EQ(run(attach("ann", "p", true)).policy().attachments(), 0u);
  EXPECT_EQ(news(), (announced{{"policy", "p"}, {"user", "A"}}));
  EXPECT_EQ(status_of(attach("ann", "p", true)), status::NO_SUCH_KEY);
  EXPECT_EQ(status_of(delete_policy("", "p")), status::OK);
  EXPECT_EQ(news(), (announced{{"policy", "p"}}));
  EXPECT_EQ(status_of(attach("ann", "p")), status::NO_SUCH_KEY);
}

TEST_F(Policies, AListingShowsManagedOnesOnlyInPages) {
  run_all({put_policy("ann", "x", "{}"), put_policy("ann", "y", "{}"), put_policy("", "ann", "{}"),
           put_policy("", "ann-2", "{}"), put_policy("", "z", "{}"), create_user("zoe"),
           put_policy("zoe", "q", "{}")});
  std::vector<std::string> seen;
  std::string after;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = list_policies(after, 1);
    for (const auto& policy : page.policies())
      seen.push_back(policy.name());
    if (!page.truncated()) break;
    after = page.next_after();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"ann", "ann-2", "z"}));
  EXPECT_EQ(list_policies().policies_size(), 3);
}

TEST_F(Policies, AListingStepsOverThePoliciesOfManyUsersInBoundedPieces) {
  for (int i = 0; i < 2500; ++i)
    run_all(
        {create_user("u" + std::to_string(i)), put_policy("u" + std::to_string(i), "own", "{}")});
  run(put_policy("", "z", "{}"));
  const auto first = list_policies();
  EXPECT_TRUE(first.truncated());
  EXPECT_EQ(first.policies_size(), 0);
  const auto second = list_policies(first.next_after());
  EXPECT_TRUE(second.truncated());
  const auto third = list_policies(second.next_after());
  EXPECT_FALSE(third.truncated());
  ASSERT_EQ(third.policies_size(), 1);
}

TEST_F(Policies, ManagedOnesAreTenThousandAtMostWhateverUsersHave) {
  run(put_policy("ann", "own", "{}"));
  for (int i = 0; i < 10'000; ++i)
    ASSERT_EQ(status_of(put_policy("", "p" + std::to_string(i), "{}")), status::OK);
  EXPECT_EQ(status_of(put_policy("", "one-more", "{}")), status::TOO_MANY_OPEN);
  EXPECT_EQ(status_of(put_policy("ann", "second", "{}")), status::OK);
  run(delete_policy("", "p5"));
  EXPECT_EQ(status_of(put_policy("", "one-more", "{}")), status::OK);
}

TEST_F(Policies, OfABucketAreAChangeOfIt) {
  run(create_bucket("b", 1, "ann"));
  news();
  const auto done = run(put_bucket_policy("b", 1, "{}"));
  EXPECT_EQ(done.status(), status::OK);
  EXPECT_EQ(done.bucket().policy(), "{}");
  EXPECT_EQ(news(), (announced{{"bucket", "b"}}));
  EXPECT_EQ(run(put_bucket_policy("b", 1, "{}")).tick(), done.tick());
  EXPECT_EQ(news(), announced{});
  EXPECT_EQ(status_of(put_bucket_policy("b", 2, "{}")), status::NO_SUCH_BUCKET);
  EXPECT_EQ(status_of(put_bucket_policy("c", 1, "{}")), status::NO_SUCH_BUCKET);
  EXPECT_EQ(status_of(put_bucket_policy("b", 1, std::string((20 << 10) + 1, ' '))),
            status::INVALID);
  EXPECT_EQ(status_of(put_bucket_policy("b", 1, std::string(20 << 10, ' '))), status::OK);
  EXPECT_FALSE(machine->current(cached::bucket, "b")) << "too large to be sent along";
  EXPECT_EQ(run(put_bucket_policy("b", 1, "")).bucket().policy(), "");
}

TEST_F(Policies, ARepeatedCommandAnswersWithWhatThereIsNow) {
  run(open_client());
  const auto made = run(stamped(put_policy("ann", "own", "{1}"), 1));
  EXPECT_EQ(run(stamped(put_policy("ann", "own", "{1}"), 1)).SerializeAsString(),
            made.SerializeAsString());
  run(stamped(put_policy("ann", "own", "{2}"), 2));
  const auto again = run(stamped(put_policy("ann", "own", "{1}"), 1));
  EXPECT_EQ(again.tick(), made.tick());
  EXPECT_EQ(again.policy().version(), 2u);
}

}  // namespace
