/// GUARD: which operation a request asks for, and proof that every word of it was understood. What
/// is known to S3 but not built answers 501 NotImplemented and never falls through to another verb:
/// `DELETE /b?lifecycle` must not delete a bucket.
#pragma once

#include "actors/s3_gateway/target.hpp"
#include "runtime/http/exchange.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace dunlin::s3 {

enum class operation : std::uint8_t {
  none,  ///< of S3: another service's request
  list_buckets,
  create_bucket,
  head_bucket,
  delete_bucket,
  get_location,
  put_policy,
  get_policy,
  delete_policy,
  list_objects,
  list_uploads,
  delete_objects,
  put_object,
  get_object,
  head_object,
  delete_object,
  create_upload,
  upload_part,
  list_parts,
  complete_upload,
  abort_upload,
};

/// Says of a bucket's policy that the client means to lock itself out with it.
inline constexpr std::string_view confirm_lockout = "x-amz-confirm-remove-self-bucket-access";

/// Throws NotImplemented, MethodNotAllowed or InvalidArgument.
operation operation_of(const http::request& request, const target& where);

/// S3's sub-resources and selecting parameters that no operation above takes, for the table test.
std::span<const std::string_view> unbuilt_parameters();

}  // namespace dunlin::s3
