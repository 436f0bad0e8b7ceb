/// S3 ERRORS: code, HTTP status and wording as S3 has them. A verb throws `failure` from any depth;
/// handle() is the one place that catches it, so verbs read as if nothing went wrong.
#pragma once

#include "messages/dunlin/v1/stored.pb.h"
#include "messages/vocabulary.hpp"
#include "runtime/http/exchange.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::s3 {

struct failure {
  int status = 500;
  std::string code;
  std::string message;
  std::vector<std::pair<std::string, std::string>> details;  ///< further elements of the XML body
  std::vector<http::header> headers;
};

/// The failure of that S3 code with S3's usual sentence, or with `message`. An unknown code
/// asserts.
failure error(std::string_view code, std::string message = {});

/// What the client hears when the cluster says no.
failure error_of(ec code);

/// Whether a command that the router answers so has not run, nor ever will
/// (messages/partition.hpp).
bool surely_not_run(ec code);

/// What a partition's status means to S3; OK asserts.
failure error_of(v1::CommandReply::Status status);

/// The XML document of a failure.
std::string error_body(const failure& what, std::string_view resource, std::string_view request_id);

}  // namespace dunlin::s3
