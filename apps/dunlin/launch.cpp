#include "apps/dunlin/launch.hpp"

#include "apps/assembly/cluster_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace dunlin::commands {

static std::string node_pid_file(const topology::cluster& of, const node_id& name) {
  return fmt::format("{}/node-{}.pid", assembly::run_folder(of), name);
}

std::string supervisor_pid_file(const topology::cluster& of) {
  return assembly::run_folder(of) + "/supervisor.pid";
}

std::string supervisor_log(const topology::cluster& of) {
  return assembly::run_folder(of) + "/supervisor.log";
}

std::vector<recorded_process> running_processes(const topology::cluster& of) {
  std::vector<recorded_process> candidates{{"supervisor", {}, {"up"}, supervisor_pid_file(of)}};
  for (const auto& node : of.nodes)
    candidates.push_back(
        {"node " + node.name, {}, {"node", of.file, node.name}, node_pid_file(of, node.name)});
  std::vector<recorded_process> found;
  for (auto& one : candidates) {
    const auto record = read_pid_file(one.pid_file);
    if (!record || !running(*record, one.words)) continue;
    one.process = *record;
    found.push_back(std::move(one));
  }
  return found;
}

static std::vector<supervised_child> children_of(const topology::cluster& of,
                                                 const std::string& binary) {
  std::vector<supervised_child> children;
  for (const auto& node : of.nodes)
    children.push_back({node.name,
                        {binary, "node", of.file, node.name},
                        assembly::log_file(node),
                        node_pid_file(of, node.name)});
  return children;
}

supervisor_options supervision_of(const topology::cluster& of, const std::string& binary,
                                  bool restart) {
  supervisor_options options;
  options.restart = restart;
  options.children = children_of(of, binary);
  options.reread = [file = of.file, binary]() -> std::vector<supervised_child> {
    const auto now = topology::read_file(file);
    if (!now.read) return {};
    auto cluster = *now.read;
    cluster.file = file;
    return children_of(cluster, binary);
  };
  return options;
}

namespace {

/// Why the address cannot be bound; empty if it can.
std::string bind_error(const topology::endpoint& where) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const auto host = where.host == "*" ? nullptr : where.host.c_str();
  if (const auto error = getaddrinfo(host, std::to_string(where.port).c_str(), &hints, &raw);
      error != 0)
    return gai_strerror(error);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found{raw, freeaddrinfo};
  const auto socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::strerror(errno);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  std::string error;
  // Two sockets with SO_REUSEADDR may bind alike; only listening tells a taken port.
  if (::bind(socket, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket, 1) != 0)
    error = errno == EADDRINUSE ? "another process listens there"
            : errno == EADDRNOTAVAIL
                ? "it is not an address of this machine; over many machines, run "
                  "`dunlin node FILE NAME` on each"
                : std::strerror(errno);
  ::close(socket);
  return error;
}

}  // namespace

std::vector<std::string> unusable_addresses(const topology::cluster& of) {
  std::vector<std::string> sentences;
  const auto look = [&](const topology::node& node, std::string_view plane,
                        const topology::endpoint& where) {
    if (const auto error = bind_error(where); !error.empty())
      sentences.push_back(
          fmt::format("cannot use {} ({} of node {}): {}", where.text(), plane, node.name, error));
  };
  for (const auto& node : of.nodes) {
    look(node, "control", node.control);
    look(node, "bulk", node.bulk);
    look(node, "admin", node.admin);
    if (node.s3) look(node, "s3", *node.s3);
    if (node.leg) look(node, "leg", *node.leg);
    if (node.balancer) look(node, "balancer", *node.balancer);
  }
  return sentences;
}

int lock_cluster(const topology::cluster& of) {
  const auto path = assembly::run_folder(of) + "/lock";
  const auto file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  ::close(file);
  return -1;
}

}  // namespace dunlin::commands
