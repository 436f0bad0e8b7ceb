/// ANNOUNCER FIGURES: what an announcer does, as metrics of its node (dunlin_announcer_*): counters
/// of all partitions together, and what is the case now per partition.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/observe/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace dunlin {

class announcer_figures {
public:
  using time = std::chrono::milliseconds;

  /// Without a registry nothing is counted.
  announcer_figures(std::shared_ptr<metrics> registry, partition_id partition);
  /// The term is over: nothing waits here any more.
  ~announcer_figures();
  announcer_figures(const announcer_figures&) = delete;

  /// A row that tells something was applied.
  void on_row(time now, std::uint64_t tick);
  void on_sent(const node_id& queue, const std::vector<std::uint64_t>& rows);
  void on_failed();
  /// The queue could make no sense of it.
  void on_refused();
  /// Rows up to this tick are durable at queues, or given up.
  void on_announced(std::uint64_t through);
  /// After a turn.
  void show(time now);

private:
  struct row {
    time since{};
    bool sent = false;
  };
  struct numbers;

  std::shared_ptr<metrics> registry_;  // outlives what is in numbers_
  std::unique_ptr<numbers> numbers_;   // null: there is no registry
  std::map<std::uint64_t, row> rows_;  // not yet announced, by tick
  node_id last_queue_;
};

}  // namespace dunlin
