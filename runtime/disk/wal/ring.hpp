/// The files of the log: which hold records (used), which wait to be overwritten (spare), and how
/// their number grows. Knows nothing of groups.
#pragma once

#include "runtime/disk/wal/wal.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace dunlin::wal {

struct segment {
  std::string path;
  std::unique_ptr<file> bytes;
  bool blank =
      false;  ///< its head was zeros when the log was opened: nothing was ever written there
};

/// The error line of a log that must not start, and its code.
ec report_damage(const std::string& path, std::uint64_t offset, const char* reason);

class ring {
public:
  ring(disk& storage, std::string folder, options config);

  /// Finds the files of former lives: those with a head in used(), by sequence number, the others
  /// in spare(). An empty folder is made and stays empty.
  result<void> open();

  std::map<std::uint64_t, segment>& used() { return used_; }
  std::deque<segment>& spare() { return spare_; }
  std::uint64_t segment_bytes() const { return config_.segment_bytes; }
  std::uint64_t count() const { return used_.size() + spare_.size(); }
  std::uint64_t count_max() const;

  /// Whether bytes_max and the disk allow one more segment.
  bool may_grow() const { return check_room().has_value(); }

  /// Writes a part of the next segment; true: it is now in spare(). An error gives the attempt up
  /// and leaves the ring as it was.
  result<bool> grow_a_little();
  bool is_growing() const { return growing_.has_value(); }
  result<void> grow();

  /// Overwrites what is behind `from`, without a sync.
  result<void> zero(segment& of, std::uint64_t from);

  void retire(std::uint64_t sequence);  ///< used → spare

private:
  struct found {
    segment made;
    std::uint64_t size = 0;
    std::uint64_t sequence = 0;    // 0: no head
    std::uint64_t head_bytes = 0;  // segment size, says the head
  };
  result<found> examine(const std::string& name);
  result<void> adopt_size(const std::vector<found>& all);
  result<void> take(found one);
  result<void> check_room() const;
  result<void> start_growing();

  disk& disk_;
  std::string folder_;
  options config_;
  std::map<std::uint64_t, segment> used_;
  std::deque<segment> spare_;
  struct growth {
    segment next;
    std::uint64_t filled = 0;
  };
  std::optional<growth> growing_;
  std::uint32_t next_number_ = 1;
};

}  // namespace dunlin::wal
