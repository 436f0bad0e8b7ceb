#include "tests/unit/partition/machine/machine_fixture.hpp"

#include <set>

using namespace dunlin;
using namespace dunlin::testing_machine;

struct Listing : machine_test {
  void fill(const std::vector<std::string>& keys) {
    for (const auto& key : keys)
      run(put(key, 0, 0));
  }
  static std::vector<std::string> shown(const v1::QueryReply& reply) {
    std::vector<std::string> names;
    for (const auto& object : reply.objects())
      names.push_back(object.key());
    for (const auto& prefix : reply.common_prefixes())
      names.push_back("<" + prefix + ">");
    return names;
  }
  using names = std::vector<std::string>;
};

TEST_F(Listing, IsInOrderOfBytesAndWithinThePrefix) {
  fill({"b", "a", "ab", "\xc3\xa4", "a/b", std::string("a\0", 2)});
  EXPECT_EQ(shown(list()), (names{"a", std::string("a\0", 2), "a/b", "ab", "b", "\xc3\xa4"}));
  EXPECT_EQ(shown(list("a")), (names{"a", std::string("a\0", 2), "a/b", "ab"}));
}

TEST_F(Listing, RollsKeysUpToTheDelimiterBehindThePrefix) {
  fill({"x", "d/1", "d/2", "d/e/3", "f/4"});
  EXPECT_EQ(shown(list("", "/")), (names{"x", "<d/>", "<f/>"}));
  EXPECT_EQ(shown(list("d/", "/")), (names{"d/1", "d/2", "<d/e/>"}));
  EXPECT_EQ(shown(list("d", "/")), (names{"<d/>"}));
  EXPECT_EQ(shown(list("", "/e/")), (names{"d/1", "d/2", "f/4", "x", "<d/e/>"}));
}

TEST_F(Listing, SeeksPastACommonPrefixInsteadOfReadingIt) {
  for (int i = 0; i < 2000; ++i)
    run(put("deep/" + std::to_string(i), 0, 0));
  fill({"z"});
  store.reads = 0;
  EXPECT_EQ(shown(list("", "/")), (names{"z", "<deep/>"}));
  EXPECT_LT(store.reads, 10u);
}

TEST_F(Listing, GoesOnAfterAKeyOrACommonPrefixAndNeverShowsOneTwice) {
  fill({"a", "b/1", "b/2", "c", "d/1", "e"});
  std::vector<std::string> all;
  std::string after;
  for (bool more = true; more;) {
    const auto page = list("", "/", after, 1);
    for (const auto& name : shown(page))
      all.push_back(name);
    after = page.next_after();
    more = page.truncated();
  }
  EXPECT_EQ(all, (names{"a", "<b/>", "c", "<d/>", "e"}));
}

TEST_F(Listing, StartingInsideACommonPrefixPassesItOver) {
  fill({"b/1", "b/2", "c"});
  EXPECT_EQ(shown(list("", "/", "b/1")), (names{"c"}));
  EXPECT_EQ(shown(list("", "", "b/1")), (names{"b/2", "c"}));
}

TEST_F(Listing, IsTruncatedOnlyIfSomethingFollows) {
  fill({"a", "b"});
  EXPECT_TRUE(list("", "", "", 1).truncated());
  EXPECT_FALSE(list("", "", "", 2).truncated());
  EXPECT_FALSE(list("", "", "a", 1).truncated());
  EXPECT_FALSE(list("", "", "", 0).truncated());
  EXPECT_EQ(list("", "", "", 0).objects_size(), 0);
}

TEST_F(Listing, OfManyLongKeysIsBoundedInBytesAndGoesOn) {
  for (int i = 0; i < 900; ++i)
    run(put(std::string(1000, 'k') + std::to_string(i), 0, 0));
  std::set<std::string> seen;
  std::string after;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    const auto page = list("", "", after);
    EXPECT_LT(page.ByteSizeLong(), 700u << 10);
    for (const auto& object : page.objects())
      seen.insert(object.key());
    after = page.next_after();
    more = page.truncated();
  }
  EXPECT_EQ(seen.size(), 900u);
  EXPECT_GT(pages, 1);
}

TEST_F(Listing, NeverShowsAnotherBucketsKeys) {
  fill({"a"});
  auto other = put("b", 9);
  other.mutable_put_object()->set_bucket_id(id16(1));
  run(other);
  EXPECT_EQ(shown(list()), (names{"a"}));
}

struct UploadListing : Listing {
  v1::QueryReply uploads(const std::string& prefix, const std::string& delimiter,
                         const std::string& key_marker = {}, const std::string& id_marker = {},
                         std::uint32_t items = 1000) {
    v1::PartitionQuery query;
    auto& wish = *query.mutable_list_uploads();
    wish.set_bucket_id(bucket);
    wish.set_prefix(prefix);
    wish.set_delimiter(delimiter);
    wish.set_key_marker(key_marker);
    wish.set_upload_id_marker(id_marker);
    wish.set_items_max(items);
    return ask(query);
  }
};

TEST_F(UploadListing, GoesOnWithinTheUploadsOfOneKey) {
  for (std::uint64_t upload = 1; upload <= 3; ++upload)
    run(create_upload("k", upload));
  run(create_upload("l", 4));
  auto page = uploads("", "", "", "", 2);
  ASSERT_EQ(page.uploads_size(), 2);
  EXPECT_TRUE(page.truncated());
  page = uploads("", "", page.next_after(), page.next_upload_id(), 2);
  ASSERT_EQ(page.uploads_size(), 2);
  EXPECT_EQ(page.uploads(0).record().upload_id(), id16(3));
  EXPECT_EQ(page.uploads(1).key(), "l");
  EXPECT_FALSE(page.truncated());
  EXPECT_EQ(uploads("", "", "k").uploads_size(), 1);
}

TEST_F(UploadListing, RollsUpLikeObjects) {
  run_all({create_upload("d/1", 1), create_upload("d/2", 2), create_upload("e", 3)});
  const auto page = uploads("", "/");
  EXPECT_EQ(page.uploads_size(), 1);
  ASSERT_EQ(page.common_prefixes_size(), 1);
  EXPECT_EQ(page.common_prefixes(0), "d/");
}

TEST_F(UploadListing, AnUploadIsFoundByItsId) {
  run(create_upload("k", 5));
  v1::PartitionQuery query;
  query.mutable_get_upload()->set_bucket_id(bucket);
  query.mutable_get_upload()->set_key("k");
  query.mutable_get_upload()->set_upload_id(id16(5));
  EXPECT_EQ(ask(query).upload().initiated_ms(), now_ms);
  query.mutable_get_upload()->set_upload_id(id16(6));
  EXPECT_EQ(ask(query).status(), status::NO_SUCH_UPLOAD);
}
