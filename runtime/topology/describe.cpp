#include "runtime/topology/describe.hpp"

#include "runtime/topology/balance_change.hpp"
#include "runtime/topology/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

namespace dunlin::topology {

namespace {

using words = std::map<std::string, std::string>;

std::string show(bool value) { return value ? "true" : "false"; }

void describe_caches(const settings& what, words& into) {
  into["cache.shared"] = show(what.caches_shared);
  into["cache.samples_per_second"] = fmt::format("{}", what.cache_samples_a_second);
  for (const auto& [type, cache] : what.caches) {
    const auto of = [&, name = "cache." + type + "."](const char* key, std::string value) {
      into[name + key] = std::move(value);
    };
    of("mode", cache.validated ? "validated" : "bounded");
    of("time_to_live", show_duration(cache.time_to_live));
    of("staleness_max", show_duration(cache.staleness_max));
    of("items_max", fmt::format("{}", cache.items_max));
    of("bytes_max", show_size(cache.bytes_max));
    of("values", show(cache.values));
    of("mirror", show(cache.mirror));
    of("invalidation_interval", show_duration(cache.invalidation_interval));
  }
}

/// Each line of it is a key and a value.
void describe_balance(const settings& what, words& into) {
  std::istringstream lines{show_balance(what.balance)};
  for (std::string line; std::getline(lines, line);)
    if (const auto equals = line.find(" = "); equals != line.npos)
      into["balance." + line.substr(0, equals)] = line.substr(equals + 3);
}

}  // namespace

words described(const settings& what) {
  words into{
      {"cluster.name", what.name},
      {"cluster.plain_transport", show(what.plain_transport)},
      {"metadata.partitions", fmt::format("{}", what.partitions)},
      {"metadata.replicas", fmt::format("{}", what.partition_replicas)},
      {"metadata.heartbeat", show_duration(what.heartbeat)},
      {"metadata.election", show_duration(what.election)},
      {"wal.segment_bytes", show_size(what.wal_segment_bytes)},
      {"wal.bytes_max", show_size(what.wal_bytes_max)},
      {"objects.replica_sets", fmt::format("{}", what.replica_sets)},
      {"objects.replicas", fmt::format("{}", what.object_replicas)},
      {"objects.write_quorum", fmt::format("{}", what.write_quorum)},
      {"objects.page_bytes", show_size(what.page_bytes)},
      {"s3.region", what.region},
      {"s3.insecure", show(what.s3_insecure)},
      {"s3.tls", show(!what.s3_certificate.empty())},
      {"s3.requests_max", fmt::format("{}", what.requests_max)},
      {"s3.connections_max", fmt::format("{}", what.connections_max)},
      {"s3.object_bytes_max", show_size(what.object_bytes_max)},
      {"queue.window", show_duration(what.queue.window)},
      {"queue.attempts", fmt::format("{}", what.queue.attempts)},
      {"queue.time_to_live", show_duration(what.queue.time_to_live)},
      {"queue.news_interval", show_duration(what.queue.news_interval)},
      {"faults.cache_update_loss", fmt::format("{}", what.faults.cache_update_loss)},
  };
  describe_caches(what, into);
  describe_balance(what, into);
  return into;
}

words described(const node& what) {
  std::vector<std::string_view> roles;
  for (const auto role : what.roles)
    roles.push_back(to_string(role));
  words into{{"roles", fmt::format("{}", fmt::join(roles, ", "))},
             {"control", what.control.text()},
             {"bulk", what.bulk.text()},
             {"admin", what.admin.text()},
             {"rack", what.rack}};
  if (what.s3) into["s3"] = what.s3->text();
  if (what.balancer) into["balancer"] = what.balancer->text();
  if (what.leg) into["leg"] = what.leg->text();
  if (what.roles.contains(role::access)) {
    into["capacity"] = fmt::format("{}", what.capacity);
    into["peer_group"] = what.peer_group;
  }
  return into;
}

}  // namespace dunlin::topology
