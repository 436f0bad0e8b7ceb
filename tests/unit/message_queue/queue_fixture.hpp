/// A queue's core on a table: the test is the leaders, the disk and the subscribers.
#pragma once

#include "actors/message_queue/queue_core.hpp"
#include "actors/message_queue/queue_wire.hpp"
#include "messages/dunlin/v1/cache.pb.h"
#include "tests/support/effects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dunlin {

using namespace std::chrono_literals;
using core = queue_core;
using support::only;

class QueueCore : public testing::Test {
protected:
  using subscriber = queue::subscriber_key;

  /// One change, as it comes from a leader.
  static queue::enqueue change(const std::string& type, std::uint64_t ordinal, std::uint64_t tick,
                               const std::string& key, partition_id partition = 1) {
    v1::EnqueueUpdates message;
    auto& part = *message.add_changes();
    part.set_type(type);
    part.set_partition(partition);
    auto& run = *part.add_covered();
    run.set_first(ordinal);
    run.set_last(ordinal);
    auto& update = *part.add_updates();
    update.set_tick(tick);
    update.set_key(key);
    update.set_whole(key.empty());
    return queue::from_wire(message);
  }

  core::effects enqueue(queue::enqueue what) {
    return q->on_enqueue(now, ++request, std::move(what));
  }
  core::effects enqueue(const std::string& type, std::uint64_t ordinal, const std::string& key) {
    return enqueue(change(type, ordinal, 100 + ordinal, key));
  }

  core::effects subscribe(const std::string& node, std::vector<std::string> types,
                          std::uint64_t queue_incarnation = 0, std::uint64_t through = 0,
                          std::uint64_t incarnation = 1) {
    return q->on_subscribe(now, ++request,
                           {{node, 0}, incarnation, std::move(types), queue_incarnation, through});
  }

  core::effects ack(const std::string& node, std::uint64_t through,
                    std::vector<ordinal_run> beyond = {}, std::uint64_t stamp = 0) {
    return q->on_ack(now, {{node, 0}, 1, life, through, std::move(beyond), stamp});
  }

  /// Lets time pass, timer by timer.
  core::effects pass(core::time how_long) {
    core::effects all;
    for (const auto end = now + how_long; now < end;) {
      now = std::min(end, std::max(now + 1ms, q->next_wake()));
      for (auto& one : q->on_timer(now))
        all.push_back(std::move(one));
    }
    return all;
  }

  static v1::CacheBatch read(const core::send_batch& sent) {
    v1::CacheBatch message;
    EXPECT_TRUE(message.ParseFromString(*sent.bytes));
    return message;
  }
  static std::vector<v1::CacheBatch> batches_for(const std::string& node,
                                                 const core::effects& all) {
    std::vector<v1::CacheBatch> out;
    for (const auto& sent : only<core::send_batch>(all))
      for (const auto& to : sent.to)
        if (to.node == node) out.push_back(read(sent));
    return out;
  }
  static std::vector<std::string> keys_in(const v1::CacheBatch& batch) {
    std::vector<std::string> out;
    for (const auto& part : batch.changes())
      for (const auto& update : part.updates())
        out.push_back(update.key());
    return out;
  }

  /// The same spool in the next life. `kept`: what is on disk.
  void restart(std::vector<queue::spool_row> kept) {
    q = std::make_unique<core>(limits, "q", ++life, now, q->header(), std::move(kept));
  }
  queue::spool_row row(std::uint64_t number, queue::enqueue what) const {
    const auto bytes = queue::bytes_of(what);
    return {number, now + 30s, bytes, std::make_shared<const queue::enqueue>(std::move(what))};
  }

  queue::options limits;
  core::time now{10000};
  std::uint64_t request = 0, life = 7;
  std::unique_ptr<core> q = std::make_unique<core>(limits, "q", life, now);
};

}  // namespace dunlin
