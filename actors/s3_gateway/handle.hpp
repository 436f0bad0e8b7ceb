/// HANDLE: one S3 request from its head to its answer.
#pragma once

#include "actors/s3_gateway/services.hpp"

namespace dunlin::s3 {

/// What became of a request, for the log and the metrics.
struct outcome {
  int status = 0;    ///< of the head that was sent, or would have been
  std::string code;  ///< S3's word for what went wrong; empty: nothing
  bool cut = false;  ///< failed after the head had gone out
};

/// Authenticates, guards, runs the verb, answers errors. Never throws.
task<outcome> handle(services& world);

/// The answer where no request may be run at all (decision 5), ready to send.
struct refusal {
  http::response head;
  buffer body;
};
refusal slow_down(const http::request& request);

}  // namespace dunlin::s3
