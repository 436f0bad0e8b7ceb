#include "actors/s3_gateway/access.hpp"

#include "actors/s3_gateway/sign_in.hpp"
#include "messages/cache_types.hpp"
#include "runtime/observe/planted.hpp"
#include "runtime/observe/reached.hpp"
#include "runtime/policy/read_document.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::s3 {

namespace {

/// No name of a bucket, user or policy has a blank.
constexpr std::string_view of_buckets = "bucket ";
constexpr std::string_view of_users = "user ";

policy::document_ptr to_document(policy::reading got) {
  // It was read when it was stored. One that cannot be read now would deny who knows what.
  if (!got.read) return policy::closed_document();
  return std::make_shared<const policy::document>(std::move(*got.read));
}

policy::document_ptr bucket_document(context& c) {
  const auto place = std::string(of_buckets) + c.bucket.name();
  const auto tick = planted(bug::bucket_policy_kept_by_name) ? 0 : c.bucket.tick();
  return c.world.documents().get(place, tick, [&c] {
    return to_document(policy::read_bucket_document(c.bucket.policy(), c.bucket.name()));
  });
}

/// What is named and not there grants nothing.
task<void> add_policy(context& c, std::string key, bool sure, gathered& to) {
  cache_answer said;
  if (sure)
    said = co_await confirm(c, cached::policy, key);
  else
    said = co_await look_up(c, cached::policy, key);
  if (!said.confirmed) to.sure = false;
  if (!said.record) co_return;
  const auto place = std::string(of_users) + key;
  to.grounds.policies.push_back(c.world.documents().get(place, said.tick, [&said] {
    return to_document(policy::read_user_document(said.record->policy().document()));
  }));
}

/// Nobody could take back a denial that reaches who would have to.
bool never_denied(const context& c) {
  using enum operation;
  return c.root_user && (c.what == get_policy || c.what == put_policy || c.what == delete_policy);
}

std::vector<bool> judge_each(const context& c, const gathered& on,
                             const std::vector<permission>& wanted) {
  std::vector<bool> out;
  for (const auto& each : wanted)
    out.push_back(policy::may(on.grounds, {c.user, each.action, each.resource}));
  return out;
}

bool all_of(const std::vector<bool>& said) {
  return std::find(said.begin(), said.end(), false) == said.end();
}

}  // namespace

bool on_a_bucket(operation what) {
  using enum operation;
  return what != none && what != list_buckets && what != create_bucket;
}

permission permission_of(operation what, const target& where) {
  using enum operation;
  const auto bucket = [&](std::string_view action) {
    return permission{action, policy::bucket_arn(where.bucket)};
  };
  const auto object = [&](std::string_view action) {
    return permission{action, policy::object_arn(where.bucket, where.key)};
  };
  switch (what) {
    case none: break;
    case list_buckets: return {"s3:ListAllMyBuckets", policy::bucket_arn("*")};
    case create_bucket: return bucket("s3:CreateBucket");
    case head_bucket:
    case list_objects: return bucket("s3:ListBucket");
    case delete_bucket: return bucket("s3:DeleteBucket");
    case get_location: return bucket("s3:GetBucketLocation");
    case put_policy: return bucket("s3:PutBucketPolicy");
    case get_policy: return bucket("s3:GetBucketPolicy");
    case delete_policy: return bucket("s3:DeleteBucketPolicy");
    case list_uploads: return bucket("s3:ListBucketMultipartUploads");
    case put_object:
    case create_upload:
    case upload_part:
    case complete_upload: return object("s3:PutObject");
    case get_object:
    case head_object: return object("s3:GetObject");
    case delete_objects:
    case delete_object: return object("s3:DeleteObject");
    case list_parts: return object("s3:ListMultipartUploadParts");
    case abort_upload: return object("s3:AbortMultipartUpload");
  }
  throw error("InternalError");
}

task<gathered> gather(context& c, bool sure) {
  gathered out;
  if (sure) {
    co_await confirm_user(c);
    if (on_a_bucket(c.what)) co_await confirm_bucket(c);
  }
  out.sure = c.signed_in.confirmed;
  out.grounds.root = c.root_user;
  if (on_a_bucket(c.what)) {
    out.sure = out.sure && c.bucket_sure;
    out.grounds.owner = c.bucket.owner() == c.user;
    if (!c.bucket.policy().empty()) out.grounds.policies.push_back(bucket_document(c));
  }
  const auto held = c.signed_in.record;
  const auto& user = held->user().user();
  for (const auto& name : user.attached())
    co_await add_policy(c, name, sure, out);
  for (const auto& name : user.inline_policies()) {
    auto key = user.name() + "/" + name;
    co_await add_policy(c, std::move(key), sure, out);
  }
  co_return out;
}

task<std::vector<bool>> may_each(context& c, std::vector<permission> wanted, bool own) {
  auto on = co_await gather(c, false);
  if (own) on.grounds.owner = true;
  auto said = judge_each(c, on, wanted);
  if (!all_of(said) && !on.sure && !planted(bug::denied_by_a_cache)) {
    DUNLIN_REACHED("gateway.access_confirmed_before_a_no");
    on = co_await gather(c, true);
    if (own) on.grounds.owner = true;
    said = judge_each(c, on, wanted);
  }
  co_return said;
}

task<void> authorize(context& c) {
  if (c.what == operation::delete_objects || never_denied(c)) co_return;
  const std::vector<permission> wanted(1, permission_of(c.what, c.where));
  const auto said = co_await may_each(c, wanted);
  if (!all_of(said)) throw denied(c, wanted.front());
}

failure denied(const context& c, const permission& wanted) {
  return error("AccessDenied", "User: " + policy::user_arn(c.user) +
                                   " is not authorized to perform: " + std::string(wanted.action) +
                                   " on resource: \"" + wanted.resource + "\"");
}

}  // namespace dunlin::s3
