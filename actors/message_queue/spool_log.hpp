/// SPOOL LOG: the rows of the queue in the order of their numbers, as they are (or will soon be) on
/// disk. Streams that begin later, and subscribers that come back after a restart, get their
/// batches from here.
#pragma once

#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/queue_words.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace dunlin::queue {

/// What a spool says of itself. Whoever holds it stores it before anything of the new life is done.
struct spool_header {
  std::uint64_t first_incarnation = 0;  ///< of the queue, when the spool was made; 0: there is none
  std::uint64_t start = 0;              ///< rows of this life come after it
};

class spool_log {
public:
  struct waiting_row {
    std::uint64_t row;
    std::uint64_t request;
  };

  /// `rows`: ascending.
  spool_log(const options& limits, std::uint64_t incarnation, spool_header stored,
            std::vector<spool_row> rows);

  spool_header header() const { return header_; }
  /// Of the newest row.
  std::uint64_t last() const { return last_; }
  /// No room for another one until some are on disk.
  bool full(const options& limits, std::size_t bytes) const;
  /// The oldest rows make room.
  const spool_row& append(const options& limits, enqueue what, std::size_t bytes, time expires,
                          std::uint64_t request);
  /// These are on disk now; who waits for that.
  std::vector<waiting_row> persisted(std::uint64_t row);
  /// This one will not be: its request, if it waits.
  std::optional<waiting_row> failed(std::uint64_t row);

  /// Rows that all have, that are too old, or too many, go. Returns up to where the disk need not
  /// keep them any more, if that has moved; the newest one stays there, so that numbers never come
  /// twice.
  std::optional<std::uint64_t> trim(const options& limits, time now, std::uint64_t all_have);

  /// Nothing up to here is held.
  std::uint64_t kept_after() const { return kept_after_; }
  const std::deque<spool_row>& rows() const { return rows_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t unpersisted() const { return waiting_.size(); }

private:
  void pop();

  spool_header header_;
  std::deque<spool_row> rows_;
  struct unwritten {
    std::uint64_t row, request;
    std::size_t bytes;
  };
  std::deque<unwritten> waiting_;
  std::uint64_t last_ = 0, last_on_disk_ = 0, kept_after_ = 0, trimmed_ = 0;
  std::size_t bytes_ = 0, unpersisted_bytes_ = 0;
};

}  // namespace dunlin::queue
