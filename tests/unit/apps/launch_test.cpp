#include "apps/dunlin/launch.hpp"

#include "tests/unit/apps/temp_folder.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace dunlin;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

topology::cluster one_node(const temp_folder& folder) {
  topology::cluster made;
  made.file = folder / "t.toml";
  made.options.folder = folder.path();
  auto& node = made.nodes.emplace_back();
  node.name = "n1";
  node.folder = folder / "n1";
  std::filesystem::create_directory(folder / "run");
  return made;
}

/// A listening socket on a free port.
struct listener {
  int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  topology::endpoint where{"127.0.0.1", 0};
  listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket, 1), 0);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    where.port = ntohs(address.sin_port);
  }
  ~listener() { ::close(socket); }
};

}  // namespace

TEST(Launch, RunsEachNodeAsItsOwnCommand) {
  temp_folder folder;
  const auto options = commands::supervision_of(one_node(folder), "/bin/dunlin", false);
  EXPECT_FALSE(options.restart);
  ASSERT_EQ(options.children.size(), 1u);
  EXPECT_THAT(options.children[0].command,
              ElementsAre("/bin/dunlin", "node", folder / "t.toml", "n1"));
  EXPECT_EQ(options.children[0].log, folder / "n1/log");
}

TEST(Launch, APidFileOfSomebodyElseIsNotOurs) {
  temp_folder folder;
  const auto cluster = one_node(folder);
  EXPECT_THAT(commands::running_processes(cluster), IsEmpty());
  commands::write_pid_file(commands::supervisor_pid_file(cluster), *commands::identify(::getpid()));
  EXPECT_THAT(commands::running_processes(cluster), IsEmpty()) << "this test is no `dunlin up`";
}

TEST(Launch, OnlyOneHoldsACluster) {
  temp_folder folder;
  const auto cluster = one_node(folder);
  const auto held = commands::lock_cluster(cluster);
  EXPECT_GE(held, 0);
  EXPECT_EQ(commands::lock_cluster(cluster), -1);
  ::close(held);
  const auto again = commands::lock_cluster(cluster);
  EXPECT_GE(again, 0);
  ::close(again);
}

TEST(Launch, NamesTheAddressesThatCannotBeUsed) {
  temp_folder folder;
  auto cluster = one_node(folder);
  listener taken, other;
  cluster.nodes[0].control = taken.where;
  cluster.nodes[0].bulk = {"192.0.2.1", 7112};  // of nobody (RFC 5737)
  cluster.nodes[0].admin = {"127.0.0.1", other.where.port};
  ::close(other.socket);
  other.socket = -1;
  EXPECT_THAT(commands::unusable_addresses(cluster),
              ElementsAre(HasSubstr("(control of node n1): another process listens there"),
                          HasSubstr("(bulk of node n1): it is not an address of this machine")));
}
