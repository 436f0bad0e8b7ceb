/// NODE STATUS: what a node's admin listener answers to GET /status (decision 22), as plain structs
/// and as JSON. The command line, the console and the node itself share it.
/// {"name","pid","roles":[…],"state","s3":"http://…"|null,"balancer":"http://…"|null,"incarnation","uptime_s",
///  "peers":[{"node","connected","error"}],
///  "partitions":[{"id","role","leader","term","commit","applied","members":[…],"first_hash","last_hash"}],
///  "storage":{…},"warnings":[…]}
#pragma once

#include "messages/vocabulary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::assembly {

struct peer_status {
  node_id node;
  bool connected = false;
  std::string error;  ///< why not; empty if connected
};

struct replica_status {
  partition_id id = 0;
  std::string role;  ///< leader, follower, candidate, learner, stopped
  node_id leader;    ///< empty: not known
  std::uint64_t term = 0;
  std::uint64_t commit = 0;
  std::uint64_t applied = 0;
  std::vector<node_id> members;
  std::string first_hash;  ///< "0x0000000000000000", inclusive; empty for the root partition
  std::string last_hash;   ///< inclusive
};

struct node_status {
  node_id name;
  std::int64_t pid = 0;
  std::vector<std::string> roles;
  std::string state;  ///< starting, ready, draining
  std::optional<std::string> s3;
  std::optional<std::string> balancer;  ///< where clients find it, if it is one
  std::uint64_t incarnation = 0;
  std::uint64_t uptime_s = 0;
  std::vector<peer_status> peers;
  std::vector<replica_status> partitions;
  std::map<std::string, std::uint64_t>
      storage;  ///< pages, bytes, free_bytes, …; empty without the role
  std::vector<std::string> warnings;
};

std::string to_json(const node_status& status);

/// ec::bad_message if it is no such JSON; unknown members are passed over, missing ones are empty.
result<node_status> parse_node_status(std::string_view json);

}  // namespace dunlin::assembly
