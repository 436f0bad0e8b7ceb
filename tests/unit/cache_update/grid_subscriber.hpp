/// GRID SUBSCRIBER: a subscriber's core, and what its caches would hold; it judges every effect.
#pragma once

#include "actors/cache_update/subscription_core.hpp"
#include "messages/dunlin/v1/cache.pb.h"
#include "runtime/crypto/random.hpp"
#include "tests/unit/cache_update/grid_leader.hpp"
#include "tests/unit/cache_update/grid_time.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::grid {

struct subscriber_ports {
  std::function<void(const node_id& queue, std::uint64_t attempt, v1::Subscribe wish)> subscribe;
  std::function<void(const node_id& queue, v1::BatchAck said)> ack;
  std::function<const std::vector<committed>*(partition_id partition, const std::string& type)>
      history;
  std::function<void(std::string)> wrong;
};

class subscriber_node {
public:
  subscriber_node(events& time, std::mt19937_64& random, node_id name,
                  std::vector<std::string> types, std::vector<node_id> queues,
                  cache_update::options limits, subscriber_ports ports);

  /// A new life: its caches are empty.
  void start();
  void stop() { core_.reset(); }
  bool lives() const { return core_ != nullptr; }

  void subscribed(const node_id& queue, std::uint64_t attempt, const v1::SubscribeReply* reply);
  void batch(const std::string& bytes);
  void news(const std::string& bytes);
  void peer_lost(const node_id& queue);
  void peer_up(const node_id& queue);

  /// Committed changes that have neither been applied nor dropped.
  std::size_t unheard(partition_id partition, const std::string& type);
  /// How long ago was what it holds proved to be right; none: never.
  std::optional<ms> proved_ago(partition_id partition, const std::string& type);

  const subscription_core& core() const { return *core_; }
  const node_id name;
  const std::vector<std::string> types;
  node_clock clock;
  std::uint64_t frames = 0, proofs = 0, applied = 0;
  std::vector<ms> delays;  ///< of applied changes, since their commits

private:
  struct held {
    std::map<std::string, std::uint64_t> ticks;
    std::uint64_t base_tick = 0;
    bool based = false;
    std::optional<ms> proven;
    std::size_t satisfied = 0;  ///< so many of the history, from its begin, are settled for good
  };
  bool settled(const held& cache, const committed& change) const;
  void perform(subscription_core::effects all);
  void judge(const subscription_core::apply& what);
  void judge(const subscription_core::drop& what);
  void note_delay(const subscription_core::apply& what, std::uint64_t tick);
  void judge(const subscription_core::proven& what);
  bool wants(const std::string& type) const;
  void arm();
  ms now() const { return clock.read(time_.now()); }

  events& time_;
  std::mt19937_64& random_;
  std::vector<node_id> queues_;
  cache_update::options limits_;
  subscriber_ports ports_;
  std::unique_ptr<crypto::seeded_random> dice_;
  std::unique_ptr<subscription_core> core_;
  std::uint64_t life_ = 0;
  std::map<std::pair<partition_id, std::string>, held> caches_;
  ms armed_{ms::max()};
};

}  // namespace dunlin::grid
