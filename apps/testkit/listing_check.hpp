/// LISTING CHECK: what a listing must and must not show, given the histories of the keys: what is
/// there throughout the listing is listed, what is absent throughout is not, each key once and in
/// order (S3 promises no snapshot: what changes meanwhile may be either). Pure.
#pragma once

#include "apps/testkit/linearizable.hpp"

#include <map>
#include <string>
#include <vector>

namespace dunlin::testkit {

/// All pages of one listing, through whichever nodes.
struct listing {
  std::string bucket, prefix;
  register_operation::time called{0}, answered{0};
  std::vector<std::string> keys;  ///< as they came
};

/// `histories` is by "/bucket/key"; keys that it does not know are wrong.
std::vector<std::string> check_listing(
    const std::map<std::string, std::vector<register_operation>>& histories, const listing& seen);

}  // namespace dunlin::testkit
