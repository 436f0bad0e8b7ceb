#include "apps/assembly/cluster_files.hpp"

#include "runtime/crypto/cluster_ca.hpp"
#include "runtime/crypto/random.hpp"
#include "tests/unit/apps/temp_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace dunlin;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

namespace {

topology::cluster two_nodes(const temp_folder& folder) {
  topology::cluster made;
  made.options.name = "test";
  made.options.folder = folder / "cluster";
  made.nodes.resize(2);
  made.nodes[0].name = "n1";
  made.nodes[1].name = "n2";
  return made;
}

unsigned mode_of(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 0777;
}

}  // namespace

TEST(ClusterFiles, InitMakesCaBundlesKeysAndTokenForTheirOwnerOnly) {
  temp_folder folder;
  const auto cluster = two_nodes(folder);
  crypto::seeded_random random{1};
  const auto outcome = assembly::init_cluster(cluster, random);
  EXPECT_EQ(outcome.error, "");
  EXPECT_THAT(outcome.made, SizeIs(5));
  EXPECT_TRUE(crypto::load_bundle(assembly::tls_folder(cluster), "n1"));
  EXPECT_TRUE(crypto::load_bundle(assembly::tls_folder(cluster), "n2"));
  const auto keys = assembly::read_credentials(cluster);
  ASSERT_TRUE(keys);
  EXPECT_THAT(keys->access_key, MatchesRegex("[A-Z2-7]*"));
  EXPECT_THAT(keys->access_key, SizeIs(20));
  EXPECT_THAT(keys->secret_key, MatchesRegex("[-_A-Za-z0-9]*"));
  EXPECT_THAT(keys->secret_key, SizeIs(40));
  ASSERT_TRUE(assembly::read_token(cluster));
  EXPECT_THAT(*assembly::read_token(cluster), SizeIs(43));
  EXPECT_EQ(mode_of(assembly::credentials_file(cluster)), 0600u);
  EXPECT_EQ(mode_of(assembly::token_file(cluster)), 0600u);
}

TEST(ClusterFiles, ASecondInitChangesNothing) {
  temp_folder folder;
  const auto cluster = two_nodes(folder);
  crypto::seeded_random random{1};
  assembly::init_cluster(cluster, random);
  const auto keys = temp_folder::read(assembly::credentials_file(cluster));
  const auto token = temp_folder::read(assembly::token_file(cluster));
  const auto key = temp_folder::read(assembly::tls_folder(cluster) + "/n1/key.pem");
  const auto again = assembly::init_cluster(cluster, random);
  EXPECT_EQ(again.error, "");
  EXPECT_THAT(again.made, IsEmpty());
  EXPECT_EQ(temp_folder::read(assembly::credentials_file(cluster)), keys);
  EXPECT_EQ(temp_folder::read(assembly::token_file(cluster)), token);
  EXPECT_EQ(temp_folder::read(assembly::tls_folder(cluster) + "/n1/key.pem"), key);
}

TEST(ClusterFiles, ANodeAddedLaterGetsABundleOfTheSameCa) {
  temp_folder folder;
  auto cluster = two_nodes(folder);
  crypto::seeded_random random{1};
  assembly::init_cluster(cluster, random);
  const auto ca = temp_folder::read(assembly::tls_folder(cluster) + "/n1/ca.pem");
  cluster.nodes.emplace_back().name = "n3";
  EXPECT_THAT(assembly::init_cluster(cluster, random).made, SizeIs(1));
  EXPECT_EQ(temp_folder::read(assembly::tls_folder(cluster) + "/n3/ca.pem"), ca);
}

TEST(ClusterFiles, NoSecondCaIsMadeBesideTheBundlesOfTheFirst) {
  temp_folder folder;
  auto cluster = two_nodes(folder);
  crypto::seeded_random random{1};
  assembly::init_cluster(cluster, random);
  std::filesystem::remove_all(assembly::tls_folder(cluster) + "/ca");
  EXPECT_EQ(assembly::init_cluster(cluster, random).error, "") << "nothing lacks";
  cluster.nodes.emplace_back().name = "n3";
  EXPECT_THAT(assembly::init_cluster(cluster, random).error,
              ::testing::HasSubstr("run init where the CA's key is"));
  EXPECT_FALSE(std::filesystem::exists(assembly::tls_folder(cluster) + "/ca"));
}

TEST(ClusterFiles, ABundleThatDoesNotFitIsShownNotReplaced) {
  temp_folder folder;
  const auto cluster = two_nodes(folder);
  crypto::seeded_random random{1};
  assembly::init_cluster(cluster, random);
  const auto key = assembly::tls_folder(cluster) + "/n2/key.pem";
  std::ofstream{key} << "not a key";
  EXPECT_THAT(assembly::init_cluster(cluster, random).error,
              ::testing::HasSubstr("tls/n2 is incomplete"));
  EXPECT_EQ(temp_folder::read(key), "not a key");
}

TEST(ClusterFiles, AFolderThatCannotBeMadeIsASentence) {
  temp_folder folder;
  auto cluster = two_nodes(folder);
  cluster.options.folder = folder.write("a-file", "") + "/below";
  crypto::seeded_random random{1};
  EXPECT_THAT(assembly::init_cluster(cluster, random).error, ::testing::HasSubstr("cannot "));
}

TEST(ClusterFiles, CredentialsReadBackAsWritten) {
  const auto read = assembly::parse_credentials(assembly::render({"AKID", "s3cret"}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->access_key, "AKID");
  EXPECT_EQ(read->secret_key, "s3cret");
}

TEST(ClusterFiles, CredentialsWithoutBothKeysAreDamaged) {
  for (const auto* text : {"", "[default]", "aws_access_key_id = x\n",
                           "aws_access_key_id =\naws_secret_access_key = y"})
    EXPECT_EQ(assembly::parse_credentials(text).error(), ec::damaged) << text;
}

TEST(ClusterFiles, BeforeInitThereIsNothing) {
  temp_folder folder;
  EXPECT_EQ(assembly::read_credentials(two_nodes(folder)).error(), ec::not_found);
  EXPECT_EQ(assembly::read_token(two_nodes(folder)).error(), ec::not_found);
}
