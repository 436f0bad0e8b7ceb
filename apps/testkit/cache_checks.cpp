#include "apps/testkit/cache_checks.hpp"

#include "apps/testkit/state_checks.hpp"
#include "messages/cache_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

/// Key to tick, as the root partition has them; 0: there is no such item.
using ticks = std::map<std::string, std::uint64_t>;

std::shared_ptr<kv_store> root_state(virtual_cluster& cluster) {
  return cluster.state(cluster.topology().partition_nodes(0).front(), 0);
}

template <class Record>
std::uint64_t tick_of(const std::string& row) {
  Record record;
  record.ParseFromString(row);
  return record.tick();
}

template <class Record>
void read_ticks(const partition_rows& root, table where, ticks& into) {
  for (const auto& [key, value] : root.of(where))
    into[key] = tick_of<Record>(value);
}

struct expectation {
  std::string_view type;
  const topology::cache_settings& how;
  table rows;
  std::uint64_t (*tick)(const std::string& row);
  ticks items;
};

/// Looks cost time, in which a collector may end a deletion that was left behind.
bool has_changed(virtual_cluster& cluster, const expectation& wanted, const std::string& key,
                 std::uint64_t& tick) {
  const auto state = root_state(cluster);
  const auto row = state ? state->get(wanted.rows, key) : std::nullopt;
  const auto now = row ? wanted.tick(*row) : 0;
  return std::exchange(tick, now) != now;
}

std::string differs(const node_id& name, const expectation& wanted, const std::string& key,
                    std::uint64_t tick, const std::optional<cache_answer>& said) {
  const auto what = fmt::format("the {} cache of {} about {}", wanted.type, name, key);
  if (!said) return what + " does not answer";
  if (tick == 0 && said->record) return fmt::format("{} holds tick {} of none", what, said->tick);
  if (tick > 0 && !said->record) return fmt::format("{} knows none, the root has {}", what, tick);
  if (tick > 0 && said->tick != tick)
    return fmt::format("{} says tick {}, the root {}", what, said->tick, tick);
  return {};
}

/// News prove it at any moment of a quiet time, however slow the network is.
bool proves(const topology::cluster& of, const topology::cache_settings& how) {
  // An acknowledgement that is lost brings no stamp that could be echoed.
  return !how.validated && of.options.faults.cache_update_loss == 0 &&
         !of.nodes_with(topology::role::queue).empty() &&
         how.staleness_max >= std::max(1000ms, 4 * of.options.queue.news_interval);
}

void check_cache(virtual_cluster& cluster, const node_id& name, const expectation& wanted,
                 std::vector<std::string>& wrong) {
  const auto proved = proves(cluster.topology(), wanted.how);
  for (auto [key, tick] : wanted.items) {
    if (has_changed(cluster, wanted, key, tick))
      cluster.time().run_for(wanted.how.staleness_max + 1s);
    auto first = cluster.look_up(name, std::string(wanted.type), key);
    if (has_changed(cluster, wanted, key, tick)) {
      cluster.time().run_for(wanted.how.staleness_max + 1s);
      first = cluster.look_up(name, std::string(wanted.type), key);
    }
    if (auto text = differs(name, wanted, key, tick, first); !text.empty())
      wrong.push_back(std::move(text));
    if (tick == 0 || !proved) continue;
    // It has just been asked for, and news prove it: the next reader gets it without a question.
    const auto again = cluster.look_up(name, std::string(wanted.type), key);
    if (again && !again->from_cache)
      wrong.push_back(fmt::format("the {} cache of {} asks again for {} though nothing is missing",
                                  wanted.type, name, key));
  }
}

/// What a node's services lack of the queues' stream.
std::string lacks(const v1::NodeStatus& status, std::size_t queues) {
  for (const auto& one : status.subscribers()) {
    if (static_cast<std::size_t>(one.subscribed_size()) != queues)
      return fmt::format("service {} of {} is known to {} of {} queues", one.service(),
                         status.name(), one.subscribed_size(), queues);
    for (const auto& figure : one.figures())
      if (figure.name() == "holes" && figure.value() > 0)
        return fmt::format("service {} of {} lacks changes", one.service(), status.name());
  }
  for (const auto& one : status.queue().backlogs())
    if (one.rows() > 0)
      return fmt::format("service {} of {} is {} rows behind the queue of {}", one.service(),
                         one.node(), one.rows(), status.name());
  return {};
}

}  // namespace

template <class Record>
static expectation expect(const virtual_cluster& cluster, const partition_rows& root,
                          std::string_view type, table where,
                          const std::vector<std::string>& former) {
  expectation made{
      type, cluster.topology().options.caches.find(type)->second, where, tick_of<Record>, {}};
  for (const auto& key : former)
    made.items[key] = 0;
  read_ticks<Record>(root, where, made.items);
  return made;
}

std::vector<std::string> check_caches(virtual_cluster& cluster, const former_names& known) {
  std::chrono::milliseconds stale{0};
  for (const auto& [type, how] : cluster.topology().options.caches)
    stale = std::max(stale, how.staleness_max);
  cluster.time().run_for(stale + 1s);
  const auto state = root_state(cluster);
  if (!state) return {"no state of the root partition"};
  const auto root = rows_of(*state);
  const expectation all[] = {
      expect<v1::BucketRecord>(cluster, root, cached::bucket, table::buckets, known.buckets),
      expect<v1::AccessKeyRecord>(cluster, root, cached::user, table::access_keys,
                                  known.access_keys),
      expect<v1::PolicyRecord>(cluster, root, cached::policy, table::policies, known.policies)};
  std::vector<std::string> wrong;
  for (const auto& name : cluster.access_nodes())
    for (const auto& one : all)
      check_cache(cluster, name, one, wrong);
  return wrong;
}

std::vector<std::string> check_hearing(virtual_cluster& cluster, std::chrono::seconds limit) {
  const auto queues = cluster.topology().nodes_with(topology::role::queue).size();
  if (queues == 0) return {};
  const auto end = cluster.time().now() + limit;
  std::vector<std::string> wrong;
  do {
    wrong.clear();
    for (const auto& name : cluster.nodes())
      if (auto text = lacks(cluster.status(name), queues); !text.empty())
        wrong.push_back(std::move(text));
    if (!wrong.empty()) cluster.time().run_for(500ms);
  } while (!wrong.empty() && cluster.time().now() < end);
  return wrong;
}

std::vector<std::string> check_staleness(virtual_cluster& cluster) {
  std::vector<std::string> wrong;
  for (const auto& name : cluster.access_nodes())
    for (const auto& one : cluster.sampled(name))
      if (one.violations > 0)
        wrong.push_back(
            fmt::format("the {} cache of service {} of {} served {} samples beyond its "
                        "bound, for at least {} us",
                        one.type, one.service, name, one.violations, one.surely_max_us));
  return wrong;
}

}  // namespace dunlin::testkit
