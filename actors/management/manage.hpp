/// MANAGEMENT SERVICE: users, access keys and policies by IAM's query protocol, version 2010-05-08,
/// on the S3 listeners (docs/decisions/0012, Q16). A service of its own, with its own near caches;
/// the gateway's request actor runs its requests.
#pragma once

#include "actors/s3_gateway/handle.hpp"

namespace dunlin::iam {

/// A POST of a form to "/", which S3 has none of.
bool is_management_request(const http::request& request);

/// Authenticates, decides, runs the action, answers errors. Never throws.
s3::task<s3::outcome> manage(s3::services& world);

}  // namespace dunlin::iam
