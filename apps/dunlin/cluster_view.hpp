/// CLUSTER VIEW: the nodes' answers merged into one picture with a verdict. Pure.
#pragma once

#include "apps/dunlin/poll.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::commands {

struct node_view {
  node_id name;
  std::optional<std::int64_t> pid;  ///< none: unknown
  std::vector<std::string> roles;
  std::string state;  ///< starting, ready, draining, down
  std::optional<std::string> s3;
  std::optional<std::string> balancer;  ///< where a balancer's clients find it
  std::string error;                    ///< why it is down
  std::vector<std::string> warnings;
};

struct partition_view {
  partition_id id = 0;
  std::string range;              ///< "root", or "0x…-0x…", both ends inside
  std::optional<node_id> leader;  ///< none: elected by nobody who can be asked
  std::uint64_t term = 0;
  std::vector<node_id> replicas;
};

enum class verdict : std::uint8_t { ok, degraded, down };
std::string_view to_string(verdict health);

struct cluster_view {
  std::string cluster;
  std::vector<node_view> nodes;            ///< in file order
  std::vector<partition_view> partitions;  ///< by id
  verdict health = verdict::down;
  std::string reason;
};

/// `answers` are in the order of `of.nodes`. ok: every node is ready and every partition has a
/// leader; degraded: a node is missing, but every partition has a leader and some endpoint serves;
/// down otherwise.
cluster_view view_of(const topology::cluster& of, const std::vector<node_answer>& answers);

std::string to_json(const cluster_view& view);

/// A table for people.
std::string to_text(const cluster_view& view);

}  // namespace dunlin::commands
