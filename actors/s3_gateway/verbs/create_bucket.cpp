#include "actors/s3_gateway/body.hpp"
#include "actors/s3_gateway/bucket_write.hpp"
#include "actors/s3_gateway/verbs.hpp"
#include "actors/s3_gateway/xml.hpp"

#include <utility>

namespace dunlin::s3 {

namespace {

constexpr std::uint64_t configuration_bytes_max = 64 * 1024;
constexpr std::size_t bucket_id_bytes = 16;

/// The body may be absent; what it asks for must be what the cluster is.
void check_configuration(const std::string& body, const std::string& region) {
  if (body.empty()) return;
  const auto document = read_xml(body, "CreateBucketConfiguration");
  if (!document) throw error("MalformedXML");
  for (const auto& child : document->children) {
    if (child.name != "LocationConstraint")
      throw error("NotImplemented",
                  "CreateBucketConfiguration with " + child.name + " is not implemented");
    const auto wanted = trimmed(child.text);
    if (!wanted.empty() && wanted != region)
      throw error("IllegalLocationConstraintException",
                  "The " + std::string(wanted) +
                      " location constraint is incompatible for the region specific endpoint this "
                      "request was sent to.");
  }
}

}  // namespace

task<void> create_bucket(context& c) {
  if (!valid_bucket_name(c.where.bucket)) throw error("InvalidBucketName");
  const auto& region = c.world.options().region;
  if (c.request().content_length.value_or(0) > 0) {
    const auto body = co_await read_all(c, configuration_bytes_max);
    check_configuration(body, region);
  } else {
    expect_no_body(c);
  }
  v1::Command command;
  auto& body = *command.mutable_create_bucket();
  body.set_name(c.where.bucket);
  body.set_id(c.world.random_bytes(bucket_id_bytes));
  body.set_owner(c.user);
  body.set_region(region);
  const auto reply = co_await execute_on_bucket(c, std::move(command));
  // As S3 does it in us-east-1: making one's own bucket again is no error there, so a retry after a
  // lost answer succeeds.
  const bool again =
      reply.status() == v1::CommandReply::BUCKET_ALREADY_OWNED && region == "us-east-1";
  // The user was deleted, as the root partition says, which a cache has not heard of yet.
  if (reply.status() == v1::CommandReply::NO_SUCH_KEY) throw error("InvalidAccessKeyId");
  if (!again) expect_ok(reply.status());
  std::vector<http::header> headers;
  headers.push_back({"Location", "/" + c.where.bucket});
  co_await answer(c, 200, std::move(headers), std::string());
}

}  // namespace dunlin::s3
