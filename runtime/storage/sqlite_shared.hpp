/// What the connections of one database share within the process: the locks of its file, and the
/// index of its log, which SQLite calls shared memory and keeps in a file mapped by every process.
/// One process owns our files (the disk is claimed), so memory does: it is built anew from the log
/// by whoever opens the database first, as after a power failure (docs/decisions/0008).
///
/// Thread-safe. Made by the owner of a database and handed to every further connection; a database
/// that is opened anew gets a new one.
#pragma once

#include "messages/vocabulary.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin {

class sqlite_shared {
public:
  /// One connection's part in the locks.
  struct holder {
    int file_level = 0;           ///< SQLITE_LOCK_…
    std::uint16_t shared = 0;     ///< a bit for each lock of the log's index
    std::uint16_t exclusive = 0;  ///< likewise
  };

  // ---- the database file: SQLite's levels from SHARED to EXCLUSIVE ----

  /// False: another connection is in the way. A level that was reached on the way stays.
  bool lock_file(holder& who, int level);
  void unlock_file(holder& who, int level);
  bool is_reserved();

  // ---- the log's index ----

  /// Region `number` of `bytes` bytes, zeros when it is new; null: not there, and not to be made.
  /// Stays where it is until the last connection has gone.
  void* region(std::size_t number, std::size_t bytes, bool make);

  /// `count` locks from `first` on, all or none. False: another connection is in the way.
  bool lock(holder& who, int first, int count, bool exclusively);
  void unlock(holder& who, int first, int count);

  /// Orders all memory accesses before it and after it, for every connection.
  void barrier();

  // ---- names that the file system may still forget ----

  void name_made(const std::string& folder);
  std::uint64_t new_names(const std::string& folder);  ///< 0: none
  void names_synced(const std::string& folder, std::uint64_t names);

  /// Returns when nobody moves pages from the log to the database (any more).
  void wait_for_checkpoint();

  // ---- between the owner and what works in the background ----

  /// Pages in the log after the owner's last commit.
  std::atomic<std::uint32_t> log_pages{0};
  /// Of them in the database already, as far as the background knows.
  std::atomic<std::uint32_t> moved_pages{0};
  /// Nearly all of a long log has been moved to the database: the owner moves the rest after its
  /// next commit, when nobody adds to it, so that the log can start over.
  std::atomic<bool> finish_wanted{false};
  /// Copies that are being made, and how many pages more the log may have because of them: until
  /// they have ended and a checkpoint in the background has moved what they held up.
  std::atomic<int> copies{0};
  std::atomic<std::uint32_t> pages_for_copies{0};

private:
  static constexpr int lock_count = 8;
  std::mutex mutex_;
  std::condition_variable checkpoint_ended_;
  std::vector<std::unique_ptr<char[]>> regions_;
  std::array<int, lock_count> locks_{};  // holders; -1: one, exclusively
  int file_readers_ = 0;
  const holder* file_reserved_ = nullptr;
  const holder* file_pending_ = nullptr;            // no further reader may come
  std::map<std::string, std::uint64_t> new_names_;  // by folder; a higher number: more of them
};

}  // namespace dunlin
