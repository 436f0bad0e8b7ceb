/// GRID QUEUE: a queue's core with its disk, which may be lost, and its lives.
#pragma once

#include "actors/message_queue/queue_core.hpp"
#include "messages/dunlin/v1/cache.pb.h"
#include "tests/unit/cache_update/grid_time.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::grid {

/// Where a queue's effects go.
struct queue_ports {
  std::function<void(std::uint64_t request, bool accepted)> answer;
  std::function<void(std::uint64_t request, const v1::SubscribeReply* reply)> answer_subscription;
  std::function<void(const queue::subscriber_key& to, const buffer& batch)> batch;
  std::function<void(const queue::subscriber_key& to, std::string news)> news;
  std::function<void()> ask_news;
};

class queue_node {
public:
  queue_node(events& time, std::mt19937_64& random, node_id name, queue::options limits,
             queue_ports ports);

  void start();
  void crash(bool spool_lost);
  bool lives() const { return core_ != nullptr; }
  std::uint64_t life() const { return life_; }
  const queue_core& core() const { return *core_; }
  ms now() const { return clock.read(time_.now()); }

  void enqueue(std::uint64_t request, const std::string& bytes);
  void subscribe(std::uint64_t request, const v1::Subscribe& wish);
  void ack(const v1::BatchAck& said);
  void news(ms asked, const v1::PartitionNews& said);
  void peer_lost(const node_id& node);

  node_clock clock;
  const node_id name;
  std::size_t disk_rows() const { return disk_.size(); }
  /// Over all lives.
  queue_core::figures total;

private:
  struct stored {
    std::string bytes;
    ms expires;  ///< of the world
  };
  void perform(queue_core::effects all);
  void persist(const queue_core::persist& row);
  void wake();
  void arm();

  events& time_;
  std::mt19937_64& random_;
  queue::options limits_;
  queue_ports ports_;
  std::unique_ptr<queue_core> core_;
  std::uint64_t life_ = 0;
  std::map<std::uint64_t, stored> disk_;
  queue::spool_header header_;
  std::map<std::uint64_t, std::string> coming_;  ///< bytes by request
  ms disk_free_{0}, armed_{ms::max()};
};

}  // namespace dunlin::grid
