/// ENDING: how a request ends that went wrong, whichever service it was for.
#pragma once

#include "actors/s3_gateway/context.hpp"
#include "actors/s3_gateway/handle.hpp"

#include <optional>

namespace dunlin::s3 {

/// What serving it threw; none: all went well. What is no failure is an InternalError.
task<std::optional<failure>> failure_of(task<void> served);

/// Gives the client `said`; where the head of an answer has gone out its connection can only be
/// cut. Never throws.
task<outcome> end_failed(context& c, const failure& why, refusal said);

}  // namespace dunlin::s3
