/// Where in the log each group's live records are, and how many bytes each segment still has to
/// keep. Pure: no disk. The log itself holds no payloads in memory.
#pragma once

#include "runtime/disk/wal/wal.hpp"

#include <deque>
#include <map>
#include <string>

namespace dunlin::wal {

/// Of one record. Sequence 0: nowhere.
struct place {
  std::uint64_t sequence = 0;
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
};

class log_index {
public:
  struct entry_place {
    std::uint64_t term = 0;
    place at;
  };
  struct group {
    std::uint64_t term = 0;
    std::string vote;
    place hard;
    std::uint64_t compacted_index = 0;
    std::uint64_t compacted_term = 0;
    place compact;
    std::deque<entry_place> entries;  // from compacted_index + 1
    std::uint64_t last_index() const { return compacted_index + entries.size(); }
  };

  void set_hard(group_id id, std::uint64_t term, const std::string& vote, place at);

  /// Cuts at and above `index`, which is in (compacted_index, last_index + 1], and adds.
  void add_entry(group_id id, std::uint64_t index, entry_place one);

  /// Whether compacting there forgets the entries above as well: another history goes on from
  /// there.
  bool compact_drops_all(group_id id, std::uint64_t index, std::uint64_t term) const;
  void compact(group_id id, std::uint64_t index, std::uint64_t term, place at);

  /// The record now is at `to`.
  void move(place& what, place to);

  std::uint64_t live_bytes() const { return live_total_; }
  std::uint64_t live_bytes(std::uint64_t sequence) const;
  const group* find(group_id id) const;
  std::map<group_id, group>& groups() { return groups_; }

private:
  void keep(place& slot, place at);
  void drop(const place& what);

  std::map<group_id, group> groups_;
  std::map<std::uint64_t, std::uint64_t> live_;  // bytes by sequence
  std::uint64_t live_total_ = 0;
};

}  // namespace dunlin::wal
