#include "actors/s3_gateway/guard.hpp"

#include "actors/s3_gateway/checksum.hpp"
#include "actors/s3_gateway/error.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace dunlin::s3 {

namespace {

using names = std::vector<std::string_view>;

enum class scope : std::uint8_t { service, bucket, object };

struct rule {
  operation what;
  std::string_view method;
  scope on;
  names needs;   ///< parameters that select it
  names allows;  ///< parameters that it understands besides
};

/// The first rule whose method, scope and needs match is the request's; rules with needs come
/// first.
const std::vector<rule>& rules() {
  using enum operation;
  static const std::vector<rule> all = {
      {list_buckets,
       "GET",
       scope::service,
       {},
       {"max-buckets", "continuation-token", "prefix", "bucket-region"}},
      {get_location, "GET", scope::bucket, {"location"}, {}},
      {get_policy, "GET", scope::bucket, {"policy"}, {}},
      {put_policy, "PUT", scope::bucket, {"policy"}, {}},
      {delete_policy, "DELETE", scope::bucket, {"policy"}, {}},
      {list_uploads,
       "GET",
       scope::bucket,
       {"uploads"},
       {"prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"}},
      {list_objects,
       "GET",
       scope::bucket,
       {},
       {"list-type", "prefix", "delimiter", "marker", "max-keys", "encoding-type", "start-after",
        "continuation-token", "fetch-owner"}},
      {head_bucket, "HEAD", scope::bucket, {}, {}},
      {create_bucket, "PUT", scope::bucket, {}, {}},
      {delete_bucket, "DELETE", scope::bucket, {}, {}},
      {delete_objects, "POST", scope::bucket, {"delete"}, {}},
      {list_parts,
       "GET",
       scope::object,
       {"uploadId"},
       {"part-number-marker", "max-parts", "encoding-type"}},
      {get_object,
       "GET",
       scope::object,
       {},
       {"response-content-type", "response-content-language", "response-expires",
        "response-cache-control", "response-content-disposition", "response-content-encoding"}},
      {head_object,
       "HEAD",
       scope::object,
       {},
       {"response-content-type", "response-content-language", "response-expires",
        "response-cache-control", "response-content-disposition", "response-content-encoding"}},
      {upload_part, "PUT", scope::object, {"uploadId", "partNumber"}, {}},
      {put_object, "PUT", scope::object, {}, {}},
      {create_upload, "POST", scope::object, {"uploads"}, {}},
      {complete_upload, "POST", scope::object, {"uploadId"}, {}},
      {abort_upload, "DELETE", scope::object, {"uploadId"}, {}},
      {delete_object, "DELETE", scope::object, {}, {}},
  };
  return all;
}

constexpr auto unbuilt = std::to_array<std::string_view>({
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "append",
    "attributes",
    "cors",
    "directory-bucket",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policyStatus",
    "position",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "session",
    "tagging",
    "torrent",
    "updateObjectEncryption",
    "versionId",
    "versioning",
    "versions",
    "website",
});

bool contains(const names& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

bool is_unbuilt(std::string_view name) {
  return std::find(unbuilt.begin(), unbuilt.end(), name) != unbuilt.end();
}

failure not_implemented(std::string_view kind, const std::string& name) {
  auto refused =
      error("NotImplemented", "A " + std::string(kind) +
                                  " you provided implies functionality that is not implemented");
  refused.details.emplace_back(kind == "header" ? "Header" : "Parameter", name);
  return refused;
}

const rule& rule_of(const http::request& request, const target& where) {
  const auto on = where.bucket.empty() ? scope::service
                  : where.key.empty()  ? scope::bucket
                                       : scope::object;
  for (const auto& each : rules()) {
    if (each.method != request.method || each.on != on) continue;
    if (std::all_of(each.needs.begin(), each.needs.end(),
                    [&](std::string_view name) { return where.find(name); }))
      return each;
  }
  for (const auto& [name, value] : where.parameters)
    if (is_unbuilt(name)) throw not_implemented("query parameter", name);
  // A form upload; S3 has it, so a 405 would be a lie.
  if (request.method == "POST" && on != scope::service) throw not_implemented("method", "POST");
  throw error("MethodNotAllowed");
}

void check_parameters(const rule& chosen, const target& where) {
  const bool reads = chosen.method == "GET" || chosen.method == "HEAD";
  names seen;
  for (const auto& [name, value] : where.parameters) {
    // Newer SDKs name their operation; it selects nothing.
    if (name == "x-id") continue;
    const bool understood = contains(chosen.needs, name) || contains(chosen.allows, name);
    if (understood && contains(seen, name))
      throw error("InvalidArgument", "The query parameter " + name + " is given twice.");
    seen.push_back(name);
    if (understood) continue;
    if (is_unbuilt(name)) throw not_implemented("query parameter", name);
    const bool selects_another =
        std::any_of(rules().begin(), rules().end(),
                    [&](const rule& other) { return contains(other.needs, name); });
    if (selects_another)
      throw error("InvalidArgument",
                  "This operation does not accept the query parameter " + name + ".");
    // S3 ignores what it does not know; on a write it might mean something to the client.
    if (!reads) throw not_implemented("query parameter", name);
  }
}

/// x-amz-* headers that change nothing, or nothing in the values given.
bool harmless(const std::string& name, std::string_view value) {
  static const names always = {"x-amz-date",          "x-amz-content-sha256",
                               "x-amz-user-agent",    "x-amz-checksum-mode",
                               "x-amz-request-payer", "x-amz-expected-bucket-owner"};
  if (contains(always, name) || name.rfind("x-amz-meta-", 0) == 0) return true;
  if (name == "x-amz-acl") return value == "private";
  if (name == "x-amz-storage-class") return value == "STANDARD";
  if (name == "x-amz-object-ownership") return value == "BucketOwnerEnforced";
  if (name == "x-amz-bucket-object-lock-enabled") return lower(value) == "false";
  return false;
}

/// Checksums of the body at hand are verified; what says more (of a whole multipart object, in a
/// trailer) is not built. An upload that names its parts' algorithm gets them verified one by one.
bool checksum_is_kept(operation what, const std::string& name, std::string_view value) {
  using enum operation;
  if (name == "x-amz-checksum-algorithm") return what == create_upload && checksum_named(value);
  if (what != put_object && what != upload_part && what != delete_objects &&
      what != create_bucket && what != put_policy)
    return false;
  if (name == "x-amz-sdk-checksum-algorithm") return checksum_named(value).has_value();
  constexpr std::string_view prefix = "x-amz-checksum-";
  return name.rfind(prefix, 0) == 0 && checksum_named(name.substr(prefix.size()));
}

/// Conditions and ranges that a write does not look at would be promises not kept.
bool condition_is_kept(operation what, const std::string& name) {
  using enum operation;
  if (name == "content-range") return what != put_object && what != upload_part;
  if (name == "if-match")
    return what != upload_part && what != create_upload && what != abort_upload &&
           what != delete_objects && what != create_bucket && what != delete_bucket &&
           what != put_policy && what != delete_policy;
  if (name == "if-none-match") return condition_is_kept(what, "if-match") && what != delete_object;
  if (name == "if-modified-since" || name == "if-unmodified-since")
    return condition_is_kept(what, "if-none-match") && what != put_object &&
           what != complete_upload;
  return true;
}

void check_headers(operation what, const http::request& request) {
  for (const auto& header : request.headers) {
    const auto name = lower(header.name);
    const auto value = trimmed(header.value);
    const bool amz = name.rfind("x-amz-", 0) == 0;
    if (what == operation::put_policy && name == confirm_lockout) continue;
    if (amz && !harmless(name, value) && !checksum_is_kept(what, name, value))
      throw not_implemented("header", header.name);
    if (!condition_is_kept(what, name)) throw not_implemented("header", header.name);
    if (name == "content-encoding" && lower(value).find("aws-chunked") != std::string::npos)
      throw not_implemented("header", header.name);
  }
}

}  // namespace

operation operation_of(const http::request& request, const target& where) {
  const auto& chosen = rule_of(request, where);
  check_parameters(chosen, where);
  check_headers(chosen.what, request);
  return chosen.what;
}

std::span<const std::string_view> unbuilt_parameters() { return unbuilt; }

}  // namespace dunlin::s3
