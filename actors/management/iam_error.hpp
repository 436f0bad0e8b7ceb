/// IAM ERRORS: code, HTTP status and document as IAM has them. Thrown as the gateway's failures.
#pragma once

#include "actors/s3_gateway/error.hpp"

#include <string>
#include <string_view>

namespace dunlin::iam {

using s3::failure;

inline constexpr std::string_view name_space = "https://iam.amazonaws.com/doc/2010-05-08/";

/// The failure of that code. An unknown one asserts.
failure error(std::string_view code, std::string message);

/// What S3's failures of signature, limits and cluster are called here.
failure to_iam(failure what);

/// The XML document of a failure.
std::string error_body(const failure& what, std::string_view request_id);

}  // namespace dunlin::iam
