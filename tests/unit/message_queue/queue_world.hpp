/// One node with a message queue on a real log on a simulated disk, in virtual time. The test is
/// the leaders, the router and the subscribers.
#pragma once

#include "actors/message_queue/message_queue.hpp"
#include "actors/partition/log_writer.hpp"
#include "messages/error.hpp"
#include "runtime/simulation/sim_disk.hpp"
#include "tests/support/sources.hpp"
#include "tests/support/virtual_system.hpp"

#include <gtest/gtest.h>
#include <caf/all.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dunlin::testing_queue {

/// What one request came to.
struct outcome {
  bool done = false;
  std::optional<v1::SubscribeReply> subscribed;
  std::optional<ec> error;
};
using outcome_ptr = std::shared_ptr<outcome>;

/// One change of one key.
v1::EnqueueUpdates change(const std::string& type, std::uint64_t ordinal, const std::string& key,
                          std::size_t value_bytes = 0);

class queue_world {
public:
  explicit queue_world(std::uint64_t seed = 1);
  ~queue_world();

  void start();
  /// The power fails: what was not synced is lost as the seed says.
  void crash();
  void advance(std::chrono::milliseconds by);

  outcome_ptr enqueue(v1::EnqueueUpdates what);
  /// With what the node has heard so far; from now on it acknowledges if it can be reached.
  outcome_ptr subscribe(const node_id& node, std::vector<std::string> types = {"bucket"});
  std::uint64_t figure(const std::string& name);

  /// A subscriber, as a node's caches would be.
  struct subscriber {
    std::uint64_t queue_incarnation = 0;
    std::uint64_t through = 0;   ///< the sequence up to which it has everything
    std::set<std::string> keys;  ///< of which something was heard
    std::vector<v1::CacheBatch> batches;
    std::vector<v1::QueueNews> news;
    bool away = false;  ///< cannot be reached
  };
  std::map<node_id, subscriber> subscribers;
  /// Partitions whose leader does not answer; and how often each was asked.
  std::set<partition_id> silent;
  std::map<partition_id, int> asked;

  queue::options limits;
  wal::options log_options{.segment_bytes = 64 << 10, .bytes_max = 1 << 20, .reserve_bytes = 0};
  std::vector<partition_id> partitions{0, 1, 2};
  support::virtual_system world;
  simulation::sim_disk disk;
  std::shared_ptr<wal::log> log;
  message_queue_shell queue;
  log_writer_actor writer;
  std::uint64_t incarnation = 0;

private:
  void hear(const node_id& node, const buffer& bytes);
  void acknowledge(const node_id& node);

  support::set_clock clock_;
  partition_router_actor router_;
};

}  // namespace dunlin::testing_queue
