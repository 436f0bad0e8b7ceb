/// SQLite's files on the DISK port, so that a simulation loses and tears them like all others
/// (decision 2). One instance a database; write-ahead mode works in exclusive locking mode only,
/// because there is no shared memory and no second process.
#pragma once

#include "runtime/disk/disk.hpp"

#include <sqlite3.h>

#include <optional>
#include <set>
#include <string>

namespace dunlin {

class sqlite_vfs {
public:
  explicit sqlite_vfs(disk& storage);
  ~sqlite_vfs();
  sqlite_vfs(const sqlite_vfs&) = delete;
  sqlite_vfs& operator=(const sqlite_vfs&) = delete;

  /// For sqlite3_open_v2.
  const char* name() const { return name_.c_str(); }

  /// What the disk last answered that was no success; SQLite's own codes do not tell closed from
  /// broken.
  std::optional<ec> last_error() const { return last_error_; }

private:
  friend struct vfs_calls;
  int fail(ec code, int sqlite_code);
  result<void> sync_new_names(const std::string& folder);

  disk& disk_;
  std::string name_;
  sqlite3_vfs vfs_{};
  std::optional<ec> last_error_;
  std::set<std::string> unsynced_folders_;  // a file was made there
};

}  // namespace dunlin
