#include "actors/s3_gateway/context.hpp"

#include "messages/cache_types.hpp"
#include "runtime/observe/reached.hpp"

#include <optional>
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

task<v1::QueryReply> ask_upload(context& c, const std::string& upload_id) {
  v1::PartitionQuery query;
  auto& get = *query.mutable_get_upload();
  get.set_bucket_id(c.bucket.id());
  get.set_key(c.where.key);
  get.set_upload_id(upload_id);
  auto route = to_bucket(c.bucket.id());
  auto reply = co_await ask(c, std::move(route), std::move(query));
  co_return reply;
}

void expect_ok(v1::CommandReply::Status status) {
  if (status != v1::CommandReply::OK) throw error_of(status);
}

task<cache_answer> look_up(context& c, std::string_view type, std::string key) {
  auto said = co_await c.world.look_up(type, std::move(key), false);
  if (!said) throw error_of(said.error());
  co_return std::move(*said);
}

task<cache_answer> confirm(context& c, std::string_view type, std::string key) {
  if (!c.world.confirmations().take(c.request().peer, c.world.now_ms())) throw error("SlowDown");
  auto said = co_await c.world.look_up(type, std::move(key), true);
  if (!said) throw error_of(said.error());
  co_return std::move(*said);
}

namespace {

/// Why the bucket is not the one that the client means, if that is so.
std::optional<failure> refusal_of(const context& c, const cache_answer& said) {
  if (!said.record) return error("NoSuchBucket");
  const auto& owner = said.record->bucket().owner();
  const auto* expected = find_header(c.request(), "x-amz-expected-bucket-owner");
  if (expected && *expected != owner) return error("AccessDenied");
  return {};
}

void use_bucket(context& c, const cache_answer& said) {
  if (auto refused = refusal_of(c, said)) throw std::move(*refused);
  c.bucket = said.record->bucket();
  c.bucket_sure = said.confirmed;
}

}  // namespace

task<void> find_bucket(context& c, bool sure) {
  if (!valid_bucket_name(c.where.bucket)) throw error("InvalidBucketName");
  auto asked = co_await c.world.look_up(cached::bucket, c.where.bucket, sure);
  if (!asked) throw error_of(asked.error());
  auto said = std::move(*asked);
  if (!said.confirmed && refusal_of(c, said)) {
    DUNLIN_REACHED("gateway.bucket_confirmed_before_a_no");
    said = co_await confirm(c, cached::bucket, c.where.bucket);
  }
  use_bucket(c, said);
}

task<void> confirm_bucket(context& c) {
  if (c.bucket_sure) co_return;
  const auto said = co_await confirm(c, cached::bucket, c.where.bucket);
  use_bucket(c, said);
  c.bucket_sure = true;
}

task<bool> still_the_bucket(context& c) {
  const auto id = c.bucket.id();
  co_await confirm_bucket(c);
  co_return c.bucket.id() == id;
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
