#include "apps/testkit/quiet_checks.hpp"

#include "messages/page_id.hpp"

#include <fmt/format.h>

namespace dunlin::testkit {

namespace {

using rows = std::map<std::string, std::string>;

rows rows_of(kv_store& store, table where) {
  rows all;
  store.scan(where, "", [&](std::string_view key, std::string_view value) {
    all.emplace(key, value);
    return true;
  });
  return all;
}

/// A partition's members that run, with what they have applied.
std::map<node_id, std::uint64_t> applied(virtual_cluster& cluster, partition_id partition) {
  std::map<node_id, std::uint64_t> all;
  for (const auto& name : cluster.topology().partition_nodes(partition)) {
    const auto status = cluster.status(name);
    for (const auto& replica : status.replicas())
      if (replica.partition() == partition) all[name] = replica.applied();
  }
  return all;
}

bool agree(const std::map<node_id, std::uint64_t>& indexes) {
  return std::all_of(indexes.begin(), indexes.end(),
                     [&](const auto& one) { return one.second == indexes.begin()->second; });
}

std::string difference(const rows& a, const rows& b) {
  std::size_t only_a = 0, only_b = 0, unequal = 0;
  for (const auto& [key, value] : a) {
    const auto found = b.find(key);
    if (found == b.end())
      ++only_a;
    else if (found->second != value)
      ++unequal;
  }
  for (const auto& [key, value] : b)
    only_b += a.contains(key) ? 0 : 1;
  return fmt::format("{} rows only here, {} only there, {} unequal", only_a, only_b, unequal);
}

void compare(virtual_cluster& cluster, partition_id partition, const node_id& a, const node_id& b,
             std::vector<std::string>& wrong) {
  const auto one = cluster.state(a, partition), other = cluster.state(b, partition);
  if (!one || !other) return wrong.push_back(fmt::format("no state of partition {}", partition));
  for (int number = 0; number < table_count; ++number) {
    const auto where = static_cast<table>(number);
    const auto here = rows_of(*one, where), there = rows_of(*other, where);
    if (here != there)
      wrong.push_back(fmt::format("partition {}, table {}, {} and {}: {}", partition, number, a, b,
                                  difference(here, there)));
  }
}

void check_run(virtual_cluster& cluster, const v1::PageRun& run, std::size_t quorum,
               std::vector<std::string>& wrong) {
  const auto nodes = cluster.topology().replica_set_nodes(run.replica_set());
  const auto count = (run.length() + run.page_bytes() - 1) / run.page_bytes();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto page = page_at(run.first_page(), i);
    std::string whole;
    std::size_t found = 0;
    for (const auto& name : nodes)
      if (const auto pages = cluster.pages(name); pages && pages->read(page, 0, 0)) {
        whole += " " + name;
        ++found;
      }
    if (found < quorum)
      wrong.push_back(fmt::format("page {} of set {} is only at{}", page_text(page),
                                  run.replica_set(), whole.empty() ? " no node" : whole));
  }
}

}  // namespace

std::vector<std::string> check_states(virtual_cluster& cluster, std::chrono::seconds limit) {
  std::vector<std::string> wrong;
  for (partition_id id = 0; id <= cluster.topology().options.partitions; ++id) {
    const auto end = cluster.time().now() + limit;
    auto indexes = applied(cluster, id);
    while (!agree(indexes) && cluster.time().now() < end) {
      cluster.time().run_for(std::chrono::milliseconds(100));
      indexes = applied(cluster, id);
    }
    if (!agree(indexes) || indexes.empty()) {
      wrong.push_back(fmt::format("partition {}: its replicas do not catch up", id));
      continue;
    }
    for (const auto& [name, index] : indexes)
      if (name != indexes.begin()->first) compare(cluster, id, indexes.begin()->first, name, wrong);
  }
  return wrong;
}

std::vector<std::string> check_pages(virtual_cluster& cluster, std::size_t quorum) {
  std::vector<std::string> wrong;
  for (partition_id id = 1; id <= cluster.topology().options.partitions; ++id) {
    const auto state = cluster.state(cluster.topology().partition_nodes(id).front(), id);
    if (!state) return {"no state of partition " + std::to_string(id)};
    const auto check = [&](const v1::Layout& layout) {
      for (const auto& run : layout.runs())
        check_run(cluster, run, quorum, wrong);
    };
    for (const auto& [key, value] : rows_of(*state, table::objects)) {
      v1::ObjectRecord object;
      object.ParseFromString(value);
      check(object.layout());
    }
    for (const auto& [key, value] : rows_of(*state, table::parts)) {
      v1::PartRecord part;
      part.ParseFromString(value);
      check(part.layout());
    }
  }
  return wrong;
}

}  // namespace dunlin::testkit
