#include "actors/s3_gateway/error.hpp"

#include "actors/s3_gateway/xml.hpp"

#include <algorithm>
#include <array>

namespace dunlin::s3 {

namespace {

struct known_error {
  std::string_view code;
  int status;
  std::string_view message;
};

constexpr auto known_errors = std::to_array<known_error>({
    {"AccessDenied", 403, "Access Denied"},
    {"AuthorizationHeaderMalformed", 400, "The authorization header you provided is invalid."},
    {"BadDigest", 400, "The Content-MD5 you specified did not match what we received."},
    {"BucketAlreadyExists", 409,
     "The requested bucket name is not available. The bucket namespace is shared by all users of "
     "the "
     "system. Please select a different name and try again."},
    {"BucketAlreadyOwnedByYou", 409,
     "Your previous request to create the named bucket succeeded and you already own it."},
    {"BucketNotEmpty", 409, "The bucket you tried to delete is not empty."},
    {"EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size."},
    {"EntityTooSmall", 400,
     "Your proposed upload is smaller than the minimum allowed object size."},
    {"IllegalLocationConstraintException", 400,
     "The specified location-constraint is not valid for this region."},
    {"IncompleteBody", 400,
     "You did not provide the number of bytes specified by the Content-Length HTTP header."},
    {"InternalError", 500, "We encountered an internal error. Please try again."},
    {"InvalidAccessKeyId", 403,
     "The AWS Access Key Id you provided does not exist in our records."},
    {"InvalidArgument", 400, "Invalid Argument"},
    {"InvalidBucketName", 400, "The specified bucket is not valid."},
    {"InvalidDigest", 400, "The Content-MD5 you specified is not valid."},
    {"InvalidPart", 400,
     "One or more of the specified parts could not be found. The part may not have been uploaded, "
     "or "
     "the specified entity tag may not match the part's entity tag."},
    {"InvalidPartOrder", 400,
     "The list of parts was not in ascending order. Parts must be ordered by part number."},
    {"InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidRequest", 400, "Invalid Request"},
    {"InvalidURI", 400, "Couldn't parse the specified URI."},
    {"KeyTooLongError", 400, "Your key is too long"},
    {"MalformedPolicy", 400, "The policy is not well-formed."},
    {"MalformedXML", 400,
     "The XML you provided was not well-formed or did not validate against our published schema"},
    {"MaxMessageLengthExceeded", 400, "Your request was too big."},
    {"MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size"},
    {"MethodNotAllowed", 405, "The specified method is not allowed against this resource."},
    {"MissingContentLength", 411, "You must provide the Content-Length HTTP header."},
    {"MissingSecurityHeader", 400, "Your request was missing a required header"},
    {"NoSuchBucket", 404, "The specified bucket does not exist"},
    {"NoSuchBucketPolicy", 404, "The bucket policy does not exist"},
    {"NoSuchKey", 404, "The specified key does not exist."},
    {"NoSuchUpload", 404,
     "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
     "been "
     "aborted or completed."},
    {"NotImplemented", 501,
     "A header or query parameter you provided implies functionality that is not implemented"},
    {"OperationAborted", 409,
     "A conflicting conditional operation is currently in progress against this resource. Please "
     "try "
     "again."},
    {"PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"},
    {"RequestTimeTooSkewed", 403,
     "The difference between the request time and the current time is too large."},
    {"RequestTimeout", 400,
     "Your socket connection to the server was not read from or written to within the timeout "
     "period."},
    {"ServiceUnavailable", 503, "Service is unable to handle request."},
    {"SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided. Check your "
     "key "
     "and signing method."},
    {"SlowDown", 503, "Please reduce your request rate."},
    {"XAmzContentSHA256Mismatch", 400,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
    // Not of S3 itself; MinIO's name for a full cluster. 507 says what it is, and SDKs do not retry
    // it for minutes as they would a 503: space does not come back by waiting.
    {"XDunlinStorageFull", 507,
     "The storage is full. Reads and deletes go on; writes are refused."},
});

}  // namespace

failure error(std::string_view code, std::string message) {
  const auto* found = std::find_if(known_errors.begin(), known_errors.end(),
                                   [&](const known_error& known) { return known.code == code; });
  DUNLIN_ASSERT(found != known_errors.end());
  if (message.empty()) message = std::string(found->message);
  return {found->status, std::string(code), std::move(message), {}, {}};
}

bool surely_not_run(ec code) {
  return code == ec::unavailable || code == ec::overloaded || code == ec::disk_full;
}

failure error_of(ec code) {
  switch (code) {
    case ec::overloaded: return error("SlowDown");
    case ec::disk_full: return error("XDunlinStorageFull");
    case ec::not_leader:
    case ec::unavailable:
    case ec::timed_out:
    case ec::peer_lost:
    case ec::unknown_outcome:
    case ec::stopping:
    case ec::closed:
    case ec::stale: return error("ServiceUnavailable");
    default: return error("InternalError");
  }
}

failure error_of(v1::CommandReply::Status status) {
  using reply = v1::CommandReply;
  DUNLIN_ASSERT(status != reply::OK);
  switch (status) {
    case reply::NO_SUCH_BUCKET: return error("NoSuchBucket");
    case reply::BUCKET_ALREADY_EXISTS: return error("BucketAlreadyExists");
    case reply::BUCKET_ALREADY_OWNED: return error("BucketAlreadyOwnedByYou");
    case reply::BUCKET_NOT_EMPTY: return error("BucketNotEmpty");
    case reply::NO_SUCH_KEY: return error("NoSuchKey");
    case reply::NO_SUCH_UPLOAD: return error("NoSuchUpload");
    case reply::INVALID_PART: return error("InvalidPart");
    case reply::ENTITY_TOO_SMALL: return error("EntityTooSmall");
    case reply::PRECONDITION_FAILED: return error("PreconditionFailed");
    case reply::TOO_MANY_OPEN:
    case reply::TOO_MUCH_AT_ONCE: return error("SlowDown");
    // The write was overtaken by a delete of its bucket; which of both wins is settled soon.
    case reply::SEALED: return error("OperationAborted");
    // Outcome unknown, fenced pages or a map that moved on: the same request may succeed next time.
    case reply::UNKNOWN_CLIENT:
    case reply::FENCED:
    case reply::WRONG_PARTITION: return error("ServiceUnavailable");
    default: return error("InternalError");
  }
}

std::string error_body(const failure& what, std::string_view resource,
                       std::string_view request_id) {
  xml_writer xml;
  xml.open("Error");
  xml.text("Code", what.code);
  xml.text("Message", what.message);
  for (const auto& [name, value] : what.details)
    xml.text(name, value);
  xml.text("Resource", resource);
  xml.text("RequestId", request_id);
  xml.close();
  return xml.take();
}

}  // namespace dunlin::s3
