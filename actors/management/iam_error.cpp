#include "actors/management/iam_error.hpp"

#include "actors/s3_gateway/xml.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace dunlin::iam {

namespace {

struct known_error {
  std::string_view code;
  int status;
};

constexpr auto known_errors = std::to_array<known_error>({
    {"AccessDenied", 403},
    {"DeleteConflict", 409},
    {"EntityAlreadyExists", 409},
    {"IncompleteSignature", 400},
    {"InvalidAction", 400},
    {"InvalidClientTokenId", 403},
    {"InvalidInput", 400},
    {"LimitExceeded", 409},
    {"MalformedPolicyDocument", 400},
    {"MissingAuthenticationToken", 403},
    {"MissingParameter", 400},
    {"NoSuchEntity", 404},
    {"NoSuchVersion", 400},
    {"RequestExpired", 400},
    {"ServiceFailure", 500},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"Throttling", 400},
    {"UnmodifiableEntity", 400},
    {"ValidationError", 400},
});

struct translation {
  std::string_view from, to;
};

constexpr auto translations = std::to_array<translation>({
    {"AccessDenied", "AccessDenied"},
    {"AuthorizationHeaderMalformed", "IncompleteSignature"},
    {"InternalError", "ServiceFailure"},
    {"InvalidAccessKeyId", "InvalidClientTokenId"},
    {"RequestTimeTooSkewed", "RequestExpired"},
    {"ServiceUnavailable", "ServiceUnavailable"},
    {"SignatureDoesNotMatch", "SignatureDoesNotMatch"},
    {"SlowDown", "Throttling"},
    {"XAmzContentSHA256Mismatch", "SignatureDoesNotMatch"},
    {"XDunlinStorageFull", "ServiceUnavailable"},
});

}  // namespace

failure error(std::string_view code, std::string message) {
  const auto* found = std::find_if(known_errors.begin(), known_errors.end(),
                                   [&](const known_error& known) { return known.code == code; });
  DUNLIN_ASSERT(found != known_errors.end());
  return {found->status, std::string(code), std::move(message), {}, {}};
}

failure to_iam(failure what) {
  const auto* known = std::find_if(known_errors.begin(), known_errors.end(),
                                   [&](const known_error& one) { return one.code == what.code; });
  const auto* found = std::find_if(translations.begin(), translations.end(),
                                   [&](const translation& one) { return one.from == what.code; });
  if (found != translations.end()) return error(found->to, std::move(what.message));
  if (known != known_errors.end()) return what;
  // Of the request's form: too long a body, a bad escape, no length.
  return error(what.status >= 500 ? "ServiceFailure" : "ValidationError", std::move(what.message));
}

std::string error_body(const failure& what, std::string_view request_id) {
  s3::xml_writer xml;
  xml.open_root("ErrorResponse", name_space);
  xml.open("Error");
  xml.text("Type", what.status < 500 ? "Sender" : "Receiver");
  xml.text("Code", what.code);
  xml.text("Message", what.message);
  xml.close();
  xml.text("RequestId", request_id);
  xml.close();
  return xml.take();
}

}  // namespace dunlin::iam
