#include "actors/s3_gateway/conditions.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <utility>

namespace dunlin::s3 {

/// Deleting what is absent succeeds, as S3 has it.
task<void> delete_object(context& c) {
  v1::Command command;
  auto& body = *command.mutable_delete_objects();
  body.set_bucket_id(c.bucket.id());
  body.add_keys(c.where.key);
  const auto wanted = write_precondition(c.request());
  if (!empty(wanted)) *body.mutable_precondition() = wanted;
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await execute(c, std::move(route), std::move(command));
  expect_ok(reply.status());
  std::vector<http::header> headers;
  co_await answer(c, 204, std::move(headers), std::string());
}

}  // namespace dunlin::s3
