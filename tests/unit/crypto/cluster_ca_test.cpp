#include "runtime/crypto/cluster_ca.hpp"

#include "runtime/crypto/pem_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

using namespace dunlin;
using namespace dunlin::crypto;
namespace fs = std::filesystem;

struct ClusterCa : testing::Test {
  ClusterCa() {
    char pattern[] = "/tmp/dunlin-ca-XXXXXX";
    folder = ::mkdtemp(pattern);
  }
  ~ClusterCa() override { fs::remove_all(folder); }

  static int mode(const std::string& path) {
    struct stat found {};
    ::stat(path.c_str(), &found);
    return found.st_mode & 0777;
  }

  std::string folder;
};

TEST_F(ClusterCa, GivesEachNodeAWholeBundleThatOthersCannotRead) {
  auto ca = cluster_ca::create(folder, "test");
  ASSERT_TRUE(ca);
  ASSERT_TRUE(ca->write_bundle("n1"));
  ASSERT_TRUE(load_bundle(folder, "n1"));
  for (const auto* file :
       {"/ca/key.pem", "/ca/certificate.pem", "/n1/key.pem", "/n1/ca.pem", "/n1/certificate.pem"})
    EXPECT_EQ(mode(folder + file), 0600) << file;
  EXPECT_EQ(mode(folder + "/n1"), 0700);
}

TEST_F(ClusterCa, IssuesMoreBundlesAfterItWasLoaded) {
  ASSERT_TRUE(cluster_ca::create(folder, "test"));
  auto ca = cluster_ca::load(folder);
  ASSERT_TRUE(ca);
  const auto made = ca->issue("n9");
  ASSERT_TRUE(made);
  const auto identity = make_identity(*made);
  ASSERT_TRUE(identity);
  EXPECT_EQ(certificate_name((*identity)->certificate()).value(), "n9");
}

TEST_F(ClusterCa, IsNeverReplaced) {
  ASSERT_TRUE(cluster_ca::create(folder, "test"));
  EXPECT_EQ(cluster_ca::create(folder, "test").error(), ec::already_exists);
}

TEST_F(ClusterCa, TellsMissingFromDamaged) {
  EXPECT_EQ(cluster_ca::load(folder).error(), ec::not_found);
  EXPECT_EQ(load_bundle(folder, "n1").error(), ec::not_found);
  auto ca = cluster_ca::create(folder, "test");
  ASSERT_TRUE(ca->write_bundle("n1"));
  ASSERT_TRUE(ca->write_bundle("n2"));
  fs::copy_file(folder + "/n2/key.pem", folder + "/n1/key.pem",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(load_bundle(folder, "n1").error(), ec::damaged);
  ASSERT_TRUE(write_secret_file(folder + "/n2/certificate.pem", "garbage"));
  EXPECT_EQ(load_bundle(folder, "n2").error(), ec::damaged);
}

TEST_F(ClusterCa, RefusesABundleThatNamesAnotherNode) {
  auto ca = cluster_ca::create(folder, "test");
  ASSERT_TRUE(ca->write_bundle("n1"));
  fs::rename(folder + "/n1", folder + "/n2");
  EXPECT_EQ(load_bundle(folder, "n2").error(), ec::damaged);
}

TEST_F(ClusterCa, RefusesNamesThatAreNoFileOrDnsNames) {
  auto ca = cluster_ca::create(folder, "test");
  for (const auto* bad : {"", "ca", "../x", "a/b", "a,DNS:b", "-a", ".a", "a b", "a\n"})
    EXPECT_EQ(ca->issue(bad).error(), ec::invalid_argument) << bad;
  EXPECT_FALSE(ca->issue(std::string(64, 'a')).has_value());
}

struct Identity : ClusterCa {
  Identity() : ca(cluster_ca::create(folder, "test").value()) {}
  std::shared_ptr<links::identity> of(const node_id& name) const {
    return make_identity(ca.issue(name).value()).value();
  }
  cluster_ca ca;
};

TEST_F(Identity, BelievesAPeerOfTheSameCluster) {
  auto n1 = of("n1");
  auto n2 = of("n2");
  EXPECT_TRUE(n1->verify(n2->certificate(), "n2", "hello", n2->sign("hello")));
}

TEST_F(Identity, RefusesAnotherNameOtherBytesAndAnotherKey) {
  auto n1 = of("n1");
  auto n2 = of("n2");
  auto n3 = of("n3");
  EXPECT_EQ(n1->verify(n2->certificate(), "n3", "hello", n2->sign("hello")).error(), ec::refused);
  EXPECT_EQ(n1->verify(n2->certificate(), "n2", "hallo", n2->sign("hello")).error(), ec::refused);
  EXPECT_EQ(n1->verify(n2->certificate(), "n2", "hello", n3->sign("hello")).error(), ec::refused);
  EXPECT_EQ(n1->verify(n2->certificate(), "n2", "hello", "").error(), ec::refused);
}

TEST_F(Identity, RefusesACertificateOfAnotherCluster) {
  auto other = cluster_ca::create(folder + "/other", "test").value();
  auto stranger = make_identity(other.issue("n2").value()).value();
  EXPECT_EQ(of("n1")->verify(stranger->certificate(), "n2", "x", stranger->sign("x")).error(),
            ec::refused);
}

TEST_F(Identity, RefusesTheAuthorityItselfAndGarbage) {
  EXPECT_EQ(of("n1")->verify("garbage", "n2", "x", "y").error(), ec::bad_message);
  EXPECT_EQ(of("n1")->verify("", "n2", "x", "y").error(), ec::bad_message);
}
