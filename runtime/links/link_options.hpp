/// Names, times and bounds of a node's links.
#pragma once

#include "messages/vocabulary.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::links {

/// Wire versions that this build understands (decision 25).
inline constexpr std::uint32_t wire_version_min = 1;
inline constexpr std::uint32_t wire_version_max = 1;

struct link_options {
  std::string cluster;
  node_id self;
  std::vector<node_id> peers;     ///< all other nodes; of a pair, the smaller name dials
  std::uint64_t incarnation = 1;  ///< greater at every start of the node

  std::chrono::milliseconds tick{250};             ///< granularity of all that follows
  std::chrono::milliseconds hello_deadline{5000};  ///< an ungreeted wire is closed
  std::chrono::milliseconds ping_after{500};       ///< of silence on our side
  std::chrono::milliseconds dead_after{3000};      ///< of silence on the peer's side
  std::chrono::milliseconds call_deadline{30000};  ///< of one call
  std::chrono::milliseconds redial_min{100};
  std::chrono::milliseconds redial_max{1000};  ///< a node that returns waits as long for its peers

  std::size_t calls_max = 4096;             ///< in flight, each way, with one peer
  std::size_t ungreeted_max = 64;           ///< accepted wires that have not said hello
  std::size_t coalesce_bytes = 256u << 10;  ///< a frame is sent early when it holds as much
};

}  // namespace dunlin::links
