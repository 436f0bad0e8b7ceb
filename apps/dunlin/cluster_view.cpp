#include "apps/dunlin/cluster_view.hpp"

#include "apps/dunlin/card.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <algorithm>
#include <map>

namespace dunlin::commands {

namespace json = boost::json;

namespace {

node_view view_node(const topology::cluster& of, const topology::node& node,
                    const node_answer& answer) {
  node_view view;
  view.name = node.name;
  if (answer.status) {
    view.pid = answer.status->pid;
    view.roles = answer.status->roles;
    view.state = answer.status->state;
    view.s3 = answer.status->s3;
    view.balancer = answer.status->balancer;
    view.warnings = answer.status->warnings;
    return view;
  }
  for (const auto role : node.roles)
    view.roles.emplace_back(topology::to_string(role));
  view.state = "down";
  view.error = answer.error;
  if (node.s3) view.s3 = s3_url(of, node);
  if (node.balancer) view.balancer = balancer_url(of, node);
  return view;
}

/// What the highest term says, and in it the leader itself before those who heard of it.
bool says_more(const assembly::replica_status& a, const assembly::replica_status& b) {
  const auto rank = [](const auto& r) {
    return std::tuple{r.term, r.role == "leader", !r.leader.empty()};
  };
  return rank(a) > rank(b);
}

partition_view view_partition(const assembly::replica_status& said,
                              const std::vector<node_view>& nodes) {
  partition_view view;
  view.id = said.id;
  view.range = said.id == 0 ? "root" : fmt::format("{}-{}", said.first_hash, said.last_hash);
  view.term = said.term;
  view.replicas = said.members;
  // Followers name a leader that died until they miss it: a leader is one who can be asked.
  const auto alive = std::any_of(nodes.begin(), nodes.end(), [&](const node_view& n) {
    return n.name == said.leader && n.state != "down";
  });
  if (alive) view.leader = said.leader;
  return view;
}

std::vector<partition_view> view_partitions(const topology::cluster& of,
                                            const std::vector<node_answer>& answers,
                                            const std::vector<node_view>& nodes) {
  std::map<partition_id, assembly::replica_status> best;
  for (const auto& answer : answers) {
    if (!answer.status) continue;
    for (const auto& replica : answer.status->partitions) {
      const auto [known, fresh] = best.emplace(replica.id, replica);
      if (!fresh && says_more(replica, known->second)) known->second = replica;
    }
  }
  std::map<partition_id, partition_view> views;
  for (const auto& [id, said] : best)
    views[id] = view_partition(said, nodes);
  // Those that nobody speaks of are where the file seeded them.
  for (partition_id id = 0; id <= of.options.partitions; ++id)
    if (!views.contains(id))
      views[id] = {id, id == 0 ? "root" : "unknown", {}, 0, of.partition_nodes(id)};
  std::vector<partition_view> list;
  for (auto& [id, view] : views)
    list.push_back(std::move(view));
  return list;
}

std::string list(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

void judge(cluster_view& view) {
  std::vector<std::string> absent, unfit, leaderless;
  auto serves = false, balances = false, takes_legs = false;
  for (const auto& node : view.nodes) {
    if (node.state == "down")
      absent.push_back(node.name);
    else if (node.state != "ready")
      unfit.push_back(fmt::format("{} ({})", node.name, node.state));
    else {
      serves = serves || node.s3;
      balances = balances || node.balancer;
      takes_legs = takes_legs || std::count(node.roles.begin(), node.roles.end(), "access") > 0;
    }
  }
  serves = serves || (balances && takes_legs);
  for (const auto& partition : view.partitions)
    if (!partition.leader) leaderless.push_back(std::to_string(partition.id));
  std::vector<std::string> reasons;
  if (!leaderless.empty()) reasons.push_back("no leader: partition " + list(leaderless));
  if (!absent.empty()) reasons.push_back("down: " + list(absent));
  if (!unfit.empty()) reasons.push_back("not ready: " + list(unfit));
  view.health = !leaderless.empty() || !serves ? verdict::down
                : reasons.empty()              ? verdict::ok
                                               : verdict::degraded;
  view.reason = reasons.empty() ? (serves ? "every node is ready, every partition has a leader"
                                          : "no S3 endpoint")
                                : fmt::format("{}", fmt::join(reasons, "; "));
}

json::array array(const std::vector<std::string>& words) {
  return json::array(words.begin(), words.end());
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

}  // namespace

std::string_view to_string(verdict health) {
  switch (health) {
    case verdict::ok: return "ok";
    case verdict::degraded: return "degraded";
    case verdict::down: return "down";
  }
  return "down";
}

cluster_view view_of(const topology::cluster& of, const std::vector<node_answer>& answers) {
  cluster_view view;
  view.cluster = of.options.name;
  for (std::size_t i = 0; i < of.nodes.size(); ++i)
    view.nodes.push_back(
        view_node(of, of.nodes[i], i < answers.size() ? answers[i] : node_answer{}));
  view.partitions = view_partitions(of, answers, view.nodes);
  judge(view);
  return view;
}

std::string to_json(const cluster_view& view) {
  json::array nodes, partitions;
  for (const auto& node : view.nodes) {
    json::object entry{{"name", node.name},
                       {"pid", or_null(node.pid)},
                       {"roles", array(node.roles)},
                       {"state", node.state},
                       {"s3", or_null(node.s3)},
                       {"balancer", or_null(node.balancer)},
                       {"warnings", array(node.warnings)}};
    if (!node.error.empty()) entry["error"] = node.error;
    nodes.push_back(std::move(entry));
  }
  for (const auto& partition : view.partitions)
    partitions.push_back(json::object{{"id", partition.id},
                                      {"range", partition.range},
                                      {"leader", or_null(partition.leader)},
                                      {"term", partition.term},
                                      {"replicas", array(partition.replicas)}});
  return json::serialize(json::object{
      {"cluster", view.cluster},
      {"nodes", std::move(nodes)},
      {"partitions", std::move(partitions)},
      {"health", json::object{{"verdict", to_string(view.health)}, {"reason", view.reason}}}});
}

std::string to_text(const cluster_view& view) {
  auto text =
      fmt::format("cluster {}: {} ({})\n\n", view.cluster, to_string(view.health), view.reason);
  text += fmt::format("{:<12} {:>8}  {:<9} {:<26} {}\n", "node", "pid", "state", "s3", "roles");
  for (const auto& node : view.nodes) {
    text += fmt::format("{:<12} {:>8}  {:<9} {:<26} {}\n", node.name,
                        node.pid ? std::to_string(*node.pid) : "-", node.state,
                        node.balancer.value_or(node.s3.value_or("-")), list(node.roles));
    if (!node.error.empty()) text += fmt::format("{:<12} {}\n", "", node.error);
    for (const auto& warning : node.warnings)
      text += fmt::format("{:<12} warning: {}\n", "", warning);
  }
  text += fmt::format("\n{:<10} {:<12} {:>6}  {:<24} {}\n", "partition", "leader", "term",
                      "replicas", "range");
  for (const auto& partition : view.partitions)
    text += fmt::format("{:<10} {:<12} {:>6}  {:<24} {}\n", partition.id,
                        partition.leader.value_or("-"), partition.term, list(partition.replicas),
                        partition.range);
  return text;
}

}  // namespace dunlin::commands
