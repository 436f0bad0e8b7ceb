/// CLUSTER FILES: what lies where in a cluster's folder, and the secrets that `dunlin init` makes.
///   FOLDER/tls/ca, FOLDER/tls/NODE   CA and bundles (runtime/crypto/cluster_ca.hpp)
///   FOLDER/credentials               the root user's S3 keys, in the form of ~/.aws/credentials
///   FOLDER/admin-token               bearer token of the admin plane
///   FOLDER/run                       pid files and lock of `dunlin up`
///   NODE_FOLDER/log                  what the node writes on stderr
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/clock.hpp"
#include "runtime/topology/topology.hpp"

#include <string>

namespace dunlin::assembly {

std::string tls_folder(const topology::cluster& of);
std::string credentials_file(const topology::cluster& of);
std::string token_file(const topology::cluster& of);
std::string run_folder(const topology::cluster& of);
std::string log_file(const topology::node& of);

/// Of the root user, who may do everything.
struct credentials {
  std::string access_key;  ///< 20 characters of A–Z and 2–7
  std::string secret_key;  ///< 40 characters, safe in a shell and in a URL
};

credentials make_credentials(random_source& random);
std::string make_token(random_source& random);

/// ec::not_found before `init`; ec::damaged if either key is missing.
result<credentials> read_credentials(const topology::cluster& of);
result<std::string> read_token(const topology::cluster& of);

std::string render(const credentials& keys);
result<credentials> parse_credentials(std::string_view text);

/// Makes what is missing of CA, bundles, credentials and token; never replaces one that is there: a
/// second run changes nothing. The error is a sentence.
struct init_outcome {
  std::vector<std::string> made;  ///< files and folders, in order
  std::string error;              ///< empty: all is there now
};
init_outcome init_cluster(const topology::cluster& of, random_source& random);

}  // namespace dunlin::assembly
