/// KNOBS: everything about a virtual cluster that may as well be another way: its shape, its times,
/// its sizes, its disks and its network (U4). draw_knobs() takes them from a seed, so that every
/// seed meets another cluster; all of them reach the nodes as production options do: through the
/// topology or through node_options.
#pragma once

#include "apps/assembly/node.hpp"
#include "apps/testkit/virtual_clients.hpp"
#include "runtime/simulation/sim_network.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::testkit {

struct knobs {
  std::string topology;  ///< text of a topology file without mistakes

  /// So small that seconds of virtual time fill, cut and recycle segments; a file may not say so.
  std::uint64_t wal_segment_bytes = 512u << 10;
  std::uint64_t wal_bytes_max = 16u << 20;
  std::uint64_t checkpoint_bytes = 8u << 20;
  assembly::node_tuning tuning;
  std::uint64_t ballast_bytes_max = 0;

  std::uint64_t disk_bytes = 1ull << 40;  ///< of each node
  simulation::network_options network;
  simulation::network_faults weather;  ///< while no fault is on

  /// The nodes' HTTP entries are the real ones, over simulated streams, also without balancers.
  bool streams = false;
  simulation::stream_options stream;
  clients_options clients;

  /// Who make and change users at the same time.
  int user_managers = 2;

  /// Of each node's timers, in topology order: 1050 beats 5 % slower. Missing ones are exact.
  std::vector<std::uint32_t> timers_permille;

  /// What was drawn, for reports: name and value.
  std::map<std::string, std::string> told;
};

/// The same seed gives the same knobs.
knobs draw_knobs(std::uint64_t seed);

}  // namespace dunlin::testkit
