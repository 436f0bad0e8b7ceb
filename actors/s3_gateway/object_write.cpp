#include "actors/s3_gateway/object_write.hpp"

#include "messages/bucket_hash.hpp"
#include "messages/cache_types.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace dunlin::s3 {

namespace {

/// A ticket is a turn of the near cache's and a place in its table; DeleteObjects may name 1,000.
constexpr std::size_t tickets_max = 16;

/// As messages/partition.hpp has it of the router's answers.
bool surely_not_run(ec why) {
  return why == ec::unavailable || why == ec::overloaded || why == ec::disk_full;
}

/// Which partition has the bucket, as the node's cluster map says; none: that is not cached here,
/// or does not say. It costs no question to anybody but now and then the leader of the map.
task<std::optional<partition_id>> partition_of(context& c, const std::string& bucket_id) {
  std::optional<partition_id> found;
  std::string key(cached::cluster_map_key);
  auto said = co_await c.world.look_up(cached::cluster_map, std::move(key), false);
  if (!said || !said->record) co_return found;
  const auto hash = bucket_hash(bucket_id);
  for (const auto& one : said->record->cluster_map().partitions())
    if (hash >= one.first_hash() && hash <= one.last_hash()) found = one.id();
  co_return found;
}

/// What the outcome of a command says of each of its objects.
cache_written outcome_of(const result<v1::CommandReply>& reply, bool removes) {
  cache_written what;
  what.outcome = cache_outcome::refused;
  if (!reply) {
    if (!surely_not_run(reply.error())) what.outcome = cache_outcome::lost;
    return what;
  }
  if (reply->status() == v1::CommandReply::UNKNOWN_CLIENT) what.outcome = cache_outcome::lost;
  if (reply->status() != v1::CommandReply::OK) return what;
  what.outcome = removes ? cache_outcome::removed : cache_outcome::changed;
  what.tick = reply->tick();
  // The answer to a retry has status and tick only.
  if (removes || !reply->has_object()) return what;
  auto record = std::make_shared<v1::CachedRecord>();
  *record->mutable_object() = reply->object();
  what.record = std::move(record);
  return what;
}

/// Of what nobody can say where it is nothing is kept: news of its partition would not prove it.
task<void> place(context& c, cache_written& what) {
  if (what.outcome == cache_outcome::lost || what.outcome == cache_outcome::refused) co_return;
  const auto partition = co_await partition_of(c, c.bucket.id());
  if (partition) {
    what.partition = *partition;
    co_return;
  }
  what.outcome = cache_outcome::changed;
  what.record = nullptr;
}

task<v1::CommandReply> run(context& c, std::vector<std::string> keys, v1::Command command,
                           bool removes) {
  std::vector<std::uint64_t> tickets(keys.size());
  // A cache that does not answer takes nothing from the write itself.
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = object_item(c, keys[i]);
    if (keys.size() > tickets_max) continue;
    auto key = keys[i];
    auto ticket = co_await c.world.begin_write(cached::object, std::move(key));
    if (ticket) tickets[i] = *ticket;
  }
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await c.world.execute(std::move(route), std::move(command));
  auto what = outcome_of(reply, removes);
  co_await place(c, what);
  const bool untouched = what.outcome == cache_outcome::refused;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (untouched && tickets[i] == 0) continue;
    auto one = what;
    one.ticket = tickets[i];
    one.key = std::move(keys[i]);
    co_await c.world.end_write(cached::object, std::move(one));
  }
  if (!reply) throw error_of(reply.error());
  co_return std::move(*reply);
}

}  // namespace

std::string object_item(const context& c, const std::string& key) { return c.bucket.id() + key; }

task<v1::CommandReply> execute_on_object(context& c, std::string key, v1::Command command) {
  std::vector<std::string> keys(1, std::move(key));
  auto reply = co_await run(c, std::move(keys), std::move(command), false);
  co_return reply;
}

task<v1::CommandReply> execute_removal(context& c, std::vector<std::string> keys,
                                       v1::Command command) {
  auto reply = co_await run(c, std::move(keys), std::move(command), true);
  co_return reply;
}

}  // namespace dunlin::s3
