#include "messages/cache_types.hpp"
#include "runtime/topology/draft.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace dunlin::topology {

void report::add(place where, std::string text, std::string mend) {
  mistakes_.push_back({file_, where.line, where.column, std::move(text), std::move(mend)});
}

std::vector<mistake> report::take() {
  const auto order = [](const mistake& m) {
    return std::pair{m.line == 0 ? std::numeric_limits<std::uint32_t>::max() : m.line, m.column};
  };
  std::stable_sort(mistakes_.begin(), mistakes_.end(),
                   [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return std::move(mistakes_);
}

namespace {

constexpr const char* planes[] = {"control", "bulk", "admin", "s3", "balancer", "leg"};

const endpoint* address(const draft_node& node, const std::string& plane) {
  if (!node.places.contains(plane)) return nullptr;
  if (plane == "control") return &node.value.control;
  if (plane == "bulk") return &node.value.bulk;
  if (plane == "admin") return &node.value.admin;
  if (plane == "balancer") return &*node.value.balancer;
  if (plane == "leg") return &*node.value.leg;
  return &*node.value.s3;
}

std::string show(const draft_node& node) {
  return node.value.name.empty() ? "the node without a name"
                                 : fmt::format("node '{}'", node.value.name);
}

/// The place of a value that was given, or else the top of the file: a default may be at fault.
place of(const draft& file, const std::string& key) {
  const auto found = file.places.find(key);
  return found == file.places.end() ? place{1, 1} : found->second;
}

void unique_names(const draft& file, report& mistakes) {
  std::map<std::string, place> seen;
  for (const auto& node : file.nodes) {
    const auto where = node.places.find("name");
    if (where == node.places.end()) continue;
    const auto [first, fresh] = seen.emplace(node.value.name, where->second);
    if (!fresh)
      mistakes.add(
          where->second, fmt::format("duplicate node name '{}'", node.value.name),
          fmt::format("line {} has it already: a name is one node's for ever", first->second.line));
  }
}

void unique_addresses(const draft& file, report& mistakes) {
  std::map<std::string, std::string> seen;
  for (const auto& node : file.nodes)
    for (const auto* plane : planes) {
      const auto* where = address(node, plane);
      if (!where) continue;
      const auto owner = fmt::format("{} of {}", plane, show(node));
      // localhost is 127.0.0.1 for anyone who binds it.
      const auto text =
          endpoint{where->host == "localhost" ? "127.0.0.1" : where->host, where->port}.text();
      const auto [first, fresh] = seen.emplace(text, owner);
      if (!fresh)
        mistakes.add(
            node.places.at(plane),
            fmt::format("duplicate address {}: it is {} already", where->text(), first->second),
            "give each its own port");
    }
}

void unique_folders(const draft& file, report& mistakes) {
  std::map<std::string, std::string> seen;
  for (const auto& node : file.nodes) {
    const auto [first, fresh] = seen.emplace(node.value.folder, show(node));
    if (fresh) continue;
    const auto where = node.places.find("folder");
    if (where == node.places.end()) continue;  // follows from a duplicate name, already told
    mistakes.add(
        where->second,
        fmt::format("duplicate folder {}: it is {}'s already", node.value.folder, first->second),
        "give each node its own");
  }
}

std::size_t count(const draft& file, role wanted) {
  return static_cast<std::size_t>(
      std::count_if(file.nodes.begin(), file.nodes.end(),
                    [&](const draft_node& n) { return n.value.roles.contains(wanted); }));
}

void door(const draft& file, const std::string& plane, const endpoint& where, place here,
          report& mistakes) {
  const auto& options = file.value.options;
  const auto shared = plane == "control" || plane == "bulk" || plane == "leg";
  const auto clients = plane == "s3" || plane == "balancer";
  if (wildcard(where)) {
    if (shared)
      mistakes.add(here, fmt::format("{} binds every address of the machine", plane),
                   "give the address that the other nodes dial");
    else if (!file.allow_wildcard)
      mistakes.add(here, fmt::format("{} binds every address of the machine", plane),
                   "give one address, or say allow_wildcard = true under [cluster]");
  }
  if (where.loopback()) return;
  if (clients && !options.s3_insecure && options.s3_certificate.empty())
    mistakes.add(here,
                 fmt::format("{} on {} would be open to the network without TLS",
                             plane == "s3" ? "S3" : plane, where.text()),
                 "use a loopback address, give certificate and key under [s3], or say insecure = "
                 "true there");
  if (plane == "admin" && !file.admin_insecure)
    mistakes.add(here,
                 fmt::format("admin on {} would be open to the network without TLS", where.text()),
                 "use a loopback address, or say insecure = true under [admin]");
  if (shared && options.plain_transport)
    mistakes.add(here, fmt::format("{} on {} with plain_transport", plane, where.text()),
                 "plain transport is for loopback only: leave cluster.plain_transport out");
}

void doors(const draft& file, report& mistakes) {
  for (const auto& node : file.nodes)
    for (const std::string plane : planes)
      if (const auto* where = address(node, plane))
        door(file, plane, *where, node.places.at(plane), mistakes);
}

/// Keys that mean nothing without a role, and roles that nobody reaches without a key.
void keys_of_roles(const draft& file, report& mistakes) {
  struct bound {
    const char* key;
    const char* shown;
    role needs;
  };
  for (const auto& node : file.nodes) {
    if (!node.roles_known) continue;
    for (const auto& [key, shown, needs] :
         {bound{"s3", "an s3 address", role::access}, bound{"leg", "a leg address", role::access},
          bound{"capacity", "a capacity", role::access},
          bound{"peer_group", "a peer_group", role::access},
          bound{"balancer", "a balancer address", role::balancer}})
      if (node.places.contains(key) && !node.value.roles.contains(needs))
        mistakes.add(
            node.places.at(key), fmt::format("{} has {} but not the role", show(node), shown),
            fmt::format("add \"{}\" to its roles, or take {} away", to_string(needs), key));
  }
}

void ways_for_clients(const draft& file, report& mistakes) {
  const auto balanced = count(file, role::balancer) > 0;
  for (const auto& node : file.nodes) {
    if (!node.roles_known || file.torn) continue;
    const auto has = [&](const std::string& key) {
      return node.places.contains(key) || node.places.contains(key + " refused");
    };
    const auto access = node.value.roles.contains(role::access);
    if (node.value.roles.contains(role::balancer) && !has("balancer"))
      mistakes.add(node.where, fmt::format("{} has role balancer but no 'balancer'", show(node)),
                   "add balancer = \"127.0.0.1:7115\"");
    if (access && balanced && !has("leg"))
      mistakes.add(
          node.where,
          fmt::format("{} has role access but no 'leg', where balancers reach it", show(node)),
          "add leg = \"127.0.0.1:7114\"");
    if (access && !balanced && !has("s3"))
      mistakes.add(node.where, fmt::format("{} has role access but no 's3'", show(node)),
                   "add s3 = \"127.0.0.1:7110\"");
  }
}

void roles_present(const draft& file, report& mistakes) {
  const auto& to = file.value.options;
  struct need {
    role what;
    std::uint32_t replicas;
    const char* key;
  };
  for (const auto& [what, replicas, key] :
       {need{role::database, to.partition_replicas, "metadata.replicas"},
        need{role::storage, to.object_replicas, "objects.replicas"}, need{role::access, 1, ""}}) {
    const auto have = count(file, what);
    if (have == 0)
      mistakes.add({1, 1}, fmt::format("no node has role '{}'", to_string(what)),
                   fmt::format("add \"{}\" to the roles of some node", to_string(what)));
    else if (have < replicas && !file.refused.contains(key))
      mistakes.add(of(file, key),
                   fmt::format("{} is {} but only {} {} role {}", key, replicas, have,
                               have == 1 ? "node has" : "nodes have", to_string(what)),
                   fmt::format("set {} = {}, or add nodes", key, have % 2 == 1 ? have : have - 1));
  }
}

void quorums(const draft& file, report& mistakes) {
  const auto& to = file.value.options;
  if (to.partition_replicas % 2 == 0)
    mistakes.add(
        of(file, "metadata.replicas"),
        fmt::format("metadata.replicas is {}, an even number", to.partition_replicas),
        fmt::format("use {} or {}: an even group survives no more failures than the odd one below",
                    to.partition_replicas - 1, to.partition_replicas + 1));
  if (to.write_quorum > to.object_replicas) {
    mistakes.add(of(file, "objects.write_quorum"),
                 fmt::format("objects.write_quorum is {} of only {} {}", to.write_quorum,
                             to.object_replicas, to.object_replicas == 1 ? "replica" : "replicas"),
                 fmt::format("set write_quorum = {} or less", to.object_replicas));
  }
}

void timings(const draft& file, report& mistakes) {
  const auto& to = file.value.options;
  if (to.election < 3 * to.heartbeat)
    mistakes.add(of(file, file.places.contains("metadata.election") ? "metadata.election"
                                                                    : "metadata.heartbeat"),
                 fmt::format("metadata.election is {}, less than three heartbeats",
                             show_duration(to.election)),
                 fmt::format("set election = \"{}\" or more", show_duration(3 * to.heartbeat)));
  if (to.wal_bytes_max < 4 * to.wal_segment_bytes)
    mistakes.add(
        of(file, file.places.contains("wal.bytes_max") ? "wal.bytes_max" : "wal.segment_bytes"),
        fmt::format("wal.bytes_max is {}, less than four segments", show_size(to.wal_bytes_max)),
        fmt::format("set bytes_max = \"{}\" or more", show_size(4 * to.wal_segment_bytes)));
}

void queue_somewhere(const draft& file, report& mistakes) {
  const auto said = file.places.find("queue");
  if (said != file.places.end() && count(file, role::queue) == 0)
    mistakes.add(said->second, "[queue] is set, but no node has role 'queue'",
                 "add \"queue\" to the roles of some node, or take [queue] away");
}

/// What news prove is up to two intervals old when the next come.
void proofs(const draft& file, report& mistakes) {
  for (const auto& [type, cache] : file.value.options.caches)
    check_cache_rules(file, type, mistakes);
}

/// All objects are more than any node holds.
void mirrors(const draft& file, report& mistakes) {
  const auto& caches = file.value.options.caches;
  const auto object = caches.find(cached::object);
  if (object == caches.end() || !object->second.mirror) return;
  mistakes.add(of(file, "cache.object.mirror"), "objects are too many to be mirrored",
               "leave mirror out of [cache.object], and set items_max and bytes_max");
}

}  // namespace

void check_cache_rules(const draft& file, const std::string& type, report& mistakes) {
  const auto& to = file.value.options;
  const auto& cache = to.caches.at(type);
  const auto least = 2 * to.queue.news_interval;
  if (cache.validated || cache.staleness_max >= least) return;
  const auto name = "cache." + type;
  const auto key = name + ".staleness_max";
  if (file.refused.contains(key) || file.refused.contains(name + ".mode") ||
      file.refused.contains("queue.news_interval"))
    return;
  mistakes.add(
      of(file, file.places.contains(key) ? key : "queue.news_interval"),
      fmt::format("{} is {}, less than two news intervals of {}", key,
                  show_duration(cache.staleness_max), show_duration(to.queue.news_interval)),
      fmt::format("set staleness_max = \"{}\" or more, or mode = \"validated\"",
                  show_duration(least)));
}

void check_rules(const draft& file, report& mistakes) {
  unique_names(file, mistakes);
  unique_addresses(file, mistakes);
  unique_folders(file, mistakes);
  doors(file, mistakes);
  keys_of_roles(file, mistakes);
  quorums(file, mistakes);
  timings(file, mistakes);
  proofs(file, mistakes);
  mirrors(file, mistakes);
  const auto every_role_known = std::all_of(file.nodes.begin(), file.nodes.end(),
                                            [](const draft_node& n) { return n.roles_known; });
  // A misspelt role or a line left out would make this complain of its consequence.
  if (every_role_known && !file.nodes.empty() && !file.torn) {
    roles_present(file, mistakes);
    queue_somewhere(file, mistakes);
    ways_for_clients(file, mistakes);
  }
}

}  // namespace dunlin::topology
