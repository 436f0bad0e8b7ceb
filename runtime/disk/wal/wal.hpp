/// WRITE-AHEAD LOG: the one log of a node, shared by all its Raft groups (Q1, decision 9). A ring
/// of preallocated, zero-filled segments that are recycled, so that a commit never grows a file.
/// Used by one thread at a time: the log writer.
///
/// Usage: append_… for every group that has something, then one flush() for all of them; promise
/// nothing to anybody before it returns; then tidy() while nothing is waiting.
///
/// After any error but ec::disk_full, ec::invalid_argument and ec::stale from append_… the log has
/// stopped for good (what the disk holds is unknown): every later call fails, the node must end.
#pragma once

#include "messages/vocabulary.hpp"
#include "runtime/disk/disk.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dunlin::wal {

using group_id = std::uint32_t;

struct entry {
  std::uint64_t term = 0;
  std::uint64_t index = 0;
  std::uint8_t kind = 0;  ///< of the group's own numbering; the log only keeps it
  buffer data;            ///< null is empty; comes back null if it was empty
};

/// What a group wrote and flushed in former lives. Entries are contiguous from compacted_index + 1.
struct group_state {
  std::uint64_t term = 0;
  std::string vote;
  std::uint64_t compacted_index = 0;
  std::uint64_t compacted_term = 0;
  std::vector<entry> entries;
};

struct options {
  std::uint64_t segment_bytes = 16u << 20;  ///< an existing log keeps the size it was made with
  std::uint64_t bytes_max = 1ull << 30;     ///< on disk, all segments; at least two of them
  std::uint64_t reserve_bytes = 64u << 20;  ///< the ring does not grow into the disk's last bytes
};

class log {
public:
  /// Reads what is there, or makes an empty log. The last segment may end in a torn write, which is
  /// cut off; anything else that is not as it was written answers ec::damaged, and an error line
  /// names file and offset: starting without acknowledged entries would break Raft.
  static result<std::unique_ptr<log>> open(disk& storage, std::string folder, options config = {});
  ~log();

  const std::map<group_id, group_state>& recovered() const;

  /// One group's part of recovered(), moved out; empty for a group that wrote nothing.
  group_state take_recovered(group_id group);

  /// Gives back the memory of all that was not taken.
  void release_recovered();

  /// Term and vote of a group.
  result<void> append_hard(group_id group, std::uint64_t term, const std::string& vote);

  /// Contiguous entries; the first one's index cuts what the group holds at and above it. All or
  /// nothing: disk_full when full(), invalid_argument for a gap, for one at or below the compacted
  /// index, or for data of more than entry_bytes_max().
  result<void> append_entries(group_id group, std::span<const entry> entries);

  /// Forgets entries up to `index`, whose term was `term`. Beyond the last entry, or where the
  /// entry at `index` has another term (an installed snapshot), forgets all of them. An index at or
  /// below the compacted one changes nothing. Accepted by a full log too.
  result<void> compact(group_id group, std::uint64_t index, std::uint64_t term);

  /// All that was appended survives a crash once this succeeds: one write, one sync (where a
  /// segment ends in between: one of each a segment). Nothing appended: nothing done.
  result<void> flush();

  /// A bounded piece of work that would otherwise fall to a later commit or to the next start:
  /// prepares the next segment; copies the few records of quiet groups forward that would make a
  /// start read through everything since. Answers whether more is left. May be called at any time,
  /// needs never be called.
  result<bool> tidy();

  /// No room for entries: bytes_max or the disk's reserve is reached. Ends as groups compact.
  bool full() const;

  /// Bytes of entries above which append_entries refuses.
  std::uint64_t entry_bytes_max() const;

  std::uint64_t bytes() const;       ///< on disk, all segments
  std::uint64_t live_bytes() const;  ///< needed by some group
  std::uint64_t flushes() const;     ///< syncs on the commit path in this life

private:
  struct parts;
  explicit log(std::unique_ptr<parts> state);
  std::unique_ptr<parts> state_;
};

}  // namespace dunlin::wal
