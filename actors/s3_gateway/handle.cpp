#include "actors/s3_gateway/handle.hpp"

#include "actors/s3_gateway/access.hpp"
#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/ending.hpp"
#include "actors/s3_gateway/sign_in.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "runtime/observe/reached.hpp"

#include <optional>
#include <utility>

namespace dunlin::s3 {

namespace {

task<void> run(context& c) {
  using enum operation;
  switch (c.what) {
    case none: break;
    case list_buckets: return s3::list_buckets(c);
    case create_bucket: return s3::create_bucket(c);
    case head_bucket: return s3::head_bucket(c);
    case delete_bucket: return s3::delete_bucket(c);
    case get_location: return s3::get_location(c);
    case put_policy: return s3::put_policy(c);
    case get_policy: return s3::get_policy(c);
    case delete_policy: return s3::delete_policy(c);
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
  return what == create_bucket || what == put_policy || what == delete_objects ||
         what == put_object || what == upload_part || what == complete_upload;
}

/// The partition knows nothing of the bucket or upload, which may be since the name means another
/// bucket than the cache said.
bool may_be_another_bucket(const failure& what) {
  return what.code == "NoSuchBucket" || what.code == "OperationAborted" ||
         what.code == "NoSuchUpload";
}

/// What was found in the cache and turns out to be gone is looked up again, and the verb runs again
/// if it still can (O4).
task<void> run_on_bucket(context& c) {
  std::optional<failure> met;
  try {
    co_await run(c);
  } catch (const failure& why) {
    if (c.bucket_sure || c.answered || !may_be_another_bucket(why)) throw;
    met = why;
  }
  if (!met) co_return;
  const bool same = co_await still_the_bucket(c);
  if (same) throw std::move(*met);
  if (c.body_taken) {
    DUNLIN_REACHED("gateway.bucket_changed_under_a_body");
    throw error("ServiceUnavailable");
  }
  DUNLIN_REACHED("gateway.run_again_on_another_bucket");
  co_await authorize(c);
  co_await run(c);
}

/// A bucket is deleted by its name, so it had better be the one that was looked at; and what its
/// policy is, its leader says.
bool wants_leader(operation what) {
  using enum operation;
  return what == delete_bucket || what == put_policy || what == get_policy || what == delete_policy;
}

task<void> serve(context& c) {
  c.where = parse_target(c.request().target);
  co_await authenticate(c);
  c.what = operation_of(c.request(), c.where);
  if (!takes_body(c.what)) expect_no_body(c);
  if (!on_a_bucket(c.what)) {
    co_await authorize(c);
    co_await run(c);
    co_return;
  }
  const bool sure = wants_leader(c.what);
  co_await find_bucket(c, sure);
  co_await authorize(c);
  co_await run_on_bucket(c);
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

refusal error_answer(const failure& what, const http::request& request) {
  auto body = error_bytes(what, request);
  auto head = error_head(what, request, body->size());
  return {std::move(head), std::move(body)};
}

}  // namespace

task<outcome> handle(services& world) {
  context c{world};
  auto served = serve(c);
  const auto met = co_await failure_of(std::move(served));
  if (!met) co_return outcome();
  auto said = error_answer(*met, c.request());
  auto out = co_await end_failed(c, *met, std::move(said));
  co_return out;
}

refusal slow_down(const http::request& request) { return error_answer(error("SlowDown"), request); }

}  // namespace dunlin::s3
