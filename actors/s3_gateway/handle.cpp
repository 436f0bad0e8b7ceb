#include "actors/s3_gateway/handle.hpp"

#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/verbs.hpp"

#include <exception>
#include <optional>
#include <utility>

namespace dunlin::s3 {

namespace {

task<credential> look_up(context& c) {
  v1::PartitionQuery query;
  query.mutable_get_access_key()->set_access_key(c.proof.access_key);
  auto route = to_root();
  auto reply = co_await ask(c, std::move(route), std::move(query));
  const bool known = reply.status() == v1::CommandReply::OK && reply.has_access_key() &&
                     !reply.access_key().revoked() && !reply.access_key().secret().empty();
  if (!known) {
    auto unknown = error("InvalidAccessKeyId");
    unknown.details.emplace_back("AWSAccessKeyId", c.proof.access_key);
    throw unknown;
  }
  credential out;
  out.secret = reply.access_key().secret();
  out.user = reply.access_key().user();
  out.root_user = reply.user().root();
  co_return out;
}

void sign_in(context& c, const credential& known) {
  verify(c.request(), c.where, c.proof, known.secret);
  c.user = known.user;
  c.root_user = known.root_user;
}

/// Whether the cache proves it. A no is never given from it alone: the key may have a new secret.
bool signed_in_from_cache(context& c, std::int64_t now_ms) {
  const auto known = c.world.credentials().find(c.proof.access_key, now_ms);
  if (!known) return false;
  try {
    sign_in(c, *known);
  } catch (const failure&) {
    return false;
  }
  return true;
}

task<void> authenticate(context& c) {
  const auto now = c.world.now_ms();
  c.proof = read_claim(c.request(), c.where, c.world.options().region, now);
  if (signed_in_from_cache(c, now)) co_return;
  auto known = co_await look_up(c);
  sign_in(c, known);
  c.world.credentials().put(c.proof.access_key, std::move(known), now);
}

task<void> run(context& c, operation what) {
  using enum operation;
  switch (what) {
    case list_buckets: return s3::list_buckets(c);
    case create_bucket: return s3::create_bucket(c);
    case head_bucket: return s3::head_bucket(c);
    case delete_bucket: return s3::delete_bucket(c);
    case get_location: return s3::get_location(c);
    case list_objects: return s3::list_objects(c);
    case list_uploads: return s3::list_uploads(c);
    case delete_objects: return s3::delete_objects(c);
    case put_object: return s3::put_object(c);
    case get_object:
    case head_object: return s3::get_object(c);
    case delete_object: return s3::delete_object(c);
    case create_upload: return s3::create_upload(c);
    case upload_part: return s3::upload_part(c);
    case list_parts: return s3::list_parts(c);
    case complete_upload: return s3::complete_upload(c);
    case abort_upload: return s3::abort_upload(c);
  }
  throw error("InternalError");
}

bool takes_body(operation what) {
  using enum operation;
  return what == create_bucket || what == delete_objects || what == put_object ||
         what == upload_part || what == complete_upload;
}

task<void> serve(context& c) {
  c.where = parse_target(c.request().target);
  co_await authenticate(c);
  const auto what = operation_of(c.request(), c.where);
  if (!takes_body(what)) expect_no_body(c);
  if (what != operation::list_buckets && what != operation::create_bucket) co_await find_bucket(c);
  co_await run(c, what);
}

/// S3's Resource: the path as it was asked for, without the query.
std::string_view resource_of(const http::request& request) {
  const std::string_view target = request.target;
  return target.substr(0, target.find('?'));
}

http::response error_head(const failure& what, const http::request& request, std::size_t size) {
  http::response head;
  head.status = what.status;
  head.headers = what.headers;
  head.headers.push_back({"Content-Type", "application/xml"});
  head.headers.push_back({"x-amz-request-id", request.id});
  if (what.status == 503) head.headers.push_back({"Retry-After", "1"});
  head.content_length = size;
  return head;
}

buffer error_bytes(const failure& what, const http::request& request) {
  // A HEAD's answer has no body, and 304 must not have one.
  if (request.method == "HEAD" || what.status == 304) return std::make_shared<const std::string>();
  return std::make_shared<const std::string>(error_body(what, resource_of(request), request.id));
}

}  // namespace

task<outcome> handle(services& world) {
  context c{world, {}, {}, {}, false, {}, false};
  std::optional<failure> failed;
  try {
    co_await serve(c);
  } catch (const failure& what) {
    failed = what;
  } catch (const std::exception&) {
    failed = error("InternalError");
  }
  outcome out;
  if (!failed) co_return out;
  out.status = failed->status;
  out.code = failed->code;
  out.cut = c.answered;
  if (c.answered) {
    world.cut();
    co_return out;
  }
  auto body = error_bytes(*failed, c.request());
  auto head = error_head(*failed, c.request(), body->size());
  auto sent = co_await world.respond(std::move(head), std::move(body));
  if (!sent) out.cut = true;
  co_return out;
}

refusal slow_down(const http::request& request) {
  const auto what = error("SlowDown");
  auto body = error_bytes(what, request);
  auto head = error_head(what, request, body->size());
  return {std::move(head), std::move(body)};
}

}  // namespace dunlin::s3
