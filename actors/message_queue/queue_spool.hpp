/// QUEUE SPOOL: the rows of a message queue as a group of the node's log, beside the partitions:
/// one log, so one sync for all. A row is one entry, or several where it is larger than an entry
/// may be; the group's hard state holds the header. Here: what is read when the node starts, and
/// how rows become entries. Who writes them is the node's log writer.
#pragma once

#include "actors/message_queue/queue_options.hpp"
#include "actors/message_queue/queue_words.hpp"
#include "actors/message_queue/spool_log.hpp"
#include "messages/dunlin/v1/spool.pb.h"
#include "runtime/disk/wal/wal.hpp"

#include <cstdint>
#include <vector>

namespace dunlin::queue {

/// No partition has this number.
inline constexpr wal::group_id spool_group = 0xffffffff;
/// Of all entries of the group; it has no elections.
inline constexpr std::uint64_t spool_term = 1;

/// A row that a former life left, with what is left of its time.
struct found_row {
  std::uint64_t number = 0;
  std::uint64_t position = 0;  ///< in the log: of its last entry
  time left{};
  enqueue what;
};

struct opened_spool {
  spool_header stored;          ///< of the life before
  std::vector<found_row> rows;  ///< ascending
  std::uint64_t last_position = 0;
  std::uint64_t piece_bytes = 0;  ///< of a row, in one entry
};

/// Before anybody else writes to the log: takes the group's part of what was recovered and makes
/// the header of this life durable. ec::damaged: entries that no queue wrote. `incarnation`:
/// greater than in every life before; `now_ms`: wall time.
result<opened_spool> open_spool(wal::log& log, const options& limits, std::uint64_t incarnation,
                                std::int64_t now_ms);

/// The entries of one row, the first of them at `position`.
std::vector<wal::entry> entries_of(const v1::SpoolRow& row, std::uint64_t position,
                                   std::uint64_t piece_bytes);

}  // namespace dunlin::queue
