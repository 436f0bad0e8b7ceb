/// What people read: the start-up card and the line for their shell.
#pragma once

#include "apps/assembly/cluster_files.hpp"
#include "runtime/topology/topology.hpp"

#include <string>

namespace dunlin::commands {

/// "http://127.0.0.1:7110": where a client on this machine finds a node's S3; empty without the
/// role.
std::string s3_url(const topology::cluster& in, const topology::node& of);

/// Likewise, where a balancer's clients find it.
std::string balancer_url(const topology::cluster& in, const topology::node& of);

/// Of the first balancer, or else of the first node that speaks S3.
std::string first_s3_url(const topology::cluster& of);

/// "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_ENDPOINT_URL=… AWS_DEFAULT_REGION=…"
std::string exports(const topology::cluster& of, const assembly::credentials& keys);

/// Endpoints, where the keys are, the next command to try, how to stop.
std::string start_up_card(const topology::cluster& of, const std::string& binary);

}  // namespace dunlin::commands
