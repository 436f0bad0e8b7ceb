#include "actors/s3_gateway/object_write.hpp"

#include "messages/cache_types.hpp"

#include <memory>
#include <utility>

namespace dunlin::s3 {

namespace {

/// A ticket is a turn of the near cache's and a place in its table; DeleteObjects may name 1,000.
constexpr std::size_t tickets_max = 16;

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
  what.partition = reply->partition();
  // An older release does not say whose tick it is. News of another partition would prove what is
  // kept, so nothing is; what is held goes.
  if (what.partition == 0) what.outcome = cache_outcome::changed;
  // A retry may find that what it wrote is replaced by now: then it is given no record.
  if (removes || what.partition == 0 || !reply->has_object()) return what;
  auto record = std::make_shared<v1::CachedRecord>();
  *record->mutable_object() = reply->object();
  what.record = std::move(record);
  return what;
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
  const auto what = outcome_of(reply, removes);
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
