#include "actors/management/answer.hpp"

#include "actors/s3_gateway/target.hpp"
#include "actors/s3_gateway/times.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/policy/arn.hpp"

#include <algorithm>
#include <string>

namespace dunlin::iam {

namespace {

/// What tells one thing of a name from a later one of the same name.
std::string unique_id(std::string_view prefix, std::string_view name, std::int64_t created_ms) {
  const auto text = std::string(name) + " " + std::to_string(created_ms);
  auto digits = crypto::hex(crypto::sha256::of(text)).substr(0, 17);
  std::transform(digits.begin(), digits.end(), digits.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  return std::string(prefix) + digits;
}

}  // namespace

void write_user(s3::xml_writer& xml, const v1::UserRecord& user) {
  xml.text("Path", "/");
  xml.text("UserName", user.name());
  xml.text("UserId", unique_id("AIDA", user.name(), user.created_ms()));
  xml.text("Arn", policy::user_arn(user.name()));
  xml.text("CreateDate", s3::iso_time(user.created_ms()));
}

void write_key(s3::xml_writer& xml, const v1::AccessKeyRecord& key) {
  xml.text("UserName", key.user());
  xml.text("AccessKeyId", key.access_key());
  xml.text("Status", key.revoked() ? "Inactive" : "Active");
  xml.text("CreateDate", s3::iso_time(key.created_ms()));
}

std::string version_id(const v1::PolicyRecord& policy) {
  return "v" + std::to_string(policy.version());
}

void write_policy(s3::xml_writer& xml, const v1::PolicyRecord& policy) {
  xml.text("PolicyName", policy.name());
  xml.text("PolicyId", unique_id("ANPA", policy.name(), policy.created_ms()));
  xml.text("Arn", policy::policy_arn(policy.name()));
  xml.text("Path", "/");
  xml.text("DefaultVersionId", version_id(policy));
  xml.number("AttachmentCount", policy.attachments());
  xml.number("PermissionsBoundaryUsageCount", 0);
  xml.boolean("IsAttachable", true);
  if (!policy.description().empty()) xml.text("Description", policy.description());
  xml.text("CreateDate", s3::iso_time(policy.created_ms()));
  xml.text("UpdateDate", s3::iso_time(policy.changed_ms()));
}

void write_version(s3::xml_writer& xml, const v1::PolicyRecord& policy, bool with_document) {
  if (with_document) xml.text("Document", s3::percent_encode(policy.document(), false));
  xml.text("VersionId", version_id(policy));
  xml.boolean("IsDefaultVersion", true);
  xml.text("CreateDate", s3::iso_time(policy.changed_ms()));
}

}  // namespace dunlin::iam
