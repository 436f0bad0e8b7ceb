#include "actors/s3_gateway/bucket_write.hpp"

#include "messages/cache_types.hpp"

#include <memory>
#include <utility>

namespace dunlin::s3 {

static constexpr partition_id root_partition = 0;

// A cache that does not answer takes nothing from the write itself.
task<void> bucket_write::begin() {
  auto ticket = co_await c_.world.begin_write(cached::bucket, c_.where.bucket);
  ticket_ = ticket ? *ticket : 0;
}

task<void> bucket_write::end(cache_written what) {
  what.ticket = ticket_;
  what.key = c_.where.bucket;
  co_await c_.world.end_write(cached::bucket, std::move(what));
}

task<void> bucket_write::end_changed(const v1::CommandReply& reply) {
  cache_written what;
  what.outcome = cache_outcome::changed;
  what.partition = root_partition;
  what.tick = reply.tick();
  // The answer to a retry has status and tick only.
  if (reply.has_bucket()) {
    auto record = std::make_shared<v1::CachedRecord>();
    *record->mutable_bucket() = reply.bucket();
    what.record = std::move(record);
  }
  co_await end(std::move(what));
}

task<void> bucket_write::end_removed(const v1::CommandReply& reply) {
  cache_written what;
  what.outcome = cache_outcome::removed;
  what.partition = root_partition;
  what.tick = reply.tick();
  co_await end(std::move(what));
}

task<void> bucket_write::end_failed(ec why) {
  if (surely_not_run(why))
    co_await end_refused();
  else
    co_await end_lost();
}

task<void> bucket_write::end_refused() {
  cache_written what;
  what.outcome = cache_outcome::refused;
  co_await end(std::move(what));
}

task<void> bucket_write::end_lost() {
  cache_written what;
  co_await end(std::move(what));
}

task<v1::CommandReply> execute_on_bucket(context& c, v1::Command command) {
  bucket_write write(c);
  co_await write.begin();
  auto route = to_root();
  auto reply = co_await c.world.execute(std::move(route), std::move(command));
  if (!reply) {
    co_await write.end_failed(reply.error());
    throw error_of(reply.error());
  }
  if (reply->status() == v1::CommandReply::OK)
    co_await write.end_changed(*reply);
  else if (reply->status() == v1::CommandReply::UNKNOWN_CLIENT)
    co_await write.end_lost();
  else
    co_await write.end_refused();
  co_return std::move(*reply);
}

}  // namespace dunlin::s3
