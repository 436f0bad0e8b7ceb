// `dunlin` over nodes that only answer /status, to prove supervision without a cluster. A file
// named `refuse` in a node's folder makes it end at once; `stubborn` makes it ignore SIGTERM.
#include "apps/assembly/cluster_files.hpp"
#include "apps/assembly/node_status.hpp"
#include "apps/dunlin/commands.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>

using namespace dunlin;

static assembly::node_status status_of(const topology::cluster& cluster,
                                       const topology::node& node) {
  assembly::node_status status;
  status.name = node.name;
  status.pid = ::getpid();
  status.state = "ready";
  status.s3 = "http://" + node.s3->text();
  for (const auto role : node.roles)
    status.roles.emplace_back(to_string(role));
  for (partition_id id = 0; id <= cluster.options.partitions; ++id) {
    auto& replica = status.partitions.emplace_back();
    replica.id = id;
    replica.leader = node.name;
    replica.role = "leader";
    replica.term = 1;
    replica.members = cluster.partition_nodes(id);
  }
  return status;
}

static int answer_forever(const topology::cluster& cluster, const topology::node& node) {
  const auto socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(node.admin.port);
  ::inet_pton(AF_INET, node.admin.host.c_str(), &address.sin_addr);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket, 8) != 0) {
    std::cerr << "cannot listen" << std::endl;
    return 1;
  }
  std::cerr << "fake node " << node.name << " listens" << std::endl;
  const auto body = assembly::to_json(status_of(cluster, node));
  const auto good = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.size(), body);
  const std::string bad =
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  const auto token = assembly::read_token(cluster).value();
  while (true) {
    const auto client = ::accept(socket, nullptr, nullptr);
    if (client < 0) continue;
    char request[4096];
    const auto size = ::recv(client, request, sizeof request, 0);
    const auto text = std::string_view(request, size > 0 ? static_cast<std::size_t>(size) : 0);
    const auto& reply = text.find("Bearer " + token) == text.npos ? bad : good;
    if (::send(client, reply.data(), reply.size(), MSG_NOSIGNAL) < 0)
      std::cerr << "lost a client" << std::endl;
    ::close(client);
  }
}

static int run_fake_node(const topology::cluster& cluster, const node_id& name) {
  const auto& node = *cluster.find(name);
  if (std::filesystem::exists(node.folder + "/refuse")) {
    std::cerr << "refused to start" << std::endl;
    return 1;
  }
  if (std::filesystem::exists(node.folder + "/stubborn")) std::signal(SIGTERM, SIG_IGN);
  return answer_forever(cluster, node);
}

int main(int argc, char** argv) { return commands::dispatch(argc, argv, run_fake_node); }
