/// MANAGEMENT WORDS: commands on users and policies as an operator's tool sends them: forms of
/// IAM's query protocol (docs/decisions/0012). Written apart from the service, so that one proves
/// the other.
#pragma once

#include "messages/v1.hpp"

#include <string>

namespace dunlin::testkit {

/// The body of the POST. A key that is made gets its name and secret from the service. `exists`: of
/// a managed policy, that it is replaced.
std::string to_form(const v1::Command& command, bool exists);

}  // namespace dunlin::testkit
