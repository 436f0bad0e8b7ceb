/// Times and bounds of a message queue.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dunlin::queue {

struct options {
  using ms = std::chrono::milliseconds;

  ms window{20};  ///< from one flush of a stream to the next; an idle one flushes at once (Q12)
  std::size_t batch_bytes_max = 512 * 1024;  ///< also of one enqueue; a full batch flushes early
  std::size_t batch_updates_max = 8192;
  std::size_t batch_runs_max = 256;  ///< of one type and partition

  std::size_t sets_max = 64;
  std::size_t subscribers_max = 4096;
  std::size_t types_max = 32;  ///< of one subscriber
  std::size_t name_bytes_max = 255;
  std::size_t key_bytes_max = 8192;
  std::size_t sections_max = 1024;  ///< types and partitions of one enqueue

  std::size_t ring_bytes_max = 8 * 1024 * 1024;  ///< of one stream
  std::size_t ring_batches_max = 4096;
  std::size_t spool_bytes_max = 64 * 1024 * 1024;  ///< the oldest rows go
  ms store_interval{10};  ///< from one write of rows to the next; an idle queue writes at once
  std::size_t store_bytes_max = 64 * 1024;  ///< more are written early
  std::size_t unpersisted_rows_max = 4096;  ///< more: overloaded
  std::size_t unpersisted_bytes_max = 16 * 1024 * 1024;

  std::size_t in_flight_max = 64;  ///< batches of one subscriber
  ms resend_after{40};  ///< without an acknowledgement; more than the subscriber's ack interval
  ms resend_after_max{1000};  ///< the same where acknowledgements are usually late
  ms replay_after{20};        ///< when later ones are acknowledged
  ms scan_interval{10};       ///< of looking for what has to go again, while anything is on its way
  std::uint32_t attempts_max =
      3;  ///< sends of a batch to a subscriber of whom nothing is heard (Q13)
  std::uint32_t sends_max = 12;  ///< to one that lives and says that it lacks the batch

  ms time_to_live{60000};  ///< of messages whose leader names none (Q10)
  ms time_to_live_min{1000};
  ms time_to_live_max{600000};
  ms silence_max{60000};  ///< then a subscriber is forgotten
  ms housekeeping_interval{1000};

  ms news_interval{250};
  ms news_gather{30};      ///< after asking; sooner when all have answered
  ms news_age_max{10000};  ///< older ones prove nothing that matters
  std::size_t partitions_max = 4096;
  std::size_t news_types_max = 64;  ///< of one partition
};

/// More than the rows that can have been sent, but not persisted, when a queue dies.
inline constexpr std::uint64_t life_stride = std::uint64_t{1} << 20;

}  // namespace dunlin::queue
