#include "apps/testkit/register_workload.hpp"

#include <fmt/format.h>

namespace dunlin::testkit {

register_workload::register_workload(virtual_cluster& cluster, register_options options)
    : cluster_(cluster), options_(std::move(options)), random_(cluster.seed() + 991) {}

void register_workload::begin() {
  for (int client = 0; client < options_.clients; ++client) {
    ++open_;
    next();
  }
}

node_id register_workload::any_node() { return cluster_.any_access_node(random_); }

void register_workload::next() {
  if (started_ >= options_.operations) {
    --open_;
    return;
  }
  ++started_;
  const auto key = fmt::format("shared-{}", random_() % static_cast<unsigned>(options_.keys));
  auto& history = histories_[key];
  register_operation one;
  const auto dice = random_() % 8;
  one.writes = dice < 4;
  if (one.writes && dice > 0) one.value = fmt::format("{} by operation {}", key, started_);
  one.called = cluster_.time().now();
  history.push_back(one);
  const auto* method = !one.writes ? "GET" : one.value ? "PUT" : "DELETE";
  cluster_.send(
      any_node(), method, path(key), "", one.value.value_or(""),
      [this, key, at = history.size() - 1](const virtual_cluster::answer& seen) {
        record(key, at, seen);
        const auto pause = 1 + random_() % static_cast<std::uint64_t>(options_.pause_max.count());
        cluster_.time().events().after(std::chrono::milliseconds(pause), [this] { next(); });
      });
}

void register_workload::record(const std::string& key, std::size_t at,
                               const virtual_cluster::answer& seen) {
  auto& one = histories_[key][at];
  const auto expected = !one.writes || one.value ? 200 : 204;
  if (seen.status != expected && (one.writes || seen.status != 404)) return;
  one.answered = cluster_.time().now();
  if (!one.writes && seen.status == 200) one.value = seen.body;
}

std::vector<std::string> register_workload::check_all() {
  std::vector<std::string> wrong;
  for (auto& [key, history] : histories_) {
    for (const auto& name : cluster_.access_nodes()) {
      register_operation last;
      last.called = cluster_.time().now();
      history.push_back(last);
      record(key, history.size() - 1, cluster_.call(name, "GET", path(key)));
    }
    std::erase_if(history, [](const auto& one) { return !one.writes && !one.answered; });
    if (linearizable(history)) continue;
    std::string text = "no order explains the history of " + key;
    for (const auto& one : history)
      text += fmt::format("\n    {} to {} ms: {} {}", one.called.count() / 1000000,
                          one.answered ? one.answered->count() / 1000000 : -1,
                          one.writes ? "writes" : "reads", one.value.value_or("nothing"));
    wrong.push_back(text);
  }
  return wrong;
}

}  // namespace dunlin::testkit
