/// Times and bounds of a subscriber.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dunlin::cache_update {

struct options {
  using ms = std::chrono::milliseconds;

  ms ack_interval{25};            ///< after the first batch that is not acknowledged
  std::uint32_t ack_batches{16};  ///< so many that are not acknowledged do not wait
  ms hole_ack_gap{10};            ///< between acknowledgements at once, while something is missing
  ms stamp_interval{125};         ///< half the queues' news interval: news must have a fresh echo
  ms silence_max{1000};           ///< nothing from a queue: ask anew whether it knows us
  ms subscribe_timeout{500};
  ms ask_gap{20};  ///< between questions to a queue that is heard of, but has not answered
  ms backoff_min{100};
  ms backoff_max{5000};

  ms base_patience{1000};  ///< so long the first news wait until all queues know us
  ms hole_grace{300};  ///< without progress, for ordinals known to exist; then the type is dropped
  ms hole_max{3000};   ///< the same with progress: a backlog that comes again is worth waiting for
  std::size_t runs_max = 64;        ///< of ordinals or sequences past a hole
  std::size_t proofs_max = 4;       ///< of one type and partition, that wait for ordinals
  std::size_t tracked_max = 65536;  ///< types and partitions
};

}  // namespace dunlin::cache_update
