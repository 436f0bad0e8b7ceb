#include "runtime/topology/topology.hpp"

#include "messages/cache_types.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace dunlin::topology {

std::string_view to_string(role which) {
  switch (which) {
    case role::database: return "database";
    case role::storage: return "storage";
    case role::access: return "access";
    case role::queue: return "queue";
    case role::balancer: return "balancer";
  }
  return "unknown";
}

cache_table default_caches() {
  cache_table all;
  for (const auto type :
       {cached::user, cached::bucket, cached::policy, cached::object, cached::cluster_map})
    all[std::string(type)];
  // No secrets on the disks of queues.
  all.find(cached::user)->second.values = false;
  all.find(cached::object)->second.validated = true;  // decision 16
  auto& map = all.find(cached::cluster_map)->second;
  map.mirror = true;
  map.staleness_max = std::chrono::seconds(60);  // an old map does no harm, none would
  return all;
}

std::string endpoint::text() const {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

bool endpoint::loopback() const {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

const node* cluster::find(const node_id& name) const {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const node& n) { return n.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

std::vector<node_id> cluster::nodes_with(role which) const {
  std::vector<node_id> names;
  for (const auto& one : nodes)
    if (one.roles.contains(which)) names.push_back(one.name);
  return names;
}

bool cluster::balanced() const { return !nodes_with(role::balancer).empty(); }

std::string mistake::render() const {
  auto where = line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
  auto out = fmt::format("{}: {}", where, text);
  if (!mend.empty()) out += "; " + mend;
  return out;
}

}  // namespace dunlin::topology
