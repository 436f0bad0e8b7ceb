/// What the message queue's core speaks of: plain structs beside cache.proto.
#pragma once

#include "messages/run_set.hpp"
#include "messages/vocabulary.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::queue {

using time = std::chrono::milliseconds;  ///< since any fixed moment

/// A CacheUpdate. What it carries is not the queue's business: it goes on as it came.
struct update {
  std::uint64_t tick = 0;
  std::string key;
  bool whole = false;
  buffer encoded;
};

/// A TypeUpdates.
struct type_updates {
  std::string type;
  partition_id partition = 0;
  std::vector<ordinal_run> covered;
  std::vector<update> updates;
};

/// An EnqueueUpdates.
struct enqueue {
  std::vector<type_updates> changes;
  time time_to_live{};  ///< 0: the queue's default
};

/// An enqueue with its number, which is a sequence of the streams.
struct spool_row {
  std::uint64_t number = 0;
  time expires{};
  std::size_t bytes = 0;
  std::shared_ptr<const enqueue> what;
};

/// Who hears: an instance of a service on a node.
struct subscriber_key {
  node_id node;
  std::uint64_t service = 0;
  friend auto operator<=>(const subscriber_key&, const subscriber_key&) = default;
};

/// A Subscribe.
struct subscription {
  subscriber_key who;
  std::uint64_t incarnation = 0;
  std::vector<std::string> types;
  std::uint64_t queue_incarnation = 0;
  std::uint64_t received_through = 0;
};

/// A BatchAck.
struct acknowledgement {
  subscriber_key who;
  std::uint64_t incarnation = 0;
  std::uint64_t queue_incarnation = 0;
  std::uint64_t received_through = 0;
  std::vector<ordinal_run> beyond;
  std::uint64_t stamp = 0;
};

/// What a leader said of its partition.
struct partition_news {
  partition_id partition = 0;
  std::uint64_t tick = 0;
  std::vector<std::pair<std::string, std::uint64_t>> last;  ///< type, ordinal
};

/// About what encoded updates of one type need in a message.
std::size_t bytes_of(const type_updates& of);
std::size_t bytes_of(const enqueue& of);

}  // namespace dunlin::queue
