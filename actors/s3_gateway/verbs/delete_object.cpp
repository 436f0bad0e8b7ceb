#include "actors/s3_gateway/conditions.hpp"
#include "actors/s3_gateway/object_write.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <string>
#include <utility>
#include <vector>

namespace dunlin::s3 {

namespace {

task<v1::CommandReply::Status> remove(context& c, const v1::Precondition& wanted) {
  v1::Command command;
  auto& body = *command.mutable_delete_objects();
  body.set_bucket_id(c.bucket.id());
  body.add_keys(c.where.key);
  if (!empty(wanted)) *body.mutable_precondition() = wanted;
  std::vector<std::string> keys(1, c.where.key);
  const auto reply = co_await execute_removal(c, std::move(keys), std::move(command));
  co_return reply.status();
}

}  // namespace

/// Deleting what is absent succeeds, as S3 has it.
task<void> delete_object(context& c) {
  const auto wanted = write_precondition(c.request());
  auto status = co_await remove(c, wanted);
  if (status == v1::CommandReply::SEALED) {
    const bool same = co_await still_the_bucket(c);
    if (!same) status = co_await remove(c, wanted);
  }
  // A sealed bucket is empty.
  if (status == v1::CommandReply::SEALED)
    status = empty(wanted) ? v1::CommandReply::OK : v1::CommandReply::NO_SUCH_KEY;
  expect_ok(status);
  std::vector<http::header> headers;
  co_await answer(c, 204, std::move(headers), std::string());
}

}  // namespace dunlin::s3
