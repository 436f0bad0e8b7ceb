#include "actors/s3_gateway/listing.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <utility>

namespace dunlin::s3 {

task<void> abort_upload(context& c) {
  v1::Command command;
  auto& abort = *command.mutable_abort_upload();
  abort.set_bucket_id(c.bucket.id());
  abort.set_key(c.where.key);
  abort.set_upload_id(read_upload_id(c.where));
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await execute(c, std::move(route), std::move(command));
  expect_ok(reply.status());
  std::vector<http::header> headers;
  co_await answer(c, 204, std::move(headers), std::string());
}

}  // namespace dunlin::s3
