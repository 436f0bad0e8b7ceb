/// TYPE SET: one stream, for all subscribers with the same types: what is pending, what was sent,
/// who listens (decision 0011). Work for an update is done once here, whoever listens.
#pragma once

#include "actors/message_queue/batch_ring.hpp"
#include "actors/message_queue/pending_batch.hpp"
#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/subscriber_cursor.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dunlin::queue {

struct subscriber {
  std::uint64_t incarnation = 0;
  std::uint64_t stamp = 0;  ///< newest that has come
  bool wants_news = true;   ///< it has said its first stamp and waits
  subscriber_cursor cursor;
};

struct type_set {
  std::vector<std::string> types;  ///< ascending
  pending_batch pending;
  batch_ring ring;
  time last_flush = time::min() / 2;
  std::map<subscriber_key, subscriber> members;

  bool has(const std::string& type) const;
  /// A row's changes of these types; true: it must be flushed before, to keep within its bounds.
  bool overflows(const options& limits, const enqueue& what) const;
  void add(const spool_row& row);
  /// Who has everything up to the ring's last has everything up to here. `last_row`: of the spool.
  std::uint64_t idle_through(std::uint64_t last_row) const;
  /// What the member has, counting rows that do not concern it.
  std::uint64_t through_of(const subscriber& of, std::uint64_t last_row) const;
};

}  // namespace dunlin::queue
