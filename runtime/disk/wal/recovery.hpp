/// Reads a log back: what its groups had, where it is, and where writing goes on.
#pragma once

#include "runtime/disk/wal/log_index.hpp"
#include "runtime/disk/wal/ring.hpp"

#include <map>

namespace dunlin::wal {

struct recovered_log {
  std::map<group_id, group_state> groups;
  log_index index;
  std::uint64_t tail = 0;      ///< sequence number of the last segment; 0: the log is new
  std::uint64_t tail_end = 0;  ///< where its next record goes
  bool sealed = false;         ///< nothing may be added to the tail
  /// Good records lie beyond the torn end. Nobody was promised anything about them, and they must
  /// not come back behind what is written next.
  bool wreckage = false;
};

/// Leaves in files.used() what the log still needs and moves the rest to files.spare().
result<recovered_log> recover(ring& files);

}  // namespace dunlin::wal
