/// WRITER: changes buckets one at a time at a fixed rate, and notes when each change began, was
/// committed, and was acknowledged.
#pragma once

#include "messages/partition.hpp"

#include <caf/atom.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dunlin::fanout {

struct noted_write {
  std::uint64_t tick = 0;
  std::int64_t began_ns = 0, committed_ns = 0, acknowledged_ns = 0;
};

struct write_outcome {
  std::vector<noted_write> writes;
  std::uint64_t failed = 0;
  std::string why;
};

struct write_options {
  partition_router_actor router;
  const std::atomic<std::int64_t>* committed_ns = nullptr;  ///< of the newest commit
  bool make = false;  ///< the buckets are made, as fast as it goes
  std::size_t buckets = 1;
  double rate = 200;
  double seconds = 1;
  std::function<void(write_outcome)> done;
};

using writer_actor = caf::typed_actor<
    // INTERNAL: the next is due.
    caf::reacts_to<caf::tick_atom>>;

struct writer_state {
  write_options options;
  write_outcome made;
  std::size_t next = 0, count = 0;
  std::chrono::nanoseconds began{};
  static inline const char* name = "fanout_writer";
};

writer_actor::behavior_type writer(writer_actor::stateful_pointer<writer_state> self,
                                   write_options options);

}  // namespace dunlin::fanout
