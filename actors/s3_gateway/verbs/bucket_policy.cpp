#include "actors/s3_gateway/access.hpp"
#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/bucket_write.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "runtime/policy/read_document.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

constexpr std::uint64_t body_bytes_max = 64 * 1024;
constexpr std::size_t users_max = 50;  // named in one policy: each is looked up when it is stored

/// What cannot be decided by is not stored; and who stores it should not lock itself out by
/// mistake, unless it is the root user, who never is.
policy::document read_document(const context& c, const std::string& text) {
  auto got = policy::read_bucket_document(text, c.bucket.name());
  if (!got.read) throw error("MalformedPolicy", got.mistake);
  const auto* meant = find_header(c.request(), confirm_lockout);
  if (c.root_user || (meant && lower(trimmed(*meant)) == "true")) return std::move(*got.read);
  const auto wanted = permission_of(operation::put_policy, c.where);
  const policy::question again(c.user, wanted.action, wanted.resource);
  if (policy::judge(*got.read, again) == policy::verdict::denied)
    throw error("MalformedPolicy",
                "The policy would deny you s3:PutBucketPolicy on this bucket; if you mean that, "
                "send " +
                    std::string(confirm_lockout) + ": true.");
  return std::move(*got.read);
}

/// A name that nobody has would be a denial that its writer believes in.
task<void> expect_users(context& c, const policy::document& in) {
  const auto users = policy::users_named(in);
  if (users.size() > users_max)
    throw error("MalformedPolicy", "The policy names more than " + std::to_string(users_max) +
                                       " users: use \"*\", or policies of the users.");
  for (const auto& name : users) {
    v1::PartitionQuery query;
    query.mutable_get_user()->set_name(name);
    auto route = to_root();
    const auto reply = co_await ask(c, std::move(route), std::move(query));
    if (reply.status() == v1::CommandReply::NO_SUCH_KEY)
      throw error("MalformedPolicy",
                  "Invalid principal in policy: there is no user \"" + name + "\".");
    expect_ok(reply.status());
  }
}

task<void> store(context& c, std::string document) {
  v1::Command command;
  auto& put = *command.mutable_put_bucket_policy();
  put.set_name(c.bucket.name());
  put.set_id(c.bucket.id());
  put.set_policy(std::move(document));
  const auto reply = co_await execute_on_bucket(c, std::move(command));
  expect_ok(reply.status());
  std::vector<http::header> headers;
  co_await answer(c, 204, std::move(headers), std::string());
}

}  // namespace

task<void> put_policy(context& c) {
  auto document = co_await read_all(c, body_bytes_max);
  const auto read = read_document(c, document);
  co_await expect_users(c, read);
  co_await store(c, std::move(document));
}

task<void> delete_policy(context& c) { co_await store(c, std::string()); }

task<void> get_policy(context& c) {
  if (c.bucket.policy().empty()) {
    auto missing = error("NoSuchBucketPolicy");
    missing.details.emplace_back("BucketName", c.where.bucket);
    throw missing;
  }
  std::vector<http::header> headers;
  headers.push_back({"Content-Type", "application/json"});
  co_await answer(c, 200, std::move(headers), c.bucket.policy());
}

}  // namespace dunlin::s3
