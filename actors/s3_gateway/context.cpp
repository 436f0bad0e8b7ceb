#include "actors/s3_gateway/context.hpp"

#include <utility>

namespace dunlin::s3 {

task<v1::QueryReply> ask(context& c, v1::Route to, v1::PartitionQuery query) {
  auto reply = co_await c.world.ask(std::move(to), std::move(query));
  if (!reply) throw error_of(reply.error());
  // To a reader a bucket whose delete has sealed it is gone.
  if (reply->status() == v1::CommandReply::SEALED) throw error("NoSuchBucket");
  co_return std::move(*reply);
}

task<v1::CommandReply> execute(context& c, v1::Route to, v1::Command command) {
  auto reply = co_await c.world.execute(std::move(to), std::move(command));
  if (!reply) throw error_of(reply.error());
  co_return std::move(*reply);
}

void expect_ok(v1::CommandReply::Status status) {
  if (status != v1::CommandReply::OK) throw error_of(status);
}

task<void> find_bucket(context& c) {
  if (!valid_bucket_name(c.where.bucket)) throw error("InvalidBucketName");
  v1::PartitionQuery query;
  query.mutable_get_bucket()->set_name(c.where.bucket);
  auto route = to_root();
  auto reply = co_await ask(c, std::move(route), std::move(query));
  expect_ok(reply.status());
  if (reply.buckets().empty()) throw error("NoSuchBucket");
  c.bucket = reply.buckets(0);
  if (c.bucket.owner() != c.user && !c.root_user) throw error("AccessDenied");
  const auto* expected = find_header(c.request(), "x-amz-expected-bucket-owner");
  if (expected && *expected != c.bucket.owner()) throw error("AccessDenied");
}

task<void> answer(context& c, int status, std::vector<http::header> headers, std::string body) {
  auto bytes = std::make_shared<const std::string>(std::move(body));
  const auto length = bytes->size();
  co_await answer_head(c, status, std::move(headers), length, std::move(bytes));
}

task<void> answer_xml(context& c, std::string document) {
  std::vector<http::header> headers;
  headers.push_back({"Content-Type", "application/xml"});
  co_await answer(c, 200, std::move(headers), std::move(document));
}

task<void> answer_head(context& c, int status, std::vector<http::header> headers,
                       std::uint64_t length, buffer first) {
  http::response head;
  head.status = status;
  head.headers = std::move(headers);
  head.headers.push_back({"x-amz-request-id", c.request().id});
  head.content_length = length;
  c.answered = true;
  auto sent = co_await c.world.respond(std::move(head), std::move(first));
  if (!sent) throw error_of(sent.error());
}

}  // namespace dunlin::s3
