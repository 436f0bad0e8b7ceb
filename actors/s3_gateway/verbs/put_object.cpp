#include "actors/s3_gateway/conditions.hpp"
#include "actors/s3_gateway/metadata.hpp"
#include "actors/s3_gateway/object_write.hpp"
#include "actors/s3_gateway/store.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "runtime/observe/planted.hpp"

#include <utility>

namespace dunlin::s3 {

task<void> put_object(context& c) {
  expect_length(c.request());
  v1::Command command;
  auto& put = *command.mutable_put_object();
  put.set_bucket_id(c.bucket.id());
  put.set_key(c.where.key);
  auto& record = *put.mutable_record();
  read_metadata(c.request(), *record.mutable_content_headers(), *record.mutable_user_metadata());
  const auto wanted = write_precondition(c.request());
  if (!empty(wanted)) *put.mutable_precondition() = wanted;

  body_reader body(c, c.world.options().object_bytes_max);
  v1::Item item;
  item.set_bucket_id(c.bucket.id());
  item.set_key(c.where.key);
  auto layout = co_await store(c, std::move(item), body);
  *record.mutable_layout() = std::move(layout);
  record.set_size(body.length());
  record.set_etag(body.etag());
  record.set_owner(c.bucket.owner());

  if (planted(bug::condition_checked_early) && put.has_precondition()) {
    v1::PartitionQuery query;
    query.mutable_get_object()->set_bucket_id(c.bucket.id());
    query.mutable_get_object()->set_key(c.where.key);
    auto route = to_bucket(c.bucket.id());
    const auto now = co_await ask(c, std::move(route), std::move(query));
    const auto& held = now.object();
    if (now.status() == v1::CommandReply::OK &&
        judge_read(c.request(), held.etag(), held.modified_ms()) != verdict::go_on)
      throw error("PreconditionFailed");
    put.clear_precondition();
  }
  auto key = c.where.key;
  auto reply = co_await execute_on_object(c, std::move(key), std::move(command));
  expect_ok(reply.status());
  std::vector<http::header> headers;
  headers.push_back({"ETag", "\"" + body.etag() + "\""});
  co_await answer(c, 200, std::move(headers), std::string());
}

}  // namespace dunlin::s3
