/// ANSWERS: records as IAM shows them.
#pragma once

#include "actors/s3_gateway/xml.hpp"
#include "messages/dunlin/v1/stored.pb.h"

#include <string_view>

namespace dunlin::iam {

/// The members of an element that the caller opened.
void write_user(s3::xml_writer& xml, const v1::UserRecord& user);
/// Without the secret, which is shown once, by who made it.
void write_key(s3::xml_writer& xml, const v1::AccessKeyRecord& key);
void write_policy(s3::xml_writer& xml, const v1::PolicyRecord& policy);
void write_version(s3::xml_writer& xml, const v1::PolicyRecord& policy, bool with_document);

/// "v1" …; a policy keeps its newest document only.
std::string version_id(const v1::PolicyRecord& policy);

}  // namespace dunlin::iam
