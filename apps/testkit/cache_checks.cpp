#include "apps/testkit/cache_checks.hpp"

#include "actors/partition/machine/key_codec.hpp"
#include "apps/testkit/state_checks.hpp"
#include "messages/cache_types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <set>
#include <utility>

namespace dunlin::testkit {

namespace {

using namespace std::chrono_literals;

/// Of a partition: of objects that are there, and of those that are gone.
constexpr std::size_t objects_max = 6;

/// Key to tick, as the partition has them; 0: there is no such item.
using ticks = std::map<std::string, std::uint64_t>;

std::shared_ptr<kv_store> state_of(virtual_cluster& cluster, partition_id partition) {
  return cluster.state(cluster.topology().partition_nodes(partition).front(), partition);
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
  partition_id partition = 0;
  std::function<std::uint64_t(kv_store& state, const std::string& key)> tick;
  ticks items;
};

/// Looks cost time, in which a collector may end a deletion that was left behind.
bool has_changed(virtual_cluster& cluster, const expectation& wanted, const std::string& key,
                 std::uint64_t& tick) {
  const auto state = state_of(cluster, wanted.partition);
  const auto now = state ? wanted.tick(*state, key) : 0;
  return std::exchange(tick, now) != now;
}

/// Keys of objects begin with their bucket's id.
std::string shown(const std::string& key) {
  std::string text;
  for (const unsigned char one : key)
    text += std::isprint(one) ? std::string(1, static_cast<char>(one)) : fmt::format("{:02x}", one);
  return text;
}

std::string differs(const node_id& name, const expectation& wanted, const std::string& key,
                    std::uint64_t tick, const std::optional<cache_answer>& said) {
  const auto what = fmt::format("the {} cache of {} about {}", wanted.type, name, shown(key));
  if (!said) return what + " does not answer";
  if (tick == 0 && said->record) return fmt::format("{} holds tick {} of none", what, said->tick);
  if (tick > 0 && !said->record) return fmt::format("{} knows none, the leader {}", what, tick);
  if (tick > 0 && said->tick != tick)
    return fmt::format("{} says tick {}, the leader {}", what, said->tick, tick);
  if (wanted.how.validated && said->from_cache) return what + " does not ask the leader";
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
                                  wanted.type, name, shown(key)));
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
  expectation made{type,
                   cluster.topology().options.caches.find(type)->second,
                   0,
                   [where](kv_store& state, const std::string& key) -> std::uint64_t {
                     const auto row = state.get(where, key);
                     return row ? tick_of<Record>(*row) : 0;
                   },
                   {}};
  for (const auto& key : former)
    made.items[key] = 0;
  read_ticks<Record>(root, where, made.items);
  return made;
}

/// An object's row ends with its tick, so it has to be looked for.
static std::uint64_t object_tick(kv_store& state, const std::string& key) {
  const auto start =
      keys::object_key(key.substr(0, keys::id_bytes), std::string_view(key).substr(keys::id_bytes));
  std::uint64_t tick = 0;
  state.scan(table::objects, start, [&](std::string_view row, std::string_view value) {
    if (row.starts_with(start)) tick = tick_of<v1::ObjectRecord>(std::string(value));
    return false;
  });
  return tick;
}

/// About so many of them, from all over.
static void thin_out(ticks& items, std::size_t most) {
  const auto step = items.size() / most + 1;
  std::size_t at = 0;
  std::erase_if(items, [&](const auto&) { return at++ % step != 0; });
}

/// Some of the objects in buckets that are there, and of those whose pages are garbage: of a bucket
/// that is gone its partition says nothing.
static std::optional<expectation> expect_objects(virtual_cluster& cluster,
                                                 const std::set<std::string>& buckets,
                                                 partition_id partition) {
  const auto state = state_of(cluster, partition);
  if (!state) return {};
  expectation made{cached::object,
                   cluster.topology().options.caches.find(cached::object)->second,
                   partition,
                   object_tick,
                   {}};
  const auto rows = rows_of(*state);
  ticks gone;
  for (const auto& [row, value] : rows.of(table::objects))
    if (const auto tail = keys::read_tail(row))
      made.items[row.substr(8, keys::id_bytes) + tail->key] = tick_of<v1::ObjectRecord>(value);
  for (const auto& [row, value] : rows.of(table::garbage)) {
    v1::GarbageRecord garbage;
    garbage.ParseFromString(value);
    const auto key = garbage.item().bucket_id() + garbage.item().key();
    if (!made.items.contains(key)) gone[key] = 0;
  }
  for (auto* items : {&made.items, &gone}) {
    std::erase_if(*items, [&](const auto& one) {
      return !buckets.contains(one.first.substr(0, keys::id_bytes));
    });
    thin_out(*items, objects_max);
  }
  made.items.merge(gone);
  return made;
}

/// Ids of those that are there and not about to go.
static std::set<std::string> living_buckets(const partition_rows& root) {
  std::set<std::string> all;
  for (const auto& [row, value] : root.of(table::buckets)) {
    v1::BucketRecord bucket;
    bucket.ParseFromString(value);
    if (bucket.state() == v1::BucketRecord::ACTIVE) all.insert(bucket.id());
  }
  return all;
}

std::vector<std::string> check_caches(virtual_cluster& cluster, const former_names& known) {
  std::chrono::milliseconds stale{0};
  for (const auto& [type, how] : cluster.topology().options.caches)
    stale = std::max(stale, how.staleness_max);
  cluster.time().run_for(stale + 1s);
  const auto state = state_of(cluster, 0);
  if (!state) return {"no state of the root partition"};
  const auto root = rows_of(*state);
  std::vector<expectation> all{
      expect<v1::BucketRecord>(cluster, root, cached::bucket, table::buckets, known.buckets),
      expect<v1::AccessKeyRecord>(cluster, root, cached::user, table::access_keys,
                                  known.access_keys),
      expect<v1::PolicyRecord>(cluster, root, cached::policy, table::policies, known.policies)};
  for (partition_id id = 1; id <= cluster.topology().options.partitions; ++id)
    if (auto objects = expect_objects(cluster, living_buckets(root), id))
      all.push_back(std::move(*objects));
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
