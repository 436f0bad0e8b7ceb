#include "actors/s3_gateway/bucket_write.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <optional>
#include <utility>

namespace dunlin::s3 {

namespace {

constexpr int seal_rounds_max = 100;

task<v1::CommandReply> end_delete(context& c, const std::string& id, bool removed) {
  v1::Command command;
  auto& body = *command.mutable_end_delete_bucket();
  body.set_name(c.where.bucket);
  body.set_id(id);
  body.set_removed(removed);
  auto route = to_root();
  auto reply = co_await execute(c, std::move(route), std::move(command));
  co_return reply;
}

/// Sealing also aborts open uploads, a bounded number a command; TOO_MUCH_AT_ONCE: some are left.
task<v1::CommandReply::Status> seal(context& c, const std::string& id) {
  auto status = v1::CommandReply::TOO_MUCH_AT_ONCE;
  for (int round = 0; status == v1::CommandReply::TOO_MUCH_AT_ONCE && round < seal_rounds_max;
       ++round) {
    v1::Command command;
    command.mutable_seal_bucket()->set_bucket_id(id);
    auto route = to_bucket(id);
    const auto reply = co_await execute(c, std::move(route), std::move(command));
    status = reply.status();
  }
  co_return status;
}

/// Mark at the root, seal at the bucket's partition, remove at the root (decision 11). Each step is
/// idempotent: one that died in the middle is ended by the next DELETE.
task<v1::CommandReply> remove(context& c) {
  v1::Command begin;
  begin.mutable_begin_delete_bucket()->set_name(c.where.bucket);
  auto root = to_root();
  auto begun = co_await execute(c, std::move(root), std::move(begin));
  expect_ok(begun.status());
  const auto id = begun.bucket().id();

  const auto sealed = co_await seal(c, id);
  if (sealed != v1::CommandReply::OK) {
    // Only a definite no gives the name back; after an unknown outcome it may be sealed.
    if (sealed == v1::CommandReply::BUCKET_NOT_EMPTY) co_await end_delete(c, id, false);
    throw error_of(sealed);
  }
  auto ended = co_await end_delete(c, id, true);
  // Somebody else's DELETE may have come first; the bucket is gone either way.
  if (ended.status() != v1::CommandReply::NO_SUCH_BUCKET) expect_ok(ended.status());
  co_return ended;
}

}  // namespace

task<void> delete_bucket(context& c) {
  bucket_write write(c);
  co_await write.begin();
  std::optional<v1::CommandReply> ended;
  std::optional<failure> failed;
  try {
    ended = co_await remove(c);
  } catch (const failure& why) {
    failed = why;
  }
  // Short of its end it may be marked, or put back; and if somebody else removed it, the name may
  // mean another bucket by now.
  if (ended && ended->status() == v1::CommandReply::OK)
    co_await write.end_removed(*ended);
  else
    co_await write.end_lost();
  if (failed) throw std::move(*failed);
  std::vector<http::header> headers;
  co_await answer(c, 204, std::move(headers), std::string());
}

}  // namespace dunlin::s3
